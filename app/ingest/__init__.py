"""Imports, exports and the demo estate: clients of the API, none of which opens the store.

The server uses the mapping of OpenLineage events too.
"""
