"""Records of inferred edges: shortcuts for chains of other edges, as stored and as one caller sees them.

Next to ``FEEDS``, for example, which callers declare, the store has ``INFERRED_FEEDS``, which
:mod:`app.graph.jobs.inference_job` derives. The record of such an edge has ``chains``, a list of
``{rule, through: vertex ids, confidence, held: [[begin, end, opened, closed], …]}``.
``opened`` and ``closed`` are the instants when begin and end of an interval were recorded; without an end, ``end`` and
``closed`` are FOREVER. The native ``validFrom`` and ``validTo`` span all intervals. The native ``through`` lists all
vertices in the middle, so that :mod:`app.graph.reading.level.level_statement` returns them too. The API returns the
result of :func:`visible_inferred_edge`, not the record itself.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from app.graph.records.read_time import NO_UPPER_BOUND, recorded_by
from graphql_schema.catalog.inference_rules import ENRICHMENT, INFERRED
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import AccessGrade, Row

CHAINS: Final = "chains"

PREFIX: Final = "INFERRED_"

LABEL: Final = {relation: PREFIX + relation for relation in INFERRED}
"""Edge label of inferred edges, by relation."""

THROUGH: Final = "through"
"""Native property of an inferred edge: ids of the vertices in the middle, separated by commas."""

BY: Final = "enrichment:"
"""Prefix of the declarer of an inferred edge, before the name of its rule."""


_SHOWN_FIELDS: Final = frozenset({"relation", "origin", "confidence", "validFrom", "validTo"})


def labels(relation: str) -> tuple[str, ...]:
    """Return the edge labels of a relation: that of declared edges, then that of inferred ones if it has any."""
    return (relation, LABEL[relation]) if relation in LABEL else (relation,)


def is_inferred(edge: Record) -> bool:
    """Return whether this is the stored record of an inferred edge."""
    return CHAINS in edge


def is_shortcut(shown: Record) -> bool:
    """Return whether an edge, as a caller sees it, is a result of :func:`visible_inferred_edge`: a rule declares it."""
    return any(name.startswith(BY) for name in shown.get("by", ()))


def is_traversable(row: Row | None) -> bool:
    """Return whether chains through a vertex are shown to the caller, whose row of the vertex is given.

    The caller must be allowed to read the vertex, its `upstream` and `downstream`, and the relation, origin, confidence
    and validity of the edges there. None, the row of a hidden vertex, gives False.
    """
    if row is None or row.access.grade is not AccessGrade.READ:
        return False
    shows = row.access.of_edge("Neighbour", row.access).hidden.isdisjoint(_SHOWN_FIELDS)
    return shows and row.access.hidden.isdisjoint({"upstream", "downstream"})


def visible_inferred_edge(
    edge: Record, at: int, passes: Callable[[int], bool], recorded: int = NO_UPPER_BOUND
) -> Record | None:
    """Return an inferred edge as one caller sees it at ``at``, None if no visible chain is valid at this instant.

    ``passes`` returns whether the caller may traverse a vertex id in the middle: :func:`is_traversable`, and whether it
    existed. Hidden chains do not count, nor do begins and ends that were recorded after ``recorded``.
    """
    found = [
        (chain, begin, end)
        for chain in edge[CHAINS]
        for begin, end in _held_at(chain["held"], at, recorded)
        if all(map(passes, chain["through"]))
    ]
    if not found:
        return None
    rules = sorted({chain["rule"] for chain, _, _ in found})
    end = max(end for _, _, end in found)
    return {
        "relation": edge["relation"],
        "origin": "INFERRED",
        "confidence": max(chain["confidence"] for chain, _, _ in found),
        "validFrom": min(begin for _, begin, _ in found),
        **({} if end == FOREVER else {"validTo": end}),
        "by": [BY + rule for rule in rules],
        "properties": [{"key": ENRICHMENT, "value": ", ".join(rules)}],
    }


def _held_at(held: Sequence[Sequence[int]], at: int, recorded: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the intervals of a chain that hold at an instant, as recorded then.

    They are in order, and do not overlap: in the present only the last one that has begun can hold. For the past all
    that have begun are examined. An end that was recorded later does not count, so an earlier one may hold as well.
    """
    following = bisect_right(held, at, key=itemgetter(0))
    first = max(following - 1, 0) if recorded == NO_UPPER_BOUND else 0
    return ((begin, end) for begin, end in recorded_by(held[first:following], recorded) if at < end)


def inferred(relation: str, chains: Sequence[Record]) -> Record:
    """Return the record of the edge that the chains support; without chains its interval is empty."""
    held = [interval for chain in chains for interval in chain["held"]]
    return {
        "relation": relation,
        "origin": "INFERRED",
        "by": [BY + rule for rule in sorted({chain["rule"] for chain in chains})],
        "validFrom": min((start for start, *_ in held), default=0),
        "validTo": max((end for _, end, *_ in held), default=0),
        CHAINS: list(chains),
    }


def through(edge: Record) -> str:
    """Return the value of the native property :data:`THROUGH` for an inferred edge."""
    return ",".join(map(str, sorted({vid for chain in edge[CHAINS] for vid in chain["through"]})))
