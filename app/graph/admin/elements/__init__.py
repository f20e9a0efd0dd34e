"""All vertices and edges of a store, read page by page, and their digest."""
