"""The ids of assets in commands, and commands with other ids in their place."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.ports.commands import (
    ApproveCommand,
    Command,
    DeclaredEdges,
    DeleteCommand,
    LinkCommand,
    MergeCommand,
    ObserveCommand,
    OpenIncidentCommand,
    PlanChangeCommand,
    RecordUsageCommand,
    RegisterCommand,
    ReportCheckCommand,
    RestoreCommand,
    UnlinkCommand,
)
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.record import Record

AnyCommand = TypeVar("AnyCommand", bound=Command)

Rename = Callable[[str], str]
"""Returns the id to use in place of a given one."""

_IDS: Final[Mapping[type, tuple[str, ...]]] = {
    RegisterCommand: ("urn",),
    ObserveCommand: ("urn",),
    RecordIngestionCommand: ("subject",),
    LinkCommand: ("source", "target"),
    UnlinkCommand: ("source", "target"),
    MergeCommand: ("source", "target"),
    DeleteCommand: ("urn",),
    RestoreCommand: ("urn",),
    ApproveCommand: ("subject",),
    RecordUsageCommand: ("asset", "consumer"),
    ReportCheckCommand: ("asset",),
    OpenIncidentCommand: ("assets",),
    PlanChangeCommand: ("roots",),
}
"""The fields with ids of assets, by type of command; a command of another type names versions or attached records."""


def with_ids(command: AnyCommand, rename: Rename) -> AnyCommand:
    """Return the command with other ids, also in the edges that it declares; the same object if no id differs."""
    changes: dict[str, object] = {}
    for name in () if _joins_version(command) else _IDS.get(type(command), ()):
        given = getattr(command, name)
        changes[name] = rename(given) if isinstance(given, str) else tuple(dict.fromkeys(map(rename, given)))
    if isinstance(command, RegisterCommand | ObserveCommand):
        changes["edges"] = tuple(_with_ids(edges, rename) for edges in command.edges)
    differing = {name: after for name, after in changes.items() if after != getattr(command, name)}
    return replace(command, **differing) if differing else command  # type: ignore[arg-type]


def _joins_version(command: Command) -> bool:
    """Return whether a command links a version to the parent that its id names, or unlinks it."""
    return isinstance(command, LinkCommand | UnlinkCommand) and command.relation == VERSION_OF.name


def _with_ids(edges: DeclaredEdges, rename: Rename) -> DeclaredEdges:
    """Return the edges to other ids; if two targets become one, the values of the later one win.

    The parent of a version stays: the id of the version names it, and look-ups follow it.
    """
    if edges.hop.relation is VERSION_OF:
        return edges
    targets: dict[str, Record] = {}
    for urn, values in edges.targets.items():
        after = rename(urn)
        targets[after] = {**targets.get(after, {}), **values}
    removes = tuple(dict.fromkeys(map(rename, edges.removes)))
    if removes == edges.removes and targets.keys() == edges.targets.keys():
        return edges
    return replace(
        edges, targets=targets, removes=removes, places={rename(urn): at for urn, at in edges.places.items()}
    )
