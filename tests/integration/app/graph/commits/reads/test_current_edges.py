"""Hops of current edges on a real JanusGraph: ended edges are passed, however many there are, and never returned."""

from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, urn

from app.graph.commits import state_read
from app.graph.commits.reads import current_edges, read_limits
from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import FewLimits, ManyElementsError
from app.graph.commits.state_read import read_state
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command, DeleteCommand, UnlinkCommand

ROOT, ADA = person("root", roles="admin"), person("ada", "team ranking", roles="engineer")
HUB, OTHER = vertex_id("default", urn("dataset hub")), vertex_id("default", urn("dataset other"))
LABELS = ["DERIVES", "FEEDS"]
LATER = NOW + 10

ENDS = """
g.V(x).outE(*ls).collect { e -> [e.inVertex().id(), e.value('validTo'), e.label()] }
"""


async def load(writers: Writers, ended: int, current: int) -> None:
    """Store a hub of the team ranking with consumers without an owner; the first ones no longer use it."""
    owned = asset("dataset hub", owners={"team ranking": ["TECHNICAL"]})
    names = [f"dataset user{number}" for number in range(ended + current)]
    items: list[Command] = [owned, asset("dataset other"), *(link("DERIVES", "dataset hub", name) for name in names)]
    items += [link("FEEDS", "dataset hub", f"model-version m@{number}") for number in range(3)]
    assert all(each.stored for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False))
    ends = [UnlinkCommand("DERIVES", urn("dataset hub"), urn(name)) for name in names[:ended]]
    assert all(each.stored for each in await writers.of(ROOT, now=LATER).write(ends, dry_run=False, atomic=False))


@pytest.mark.parametrize("starts", [[HUB], [HUB, OTHER]])
async def test_all_edges_that_have_not_ended_are_read(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch, starts: list[int]
) -> None:
    """In one request or in pages of any size, they are those of a traversal whose end is after the instant."""
    await load(writers, ended=40, current=30)
    rows: list[Any] = await graph.run(ENDS, x=HUB, ls=LABELS)
    for after in (0, NOW, LATER, 2**62):
        expected = sorted((label, far) for far, end, label in rows if end > after)
        for part, visits in ((100_000, 100_000), (1, 100_000), (1, 7), (2_000, 7), (100_000, 1)):
            monkeypatch.setattr(state_read, "PART_SIZE", part)
            monkeypatch.setattr(state_read, "EDGES_SIZE", part)
            monkeypatch.setattr(current_edges, "PAGE", visits)
            hop = HopRead(Direction.OUT, LABELS, starts, after)
            (found,) = (await read_state(writers.client, starts, [hop])).hops
            assert sorted((edge["relation"], far) for near, far, edge in found if near == HUB) == expected
    assert len(rows) == 73


async def test_ended_edges_of_others_do_not_keep_an_asset(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner deletes an asset with more ended edges than an item may depend on; a current one still counts."""
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 20)
    monkeypatch.setattr(read_limits, "MAX_AHEAD", 40)
    await load(writers, ended=60, current=1)
    delete, last = DeleteCommand(urn("dataset hub")), "dataset user60"
    (used,) = await writers.of(ADA, now=LATER).write([delete], dry_run=False, atomic=False)
    assert used.outcome.name == "CONFLICT"
    assert urn(last) in str(used)
    ends: list[Command] = [UnlinkCommand("DERIVES", urn("dataset hub"), urn(last))]
    ends += [UnlinkCommand("FEEDS", urn("dataset hub"), urn(f"model-version m@{number}")) for number in range(3)]
    await writers.of(ROOT, now=LATER).write(ends, dry_run=False, atomic=False)
    (deleted,) = await writers.of(ADA, now=LATER + 1).write([delete], dry_run=False, atomic=False)
    assert deleted.outcome.name == "UPDATED"


async def test_ended_edges_count_while_all_writers_wait(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading of few ends after as many edges, also if all of these have ended; the call then reads ahead."""
    await load(writers, ended=40, current=0)
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 20)
    for part in (2_000, 1):
        monkeypatch.setattr(state_read, "PART_SIZE", part)
        hop = HopRead(Direction.OUT, ["DERIVES"], [HUB], LATER)
        with pytest.raises(ManyElementsError):
            await read_state(writers.client, [HUB], [hop], limits=FewLimits())
