"""Records of edges between assets and tags: the declarations of callers and the propagation of a tag, in one record.

``by`` names the declarers: fields that callers wrote, and ``propagation`` if :mod:`app.graph.jobs.tag_job` propagated
the tag here. A propagated tag has ``via`` (URN of the asset that it arrived from) and ``steps`` (distance from the
nearest direct assignment). ``mode`` follows: BLOCKED if a caller blocks the tag, DIRECT if a caller assigned it, else
PROPAGATED. Audit and revert only use the part that callers declared.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.records.edge_record import declared, ended, is_current, reopened, undeclared, with_links_of
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.ports.record import Record

PROPAGATION: Final = "propagation"
"""Declarer of a tag that propagated here."""

_ARRIVED: Final = frozenset({"via", "steps"})


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """Distance of a propagated tag, and the URN of the asset that it arrived from.

    Of several arrivals the one with the fewest steps counts, then the first by URN.
    """

    steps: int
    via: str


def arrival(edge: Record | None, now: int) -> Arrival | None:
    """Return the arrival of a propagated tag, None if no edge is current or the tag did not propagate here."""
    if edge is None or not is_current(edge, now) or PROPAGATION not in edge["by"]:
        return None
    return Arrival(edge["steps"], edge["via"])


def has_mode(edge: Record | None, mode: TagMode, now: int) -> bool:
    """Return whether the edge is current and has this mode."""
    return edge is not None and is_current(edge, now) and edge.get("mode") == mode.name


def arrived(edge: Record | None, found: Arrival | None, now: int) -> Record:
    """Return the edge with the arrival ``found``; a blocked edge stays without one.

    With an arrival, an absent or ended edge begins a new interval at ``now``. If ``found`` is None, return the edge,
    which must exist, without arrival. Without other declarers it ends at ``now``, or at its begin if that is later.
    """
    if found is None:
        return with_mode(undeclared(_without(edge or {}), PROPAGATION, now))
    values = {"origin": "INFERRED", "steps": found.steps, "via": found.via}
    return with_mode(declared(edge, TAGGED, PROPAGATION, now, values))


def with_mode(edge: Record) -> Record:
    """Return a blocked edge without arrival, one that only propagation declares as PROPAGATED, any other unchanged."""
    if edge["mode"] == TagMode.BLOCKED.name:
        return {**_without(edge), "by": _people(edge)}
    if edge["by"] == [PROPAGATION]:
        return {**edge, "mode": TagMode.PROPAGATED.name, "origin": "INFERRED"}
    return edge


def released(edge: Record, now: int) -> Record:
    """Return the edge without declaration or block by a caller; without a propagated tag it ends at ``now``.

    An edge that begins later ends at its begin. The edge may be of any relation.
    """
    return with_mode({**edge, "by": [PROPAGATION]}) if PROPAGATION in edge["by"] else ended(edge, now)


def declared_part(edge: Record | None) -> Record | None:
    """Return the part of the edge that callers declared, None if there is no edge or the tag only propagated."""
    if edge is None or PROPAGATION not in edge["by"]:
        return edge
    people = _people(edge)
    return {**_without(edge), "by": people} if people else None


def restored_declaration(edge: Record | None, was: Record, now: int) -> Record:
    """Return ``was``, the former declaration by callers, with the arrival and the unconfirmed links of ``edge``.

    Without an arrival, return ``was`` as :func:`reopened` does. The edge may be of any relation.
    """
    was, found = with_links_of(edge, was), arrival(edge, now)
    if edge is None or found is None:
        return reopened(edge, was, now)
    past = {name: edge[name] for name in ("validFrom", "earlier") if name in edge}
    return with_mode({**was, **past, "by": sorted([*was["by"], PROPAGATION]), "via": found.via, "steps": found.steps})


def _people(edge: Record) -> list[str]:
    return [name for name in edge["by"] if name != PROPAGATION]


def _without(edge: Record) -> Record:
    return {name: value for name, value in edge.items() if name not in _ARRIVED}
