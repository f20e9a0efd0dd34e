"""State that orders and coordinates the writes of a process, and the codec of their transactions."""
