"""The edge between an asset and a tag: what people said of it, and what arrived along lineage, in one record.

``by`` names who declares it: fields that people wrote, and ``propagation`` for what the job of :mod:`app.graph.jobs`
found to arrive, with ``via`` (the id of the asset that it arrived from) and ``steps`` (from the nearest asset that
carries it directly). ``mode`` follows: BLOCKED where somebody keeps it out, which nothing arrives at, else DIRECT where
anybody declares it, else PROPAGATED. The audit and its undoing go by what people said alone.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.records.edge_record import declared, ended, is_current, reopened, undeclared
from app.graph.records.vertex_record import Record
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import TAGGED

PROPAGATION: Final = "propagation"
"""The declarer of what arrived."""

_ARRIVED: Final = frozenset({"via", "steps"})


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """How far a tag came along lineage, and the id of the asset that it arrived from; the least is the one that counts.

    An asset that carries the tag directly is no step away from it.
    """

    steps: int
    via: str


def arrival(edge: Record | None, now: int) -> Arrival | None:
    """What arrived, where anything did."""
    if edge is None or not is_current(edge, now) or PROPAGATION not in edge["by"]:
        return None
    return Arrival(edge["steps"], edge["via"])


def has_mode(edge: Record | None, mode: TagMode, now: int) -> bool:
    """Whether the edge holds, in this mode."""
    return edge is not None and is_current(edge, now) and edge.get("mode") == mode.name


def arrived(edge: Record | None, found: Arrival | None, now: int) -> Record:
    """The edge with what arrives now, or without anything that does; closed where nobody declares it then."""
    if found is None:
        return with_mode(undeclared(_without(edge or {}), PROPAGATION, now))
    facts = {"origin": "INFERRED", "steps": found.steps, "via": found.via}
    return with_mode(declared(edge, TAGGED, PROPAGATION, now, facts))


def with_mode(edge: Record) -> Record:
    """The edge with the mode that follows from who declares it."""
    if edge["mode"] == TagMode.BLOCKED.name:
        return {**_without(edge), "by": _people(edge)}
    if edge["by"] == [PROPAGATION]:
        return {**edge, "mode": TagMode.PROPAGATED.name, "origin": "INFERRED"}
    return edge


def released(edge: Record, now: int) -> Record:
    """The edge as no person declares or blocks it any more: what arrives along lineage stays."""
    return with_mode({**edge, "by": [PROPAGATION]}) if PROPAGATION in edge["by"] else ended(edge, now)


def declared_part(edge: Record | None) -> Record | None:
    """What people said of the tag; None where it only arrived."""
    if edge is None or PROPAGATION not in edge["by"]:
        return edge
    people = _people(edge)
    return {**_without(edge), "by": people} if people else None


def restored_declaration(edge: Record | None, was: Record, now: int) -> Record:
    """The edge with what people said of it once, and with what arrives now."""
    found = arrival(edge, now)
    if edge is None or found is None:
        return reopened(edge, was, now)
    past = {name: edge[name] for name in ("validFrom", "earlier") if name in edge}
    return with_mode({**was, **past, "by": sorted([*was["by"], PROPAGATION]), "via": found.via, "steps": found.steps})


def _people(edge: Record) -> list[str]:
    return [name for name in edge["by"] if name != PROPAGATION]


def _without(edge: Record) -> Record:
    return {name: value for name, value in edge.items() if name not in _ARRIVED}
