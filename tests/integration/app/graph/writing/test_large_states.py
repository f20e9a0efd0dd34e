"""Reads of writers on a real JanusGraph: large states are read in parts, as by one request, and are bounded."""

import pytest
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, link, person, shipped_stops, urn

from app.graph.commits import state_read
from app.graph.commits.state_read import FarEdge, HopRead, read_state
from app.graph.driver.errors import WriteTooLargeError
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


async def read(
    writers: Writers, *, follow: bool = True, bounded: bool = False
) -> tuple[object, list[list[FarEdge]], object]:
    """Return the state around the merged dataset, by both of its ids, with edges in an order of their own."""
    hops = [HopRead(Direction.OUT, ["DERIVES"], [OLD, HUB]), HopRead(Direction.IN, ["DERIVES"], [HUB, USER])]
    pairs = [("DERIVES", OLD, USER), ("DERIVES", RAW, OLD), ("DERIVES", HUB, NONE)]
    found = await read_state(writers.client, [HUB, OLD, RAW, USER, NONE], hops, pairs, follow=follow, bounded=bounded)
    return dict(found.records), [sorted(rows, key=lambda row: row[:2]) for rows in found.hops], list(found.edges)


@pytest.mark.parametrize(("follow", "found"), [(True, [5, 3]), (False, [10, 3])])
async def test_a_large_state_is_read_in_parts(
    writers: Writers,
    monkeypatch: pytest.MonkeyPatch,
    follow: bool,  # noqa: FBT001 - a parameter of the test
    found: list[int],
) -> None:
    """Whatever the size of a part, the state is that of one request, with the pointers of merged datasets or without.

    Without them, the ended edges of the merged dataset are its own.
    """
    await load(writers)
    expected = await read(writers, follow=follow)
    assert [len(rows) for rows in expected[1]] == found
    for part, edges in ((100_000, 1), (3_000, 100_000), (2_000, 900), (1, 1)):
        observed = ObservedRequests()
        writers.client.observers.append(observed)
        monkeypatch.setattr(state_read, "PART_SIZE", part)
        monkeypatch.setattr(state_read, "EDGES_SIZE", edges)
        assert await read(writers, follow=follow) == expected
        assert (len(observed.reports) > 1) == (part < 100_000)
        writers.client.observers.remove(observed)


@pytest.mark.parametrize("follow", [True, False])
async def test_what_a_writer_reads_is_bounded(
    writers: Writers,
    monkeypatch: pytest.MonkeyPatch,
    follow: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A bounded read ends with an error if it has too many characters; another one has everything."""
    await load(writers)
    expected = await read(writers, follow=follow)
    monkeypatch.setattr(state_read, "MAX_SIZE", 4_000)
    with pytest.raises(WriteTooLargeError):
        await read(writers, follow=follow, bounded=True)
    assert await read(writers, follow=follow) == expected
    monkeypatch.setattr(state_read, "MAX_SIZE", 1_000_000)
    assert await read(writers, follow=follow, bounded=True) == expected


async def test_an_item_that_reads_much_is_written_alone(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that reads too much is divided, down to single items, and a single item reads all that it needs."""
    await load(writers)
    monkeypatch.setattr(state_read, "MAX_SIZE", 1_000)
    monkeypatch.setattr(state_read, "PART_SIZE", 500)
    large = asset("dataset user0", {}, derivedFrom=CONSUMERS[1:])
    observed = ObservedRequests()
    writers.client.observers.append(observed)
    items = [asset("dataset small", {"description": "x"}), large, asset("dataset other", {"description": "x"})]
    done = await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    assert [each.outcome.name for each in done] == ["CREATED", "UPDATED", "CREATED"]
    assert sum(report.writes for report in observed.reports) > 1
    (deleted,) = await writers.of(ROOT).write([DeleteCommand(urn("dataset hub"))], dry_run=True, atomic=False)
    assert deleted.outcome.name == "CONFLICT"  # it has consumers, all of which were read


async def test_flows_are_read_in_parts(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets of a dataset have their records, whatever the size of a part."""
    await load(writers)
    flows = StoredFlows(writers.client, shipped_stops(), NOW + 10**9)
    expected = await flows.targets([HUB])
    assert len(expected[0]) == len(expected[1]) == len(CONSUMERS)
    monkeypatch.setattr(stored_flows, "PART_SIZE", 1)
    assert await flows.targets([HUB]) == expected
    assert await flows.targets([HUB], max_records=4) == (expected[0], {})


async def test_a_part_of_flows_ends_by_the_size_of_complete_records(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for some keys reads as few records as one for all keys, and returns the ids of the others."""
    await load(writers)
    vids = [vertex_id("default", urn(each)) for each in CONSUMERS]
    flows = StoredFlows(writers.client, shipped_stops(), NOW + 10**9)
    complete, _ = await flows.first_records(vids, ())
    monkeypatch.setattr(stored_flows, "PART_SIZE", sum(len(str(complete[vid])) for vid in vids[:2]))
    for keys in ((), ("kind", "sensitivity")):
        records, left = await flows.first_records([*vids, NONE], keys)
        assert 1 < len(records) < len(vids)
        assert {*records, *left} == {*vids}
    assert {frozenset(record) for record in records.values()} == {frozenset(keys)}
    sources, further = await flows.first_sources(vids, keys, max_records=100)
    assert {vid: sources.of[vid] for vid in vids} == {vid: {HUB} for vid in vids}
    assert len(sources.records) + len(further) == len(vids) + 1
    assert (await flows.first_sources(vids, keys, max_records=5))[0].records == {}
