"""Search: ranked text search over assets, with highlights and facets."""
