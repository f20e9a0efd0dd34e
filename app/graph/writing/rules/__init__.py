"""Rules that several handlers share."""
