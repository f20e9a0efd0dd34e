"""Writes plain graphs into a store with the writer of the product, each event on its day."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from support.estates.lineage_graphs import (
    DELETED,
    LINKED,
    REGISTERED,
    RELINKED,
    RESTORED,
    TEAM,
    UNLINKED,
    Arc,
    Thing,
    WalkGraph,
    instant,
)
from support.servers.in_process import Api
from support.stores.writers import Writers, person

from graphql_schema.catalog.relations import CONTAINS, OWNED_BY
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    LinkCommand,
    RegisterCommand,
    RestoreCommand,
    UnlinkCommand,
)
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

_numbers = count()


class WalkStore:
    """Loads graphs into a running API's store, each as another caller: without jobs, a single one soon has to wait."""

    def __init__(self, api: Api) -> None:
        self._writers = Writers(api.client, api.process.policy, api.coordinator)
        self._caller = person(f"loader{next(_numbers)}", roles="admin auditor")

    async def load(self, *graphs: WalkGraph) -> None:
        """Write every event, and store in the graphs the ids that could be deleted."""
        things = [thing for graph in graphs for thing in graph.things.values()]
        arcs = [arc for graph in graphs for arc in graph.arcs]
        await self._write(REGISTERED, map(_registration, things))
        await self._write(LINKED, map(_link, arcs))
        left = [thing for thing in things if thing.held[0][1] == UNLINKED]
        await self._write(UNLINKED, [_unlink(arc) for arc in arcs if arc.is_unlinked] + list(map(_take_out, left)))
        back = [thing for thing in left if len(thing.held) > 1]
        await self._write(RELINKED, [_link_again(arc) for arc in arcs if arc.is_again] + list(map(_put_back, back)))
        await self._delete(*graphs)

    async def _delete(self, *graphs: WalkGraph) -> None:
        """Delete unused assets with their children, and restore some with what was deleted along with them."""
        wanted = [(graph, thing.urn) for graph in graphs for thing in graph.things.values() if thing.deleted]
        done = await self._write(DELETED, [DeleteCommand(urn) for _, urn in wanted], refusing=True)
        along: dict[str, tuple[WalkGraph, set[str]]] = {}
        for (graph, urn), each in zip(wanted, done, strict=True):
            if each.outcome is Outcome.UPDATED:
                along[urn] = (graph, {urn, *graph.parts(urn)} - graph.gone)
                graph.gone |= along[urn][1]
        back = [urn for urn, (graph, _) in along.items() if graph.things[urn].restored]
        done = await self._write(RESTORED, [RestoreCommand(urn) for urn in back], refusing=True)
        for urn, each in zip(back, done, strict=True):
            if each.outcome is Outcome.UPDATED:
                graph, revived = along[urn]
                graph.gone -= revived

    async def _write(self, day: int, items: Iterable[Command], *, refusing: bool = False) -> list[WriteOutcome]:
        given = list(items)
        if not given:
            return []
        writer = self._writers.of(self._caller, now=instant(day))
        done = await writer.write(given, dry_run=False, atomic=False)
        assert refusing or not [each for each in done if each.errors], done
        return done


def _registration(thing: Thing) -> RegisterCommand:
    values: dict[str, Any] = {"visibility": thing.visibility, "stage": thing.stage}
    if thing.made is not None:
        values["sourceCreatedAt"] = instant(thing.made)
    if thing.kind == "Run":
        values["state"] = "COMPLETE"
    return RegisterCommand(thing.urn, values, tuple(_declared(thing)))


def _declared(thing: Thing) -> Iterator[DeclaredEdges]:
    if thing.team:
        owners = {TEAM + thing.team: {"kinds": ["TECHNICAL"]}}
        yield DeclaredEdges(OWNED_BY.out(), f"{thing.kind}.owners", owners)
    if thing.kind == "Feature" and thing.parent:
        yield DeclaredEdges(CONTAINS.into("FeatureSet"), "Feature.featureSet", {thing.parent: {}})


def _link(arc: Arc) -> LinkCommand:
    details: dict[str, Any] = {"origin": arc.origin}
    if arc.confidence is not None:
        details["confidence"] = arc.confidence
    if arc.start is not None:
        details["validFrom"] = instant(arc.start)
    if arc.end is not None:
        details["validTo"] = instant(arc.end)
    return LinkCommand(arc.relation, arc.source, arc.target, details)


def _unlink(arc: Arc) -> UnlinkCommand:
    return UnlinkCommand(arc.relation, arc.source, arc.target, None if arc.ends is None else instant(arc.ends))


def _link_again(arc: Arc) -> LinkCommand:
    details = {} if arc.starts is None else {"validFrom": instant(arc.starts)}
    sure = {} if arc.confidence is None else {"confidence": arc.confidence}
    return LinkCommand(arc.relation, arc.source, arc.target, {"origin": arc.origin, **sure, **details})


def _take_out(thing: Thing) -> UnlinkCommand:
    return UnlinkCommand(CONTAINS.name, str(thing.parent), thing.urn)


def _put_back(thing: Thing) -> LinkCommand:
    return LinkCommand(CONTAINS.name, str(thing.parent), thing.urn, {"origin": "DECLARED"})
