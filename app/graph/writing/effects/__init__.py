"""Effects of a batch on assets outside of it."""
