"""The API over the graph of a module, for the tests of events."""

from support.servers.in_process import api

__all__ = ["api"]
