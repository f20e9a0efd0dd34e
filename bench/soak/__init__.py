"""A steady mixed load for many minutes: its errors, its times, and the memory of the processes."""
