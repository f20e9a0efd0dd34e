"""The owner of an evaluation that names none: a team or user of the caller whose evaluations count for the version."""

from dataclasses import replace
from typing import Final

from app.graph.writing.rules.first_owner import may_take
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import EVALUATED_BY, OWNED_BY, Direction
from graphql_schema.catalog.urn import parent_urn, parse_urn, slug_of
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.record import Record

_DECLARER: Final = "Evaluation.owners"


def with_default_owner(unit: ItemUnit, command: RegisterCommand, before: Record | None) -> RegisterCommand:
    """Return the registration of an evaluation that has and declares no owner with one; others unchanged.

    The owner is the owner team of the version, else an evaluator of a gate, provided that it is in ``owners`` of the
    author. Without such an owner, or if the caller may not take the evaluation, the registration is unchanged.
    """
    owned = before is not None and (before["ownerTeam"] or before["index"]["owners"])
    declares = any(edges.hop.relation is OWNED_BY for edges in command.edges)
    if command.action is not None or parse_urn(command.urn).kind != "Evaluation" or owned or declares:
        return command
    if not may_take(unit, before):
        return command
    owners = [owner for owner in _counting(unit, command) if owner in unit.author.owners]
    if not owners:
        return command
    owner = DeclaredEdges(OWNED_BY.out(), _DECLARER, {owners[0]: {"kinds": ["TECHNICAL"]}})
    return replace(command, edges=(*command.edges, owner))


def _counting(unit: ItemUnit, command: RegisterCommand) -> list[str]:
    """Return the teams and users whose evaluations count for the version that the command names, its owner first.

    A domain is none of them: it owns no evaluation.
    """
    owners = [
        version["ownerTeam"]
        for edges in command.edges
        if edges.hop.relation is EVALUATED_BY and edges.hop.direction is Direction.IN
        for urn in edges.targets
        if (version := _known(unit, urn)) is not None and version["ownerTeam"]
    ]
    return [*(urn for urn in owners if slug_of(urn) != "domain"), *sorted(unit.author.gates.evaluators)]


def _known(unit: ItemUnit, urn: str) -> Record | None:
    """Return the visible record of a version, else that of its model; None without both."""
    parent = parent_urn(urn)
    return unit.visibility.visible(urn) or (unit.visibility.visible(parent) if parent else None)
