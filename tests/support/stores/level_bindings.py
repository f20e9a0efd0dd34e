"""The bindings of the level statement for tests that send it by themselves."""

from typing import Any

from app.graph.reading.level.level_statement import MEMORY, RECORDS_CAP, VISITED_CAP


def level_bindings(**given: Any) -> dict[str, Any]:
    """Return all bindings: those given, and for the others those of a request that reads nothing."""
    limits = {"cap": 1, "visited": VISITED_CAP, "memory": MEMORY, "size": RECORDS_CAP, "portion": RECORDS_CAP}
    read: dict[str, Any] = {"points": [], "reached": [], "hops": [], "listings": []}
    return {**limits, **read, "full": True, "tenant": "default", "head": 0, **given}
