"""One file per concept: the types that callers read and write."""
