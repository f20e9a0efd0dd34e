"""The API over the graph of a module, for all journeys."""

from support.servers.in_process import api

__all__ = ["api"]
