"""State that orders and coordinates the writes of a process."""
