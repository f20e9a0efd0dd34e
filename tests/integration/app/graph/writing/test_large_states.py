"""Reads of writers on a real JanusGraph: large states are read in parts, as by one request, and are bounded."""

import pytest
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, link, person, shipped_stops, urn

from app.graph.commits import state_read
from app.graph.commits.state_read import FarEdge, HopRead, LargeStateError, read_state
from app.graph.propagation import stored_flows
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command, DeleteCommand, MergeCommand

ROOT = person("root", roles="admin")
CONSUMERS = [f"dataset user{number}" for number in range(5)]
TEXT = {"description": "word " * 100}
HUB, OLD, RAW, USER, NONE = (
    vertex_id("default", urn(f"dataset {each}")) for each in ("hub", "old", "raw", "user0", "no")
)


async def load(writers: Writers) -> None:
    """Store a dataset with consumers, and merge another one with the same consumers into it."""
    consumers = [asset(each, TEXT, derivedFrom=["dataset hub", "dataset old"]) for each in CONSUMERS]
    items: list[Command] = [asset("dataset hub", TEXT), *consumers, link("DERIVES", "dataset raw", "dataset hub")]
    await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    merging = MergeCommand(urn("dataset old"), urn("dataset hub"))
    (done,) = await writers.of(ROOT).write([merging], dry_run=False, atomic=False)
    assert done.stored


async def read(writers: Writers, *, bounded: bool = False) -> tuple[object, list[list[FarEdge]], object]:
    """Return the state around the merged dataset, by both of its ids, with edges in an order of their own."""
    hops = [HopRead(Direction.OUT, ["DERIVES"], [OLD, HUB]), HopRead(Direction.IN, ["DERIVES"], [HUB, USER])]
    pairs = [("DERIVES", OLD, USER), ("DERIVES", RAW, OLD), ("DERIVES", HUB, NONE)]
    found = await read_state(writers.client, [HUB, OLD, RAW, USER, NONE], hops, pairs, follow=True, bounded=bounded)
    return dict(found.records), [sorted(rows, key=lambda row: row[:2]) for rows in found.hops], list(found.edges)


async def test_a_large_state_is_read_in_parts(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of a part, the state is that of one request."""
    await load(writers)
    expected = await read(writers)
    assert [len(rows) for rows in expected[1]] == [5, 3]
    for part, edges in ((100_000, 1), (3_000, 100_000), (2_000, 900), (1, 1)):
        observed = ObservedRequests()
        writers.client.observers.append(observed)
        monkeypatch.setattr(state_read, "PART_SIZE", part)
        monkeypatch.setattr(state_read, "EDGES_SIZE", edges)
        assert await read(writers) == expected
        assert (len(observed.reports) > 1) == (part < 100_000)
        writers.client.observers.remove(observed)


async def test_what_a_writer_reads_is_bounded(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """By all characters, and by those of the edges of one asset; a job is not bounded."""
    await load(writers)
    expected = await read(writers)
    monkeypatch.setattr(state_read, "MAX_SIZE", 4_000)
    with pytest.raises(LargeStateError, match="characters"):
        await read(writers, bounded=True)
    assert await read(writers) == expected
    monkeypatch.setattr(state_read, "MAX_SIZE", 1_000_000)
    assert await read(writers, bounded=True) == expected
    monkeypatch.setattr(state_read, "PART_SIZE", 1)
    monkeypatch.setattr(state_read, "EDGES_SIZE", 1)
    with pytest.raises(LargeStateError, match="characters"):
        await read(writers, bounded=True)


async def test_an_item_that_reads_too_much_fails_no_other(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The items before it are written, and the call ends with the limit; another call is not affected."""
    await load(writers)
    monkeypatch.setattr(state_read, "MAX_SIZE", 3_000)
    small, large = asset("dataset small", {"description": "x"}), asset("dataset user0", {}, derivedFrom=CONSUMERS[1:])
    with pytest.raises(LargeStateError):
        await writers.of(ROOT).write([small, large], dry_run=False, atomic=False)
    (done,) = await writers.of(ROOT).write([small], dry_run=False, atomic=False)
    assert done.outcome.name == "UNCHANGED"
    with pytest.raises(LargeStateError):
        await writers.of(ROOT).write([DeleteCommand(urn("dataset hub"))], dry_run=True, atomic=False)


async def test_flows_are_read_in_parts(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets of a dataset have their records, whatever the size of a part."""
    await load(writers)
    flows = StoredFlows(writers.client, shipped_stops(), NOW + 10**9)
    expected = await flows.targets([HUB])
    assert len(expected[0]) == len(expected[1]) == len(CONSUMERS)
    monkeypatch.setattr(stored_flows, "PART_SIZE", 1)
    assert await flows.targets([HUB]) == expected
    assert await flows.targets([HUB], max_records=4) == (expected[0], {})
