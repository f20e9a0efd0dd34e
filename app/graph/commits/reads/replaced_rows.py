"""The edges of hops after some of them were read again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.graph.commits.reads.touched_reads import HopKind, Row
from graphql_schema.ports.record import Record

FarEdge = tuple[int, int, Record]
"""A vertex id, the vertex id at the far end, and the edge between them."""


def replaced_rows(
    rows_of: Mapping[HopKind, Sequence[FarEdge]], rows: Iterable[Row], edges: Iterable[Record | None]
) -> dict[HopKind, list[FarEdge]]:
    """Return all edges of the hops of which ``rows`` were read again; ``edges`` has these, None for an absent one."""
    changed = defaultdict[HopKind, dict[tuple[str, int, int], Record | None]](dict)
    for (kind, label, near, far), edge in zip(rows, edges, strict=True):
        changed[kind][label, near, far] = edge
    return {
        kind: [
            *(row for row in rows_of[kind] if (row[2]["relation"], *row[:2]) not in found),
            *((near, far, edge) for (_, near, far), edge in found.items() if edge),
        ]
        for kind, found in changed.items()
    }
