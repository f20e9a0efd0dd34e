"""The owner of an evaluation or run that names none: a team or user of the caller that owns the version or workflow."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from app.graph.writing.rules.first_owner import may_take
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import EVALUATED_BY, OWNED_BY, RUN_OF, Direction
from graphql_schema.catalog.urn import parent_urn, parse_urn, slug_of
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.record import Record

_BASES: Final = {"Evaluation": (EVALUATED_BY, Direction.IN), "Run": (RUN_OF, Direction.OUT)}
"""The edges to the version that an evaluation is of, and to the workflow that a run executes, by the kind of asset."""


def with_default_owner(unit: ItemUnit, command: RegisterCommand, before: Record | None) -> RegisterCommand:
    """Return the registration of an evaluation or run that has and declares no owner with one; others unchanged.

    The owner is that of the version or workflow, else of an evaluation an evaluator of a gate, provided that it is in
    ``owners`` of the author. Without such an owner, or if it was removed after the asset was registered, the
    registration is unchanged. So it is if the caller may not take the asset, or its id is reserved.
    """
    kind = parse_urn(command.urn).kind
    owned = before is not None and (before["ownerTeam"] or before["index"]["owners"])
    declares = any(edges.hop.relation is OWNED_BY for edges in command.edges)
    if command.action is not None or kind not in _BASES or owned or declares or not may_take(unit, before):
        return command
    if unit.author.owner_of_name(command.urn):
        return command
    owner = next((urn for urn in _candidates(unit, command, kind) if urn in unit.author.owners), None)
    if owner is None or _was_removed(unit, before, owner):
        return command
    edges = DeclaredEdges(OWNED_BY.out(), f"{kind}.owners", {owner: {"kinds": ["TECHNICAL"]}})
    return replace(command, edges=(edges, *command.edges))  # owners come first, as in an input


def _was_removed(unit: ItemUnit, before: Record | None, owner: str) -> bool:
    """Return whether a registered asset had the owner: who removed an owner does not get it back by the next report.

    What a stub had does not count, because anybody could give it an owner, and remove this, before the registration.
    """
    if before is None or before["hydration"] == "STUB":
        return False
    key = (OWNED_BY.name, unit.lookup.vid(before["id"]), unit.lookup.vid(owner))
    unit.lookup.require_records(owner)
    unit.lookup.require_edges(key)
    return unit.lookup.edge(key) is not None


def _candidates(unit: ItemUnit, command: RegisterCommand, kind: str) -> Iterator[str]:
    """Yield the teams and users that may own what the command registers.

    A domain is none of them: a base that only a domain owns gives no owner.
    """
    for edges in command.edges:
        if (edges.hop.relation, edges.hop.direction) == _BASES[kind]:
            owners = (record["ownerTeam"] for urn in edges.targets if (record := _known(unit, urn)) is not None)
            yield from (owner for owner in owners if owner and slug_of(owner) != "domain")
    if kind == "Evaluation":
        yield from sorted(unit.author.gates.evaluators)


def _known(unit: ItemUnit, urn: str) -> Record | None:
    """Return the visible record of an asset, else that of its parent; None without both."""
    parent = parent_urn(urn)
    return unit.visibility.visible(urn) or (unit.visibility.visible(parent) if parent else None)
