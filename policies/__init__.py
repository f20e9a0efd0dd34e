"""Who may see or change what."""
