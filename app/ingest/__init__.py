"""Clients of the API: imports, exports and the demo estate; none of them opens the store."""
