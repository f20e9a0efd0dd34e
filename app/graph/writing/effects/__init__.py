"""Effects of a batch on other assets: raised sensitivity, and outbox entries for background jobs."""
