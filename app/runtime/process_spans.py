"""Spans of the requests to the store, each beneath the span of the operation, transaction or job that sends it."""

from time import time_ns
from typing import Final

from app.graph.driver.gremlin_client import RequestReport
from app.telemetry.spans import Attributes, Spans

SYSTEM: Final = "janusgraph"
"""The name of the store's system in spans."""


class StoreSpans:
    """Records the requests of a client; implements :class:`app.graph.driver.gremlin_client.Observer`."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def exchanged(self, exchange: RequestReport) -> None:
        """Record the span of a request that has just finished."""
        ended = time_ns()
        name = exchange.prepared.name
        begun = ended - int(exchange.seconds * 1e9)
        attributes: Attributes = {
            "db.system.name": SYSTEM,
            "db.operation.name": name,
            "mlg.attempts": exchange.attempts,
        }
        self._spans.record(f"store {name}", attributes, begun, ended, exchange.error)
