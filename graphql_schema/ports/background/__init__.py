"""Commands of background work, which writes them with the rights of a caller whose write left it."""
