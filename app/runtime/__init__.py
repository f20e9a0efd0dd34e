"""One server process: what it opens at start, its background jobs, and the contexts of its operations."""
