"""The graph cache of a process: what was read from the store and has not been written since."""
