"""Foreign systems, one module or folder each."""
