"""Reads of writers on a real JanusGraph: large states are read in parts, as by one request, and are bounded."""

import json
import threading
from typing import NoReturn

import orjson
import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.received_rows import received_rows
from support.stores.writers import NOW, Writers, asset, link, person, shipped_stops, stored, urn

from app.graph.commits import state_read
from app.graph.commits.reads import read_limits
from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import UNLIMITED, DivisibleLimits, ReadLimits
from app.graph.commits.reads.replaced_rows import FarEdge
from app.graph.commits.state_read import BriefReading, read_state
from app.graph.commits.write_statements import STATE
from app.graph.driver import edge_pages
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.errors import WriteTooLargeError
from app.graph.propagation import stored_flows
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.record_text import record_of, text_of
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.prefetch import PrefetchRequest
from app.graph.writing.unit import read_set
from app.graph.writing.unit.read_set import ReadSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command, DeleteCommand, MergeCommand, RevertCommand
from graphql_schema.ports.record import Record

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
    writers: Writers, *, follow: bool = True, limits: ReadLimits = UNLIMITED
) -> tuple[object, list[list[FarEdge]], object]:
    """Return the state around the merged dataset, by both of its ids, with edges in an order of their own."""
    hops = [HopRead(Direction.OUT, ["DERIVES"], [OLD, HUB]), HopRead(Direction.IN, ["DERIVES"], [HUB, USER])]
    pairs = [("DERIVES", OLD, USER), ("DERIVES", RAW, OLD), ("DERIVES", HUB, NONE)]
    found = await read_state(writers.client, [HUB, OLD, RAW, USER, NONE], hops, pairs, follow=follow, limits=limits)
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
    for part, edges, page in ((100_000, 1, 1), (3_000, 100_000, 1), (2_000, 900, 10), (1, 1, 3), (1, 1, 1)):
        observed = ObservedRequests()
        writers.client.observers.append(observed)
        monkeypatch.setattr(state_read, "PART_SIZE", part)
        monkeypatch.setattr(state_read, "EDGES_SIZE", edges)
        monkeypatch.setattr(edge_pages, "PAGE", page)
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
    monkeypatch.setattr(read_limits, "MAX_SIZE", 4_000)
    with pytest.raises(WriteTooLargeError):
        await read(writers, follow=follow, limits=DivisibleLimits())
    assert await read(writers, follow=follow) == expected
    monkeypatch.setattr(read_limits, "MAX_SIZE", 1_000_000)
    assert await read(writers, follow=follow, limits=DivisibleLimits()) == expected


async def test_an_item_that_reads_much_is_written_alone(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that reads too much is divided, down to single items, and a single item reads all that it needs."""
    await load(writers)
    monkeypatch.setattr(read_limits, "MAX_SIZE", 1_000)
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


QUOTED = {"description": 'a "quoted\\" {text], \\\\' * 200, "displayName": 'a, "b": {\\'}
"""A long value, and a short one after it, with all that delimits values in JSON."""


class LeftOutError(Exception):
    """A value was needed that was not read."""


def refuse() -> NoReturn:
    """Fail, because a record is not complete."""
    raise LeftOutError


async def test_a_record_without_its_long_values_has_all_others(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that of a complete read but for these, which are never taken for absent; in parts or not, and at edges."""
    consumers = [asset(each, QUOTED, derivedFrom=["dataset hub", "dataset raw"]) for each in CONSUMERS]
    items = [asset("dataset hub", QUOTED), asset("dataset raw", QUOTED), *consumers]
    assert all(each.stored for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False))
    hops = [HopRead(Direction.OUT, ["DERIVES"], [HUB])]
    complete = (await read_state(writers.client, [HUB, RAW], hops)).records
    assert len(complete) == len(CONSUMERS) + 2
    for part in (100_000, 1):
        monkeypatch.setattr(state_read, "PART_SIZE", part)
        brief = (await read_state(writers.client, [HUB, RAW], hops, brief=BriefReading([HUB], refuse))).records
        assert brief.keys() == complete.keys()
        assert brief[HUB] == complete[HUB]
        for vid in brief.keys() - {HUB}:
            assert "description" in brief[vid]
            with pytest.raises(LeftOutError):
                _ = brief[vid]["description"]
            short = {key: value for key, value in complete[vid].items() if key != "description"}
            assert {key: brief[vid][key] for key in short} == short
            assert brief[vid].get("absent") is None


async def test_of_what_an_item_refers_to_little_is_read(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registration, dry or not, and again, takes one request to read a few hundred characters of each reference."""
    sources = [f"dataset source{number}" for number in range(30)]
    long = {"description": "word " * 2_000}
    assert await writers.of(ROOT).write([asset(each, long) for each in sources], dry_run=False, atomic=False)
    read, requests = list[int](), ObservedRequests()

    def counted(text: str) -> Record:
        read.append(len(text))
        return record_of(text)

    monkeypatch.setattr("app.graph.commits.state_read.record_of", counted)
    writers.client.observers.append(requests)
    for dry, outcome in ((True, "CREATED"), (False, "CREATED"), (True, "UNCHANGED"), (False, "UNCHANGED")):
        read.clear()
        requests.reports.clear()
        item = asset("dataset result", {"description": "x"}, derivedFrom=sources)
        (done,) = await writers.of(ROOT).write([item], dry_run=dry, atomic=False)
        assert done.outcome.name == outcome
        assert requests.texts[STATE.text] == 1
        assert len(read) >= len(sources)
        assert sum(read) < 1_500 * len(sources)


async def test_what_an_item_changes_is_written_with_its_long_values(writers: Writers, graph: StoreGraph) -> None:
    """An end of an edge that the item changes, by its list or by an effect on sensitivity, keeps all of its values."""
    long = {"description": "word " * 2_000}
    parts = [f"feature part{number}" for number in range(150)]
    secret = asset("dataset secret", {"sensitivity": "RESTRICTED"})
    items: list[Command] = [secret, asset("dataset result", long), *(asset(each, long) for each in parts)]
    assert all(each.stored for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False))
    observed = ObservedRequests()
    writers.client.observers.append(observed)
    (listed,) = await writers.of(ROOT).write(
        [asset("feature-set all", {}, features=parts)], dry_run=False, atomic=False
    )
    assert listed.outcome.name == "CREATED"
    assert observed.texts[STATE.text] == len(["brief", "complete"])
    run = asset("run r", {"state": "RUNNING"}, inputs=["dataset secret"], outputs=["dataset result"])
    (ran,) = await writers.of(ROOT).write([run], dry_run=False, atomic=False)
    assert ran.outcome.name == "CREATED"
    records = (await stored(graph)).records
    assert records[urn("dataset result")]["sensitivity"] == "RESTRICTED"
    assert {records[urn(each)]["index"]["whole"] for each in parts} == {urn("feature-set all")}
    assert {records[urn(each)]["description"] for each in ("dataset result", *parts)} == {long["description"]}


async def test_flows_are_read_in_parts(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The targets of a dataset have their records, whatever the size of a part."""
    await load(writers)
    flows = StoredFlows(writers.client, shipped_stops(), NOW + 10**9)
    expected = await flows.targets([HUB])
    assert len(expected[0]) == len(expected[1]) == len(CONSUMERS)
    monkeypatch.setattr(stored_flows, "PART_SIZE", 1)
    assert await flows.targets([HUB]) == expected
    assert await flows.targets([HUB], max_records=4) == (expected[0], {}, 0)
    monkeypatch.setattr(edge_pages, "PAGE", 2)
    assert await flows.targets([HUB]) == expected
    assert (await flows.targets([HUB], max_records=4))[0] == expected[0]


@pytest.mark.parametrize("page", [1_000, 2])
@pytest.mark.parametrize("part", [4_000_000, 1])
async def test_no_record_is_read_beyond_the_size_that_a_caller_gives(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, page: int, part: int
) -> None:
    """The record that reaches the size is the last one, in whatever pages and parts they are read."""
    await load(writers)
    monkeypatch.setattr(stored_flows, "PART_SIZE", part)
    monkeypatch.setattr(edge_pages, "PAGE", page)
    flows = StoredFlows(writers.client, shipped_stops(), NOW + 10**9)
    found, records, size = await flows.targets([HUB])
    lengths = {vid: len(text_of(record)) for vid, record in records.items()}
    assert size == sum(lengths.values())
    for maximum, count in ((0, 0), (-1, 0), (1, 1), (min(lengths.values()) + 1, 2), (size, len(CONSUMERS))):
        fewer = await flows.targets([HUB], max_size=maximum)
        assert (fewer[0], len(fewer[1])) == (found, count)
        assert fewer[2] == sum(lengths[vid] for vid in fewer[1])


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
    assert all({*keys} <= record.keys() for record in records.values())
    reading = flows.source_reading(vids)
    records, further = await flows.next_sources(reading, VisitBudget(), keys, max_records=100)
    assert reading.sources() == {vid: {HUB} for vid in vids}
    assert len(records) + len(further) == len(vids) + 1
    assert await flows.next_sources(flows.source_reading(vids), VisitBudget(), keys, max_records=5) == ({}, [])


@pytest.mark.parametrize("text", ["a", "\u20ac", '"', "\U0001f600"], ids=["letters", "euro", "quotes", "emoji"])
async def test_responses_are_bounded_by_their_bytes(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A request of a writer or job ends with the record that reaches its size, whatever characters that has."""
    long, pairs = {"description": text * 4_000}, [{"key": "k", "value": text * 4_000}]
    hub, far = asset("dataset hub", long), [f"dataset far{number}" for number in range(6)]
    items: list[Command] = [hub, *(asset(each, long) for each in far)]
    items += [link("DERIVES", "dataset hub", each, properties=pairs) for each in far]
    assert all(each.stored for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False))
    size = len(orjson.dumps(orjson.dumps(text * 4_000).decode()))
    for module in (state_read, stored_flows):
        monkeypatch.setattr(module, "PART_SIZE", 3 * size)
    monkeypatch.setattr(state_read, "EDGES_SIZE", 3 * size)
    monkeypatch.setattr(edge_pages, "PAGE", 1)
    vids = [vertex_id("default", urn(each)) for each in far]
    hops = [HopRead(Direction.IN, ["DERIVES"], vids), HopRead(Direction.OUT, ["DERIVES"], [HUB])]
    with received_rows(writers.client) as rows:
        state = await read_state(writers.client, [HUB, *vids], hops)
    assert [len(each) for each in state.hops] == [6, 6]
    assert 2 * size < max(rows.sizes) < 4 * size
    flows = StoredFlows(writers.client, shipped_stops(), NOW + 10**9)
    monkeypatch.setattr(edge_pages, "PAGE", 1_000)
    with received_rows(writers.client) as rows:
        found, records, _ = await flows.targets([HUB])
    assert found == records.keys() == {*vids}
    assert 2 * size < max(rows.sizes) < 4 * size
    with received_rows(writers.client) as rows:
        await flows.first_records(vids, ("kind", "description"))
    assert max(rows.sizes) < 4 * size + len(json.dumps(json.dumps(text * 4_000)))  # the store escapes what it finds


async def test_what_a_revert_reads_is_requested_in_the_side_thread(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have 10,000 edges, whose ends are found from their ids: this would hold the event loop for 75 ms."""
    monkeypatch.setattr(read_set, "LONG_READS", 2)
    aside, add_missing = dict[bool, bool](), PrefetchRequest.add_missing

    def added(request: PrefetchRequest, missing: ReadSet) -> None:
        is_aside = threading.current_thread() is not threading.main_thread()
        aside[missing.is_long] = aside.get(missing.is_long, True) and is_aside
        add_missing(request, missing)

    monkeypatch.setattr(PrefetchRequest, "add_missing", added)
    await load(writers)
    for item in (asset("dataset new"), asset("dataset new", derivedFrom=CONSUMERS)):
        await writers.of(ROOT).write([item], dry_run=False, atomic=False)
    change = (await stored(graph)).history(urn("dataset new"))[-1]["id"]
    aside.clear()
    (reverted,) = await writers.of(ROOT).write([RevertCommand(change)], dry_run=False, atomic=False)
    assert reverted.stored
    assert aside == {False: False, True: True}
