"""State that orders the writes of a process among those of all processes, and the codec of their transactions."""
