"""Records of edges that continue at another dataset, because theirs was merged into it."""

from typing import Final

from app.graph.records.edge_record import (
    BY_CALLER,
    CLOSED,
    CORRECTED,
    DECLASSIFIED,
    OPENED,
    REPORTED,
    STRENGTH,
    UNCONFIRMED,
    ends,
    intervals,
    kept_by,
)
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import Record

_DATES: Final = frozenset({"earlier", OPENED, CLOSED, CORRECTED})

_OF_ORIGIN: Final = ("origin", "confidence")

_ONLY_BOTH: Final = frozenset({DECLASSIFIED, REPORTED})
"""Marks that an edge keeps only if the other one has them, too: without them it has more effect."""

_JOINED: Final = _ONLY_BOTH | {"validTo", *_OF_ORIGIN}
"""Keys of a joined edge that do not follow from one edge alone."""


def moved(before: Record | None, edge: Record, now: int) -> Record:
    """Return the record of a current ``edge`` as it continues from ``now`` on, or from its begin if that is later.

    ``before`` is the record of an edge that has ended there, None without one: its intervals are kept.
    """
    values = {name: value for name, value in edge.items() if name not in _DATES}
    earlier = {} if before is None or not intervals(before) else {"earlier": intervals(before)}
    return {**values, "validFrom": max(now, edge["validFrom"]), **earlier, **_links(edge, before or {})}


def joined(before: Record, edge: Record, now: int) -> Record:
    """Return the record of a current edge ``before`` to which a current ``edge`` is joined.

    If one of them is unconfirmed, the result is the other one. Otherwise it has the declarers of both and the later
    end, and its values win. It carries sensitivity if one of them does.
    """
    if before.get(UNCONFIRMED) and not edge.get(UNCONFIRMED):
        return moved(before, edge, now)
    if edge.get(UNCONFIRMED) and not before.get(UNCONFIRMED):
        return {**before, **_links(edge, before)}
    values = {name: value for name, value in edge.items() if name not in _DATES | _JOINED}
    marks = {name: before[name] for name in _ONLY_BOTH if before.get(name) and edge.get(name)}
    kept = {name: value for name, value in before.items() if name not in _JOINED}
    end = max(ends(before), ends(edge))
    both = {
        **values,
        **kept,
        **marks,
        **({} if end == FOREVER else {"validTo": end}),
        **_strongest(before, edge),
        **_properties(before, edge),
        "by": sorted({*before["by"], *edge["by"]}),
        "validFrom": min(before["validFrom"], max(now, edge["validFrom"])),
        **_links(edge, before),
    }
    return _with_end(both, now)


def _strongest(before: Record, edge: Record) -> Record:
    """Return origin and confidence of the edge with the stronger origin, those of ``before`` if both are equal."""
    ranks = [STRENGTH.index(each.get("origin", "DECLARED")) for each in (before, edge)]
    strongest = edge if ranks[1] > ranks[0] else before
    return {name: strongest[name] for name in _OF_ORIGIN if name in strongest}


def _properties(before: Record, edge: Record) -> Record:
    """Return the properties of both edges, those of ``before`` where both have a key; nothing without properties."""
    pairs = {pair["key"]: pair for each in (edge, before) for pair in each.get("properties") or ()}
    return {"properties": [pairs[key] for key in sorted(pairs)]} if pairs else {}


def _links(edge: Record, before: Record) -> Record:
    """Return what callers declared apart from both edges, by caller.

    Where both have it, that of ``before`` is kept, unless only the other one still keeps an edge, or has declarers.
    """
    kept = {name: {**edge.get(name, {}), **before.get(name, {})} for name in sorted(BY_CALLER)}
    for name, links in kept.items():
        for subject, other in edge.get(name, {}).items():
            links[subject] = max(links[subject], other, key=_lasts)
    return {name: each for name, each in kept.items() if each}


def _lasts(own: Record) -> int:
    """Return 2 for a declaration that keeps an edge, 1 for another one with declarers, else 0."""
    return 0 if not own["by"] else 1 + ("validTo" not in own and not own.get(UNCONFIRMED))


def _with_end(edge: Record, now: int) -> Record:
    """Return an edge with an end at ``now`` if it has neither an end nor declarers, and no caller keeps it."""
    return (
        edge if edge["by"] or "validTo" in edge or kept_by(edge) else {**edge, "validTo": max(now, edge["validFrom"])}
    )
