"""What a transaction touches: the vertices and edges whose former state a reader may no longer use."""

from dataclasses import dataclass
from typing import Final

EdgeEnd = tuple[str, str, int]
"""A direction (``out`` or ``in``), an edge label, and the vertex id of the near end."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Vertices and ends of edges that one transaction writes.

    ``tenants`` are those whose listings by the index may change, None for all. With ``everything`` it is unknown what
    the transaction writes, and the other values do not count.
    """

    vertices: frozenset[int] = frozenset()
    edge_ends: frozenset[EdgeEnd] = frozenset()
    tenants: frozenset[str] | None = frozenset()
    everything: bool = False


NOTHING: Final = Touched()
"""A transaction that writes only vertices and edges that no level of a query reads."""

EVERYTHING: Final = Touched(everything=True)
"""A transaction about which nothing is known."""
