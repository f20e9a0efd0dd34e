"""What a state has read is read again in part after writes of others; the result is that of a new reading."""

from random import Random
from typing import NoReturn

import pytest
from support.stores.reads_ahead import ROOT, comparable, load, write
from support.stores.writers import Writers, asset, link, set_owners, urn

from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import (
    UNLIMITED,
    ReadLimits,
)
from app.graph.commits.state_read import BriefReading, StateReading, StoredState
from app.graph.driver.writes_since import WritesSince
from app.graph.records import touched as touched_records
from app.graph.records.edge_record import EdgeKey
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.relations import CARRYING, Direction
from graphql_schema.ports.commands import Command, DeleteCommand, MergeCommand, RestoreCommand, UnlinkCommand

NAMES = [*(f"dataset d{number}" for number in range(5)), "dataset-version d0@1", "dataset-version d1@1", "feature f"]
VIDS = [vertex_id("default", urn(name)) for name in NAMES]
LONG = {"description": "word " * 300}


def random_item(random: Random) -> Command:
    """Return an item about few assets."""
    one, other = random.sample(NAMES[:5], 2)
    match random.randrange(8):
        case 0 | 1:
            values = {"sensitivity": random.choice(["PUBLIC", "RESTRICTED"]), "displayName": random.choice("xyz")}
            return asset(random.choice(NAMES), {**LONG, **values} if random.random() < 0.5 else values)
        case 2 | 3:
            return link("DERIVES", one, other)
        case 4:
            return UnlinkCommand("DERIVES", urn(one), urn(other))
        case 5:
            return random.choice((DeleteCommand(urn(one), despite_others=True), RestoreCommand(urn(one))))
        case 6:
            return set_owners(one, random.choice(["team ads", "team ranking"]))
        case _:
            return link("DERIVES", one, "feature f")


def refuse() -> NoReturn:
    """Fail, because a record is not complete."""
    raise AssertionError


def reading(writers: Writers) -> StateReading:
    """Return a reading that follows merged datasets, without long values."""
    return StateReading(writers.client, follow=True, limits=UNLIMITED, brief=BriefReading([VIDS[0]], refuse))


async def all_of(reading: StateReading) -> StoredState:
    """Read all records of few assets, their edges in both directions, and each edge between two of them."""
    labels = [[*CARRYING], ["VERSION_OF"], ["OWNED_BY"]]
    hops = [HopRead(direction, each, VIDS) for direction in Direction for each in labels]
    pairs: list[EdgeKey] = [("DERIVES", one, other) for one in VIDS for other in VIDS if one != other]
    return await reading.state(VIDS, hops, pairs)


@pytest.mark.parametrize("seed", range(20))
async def test_a_state_that_is_read_again_in_part_is_that_of_the_store(
    writers: Writers, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After random writes, what was read and refreshed equals what a new reading reads; some writes go on before.

    The writes may be large transactions, which are reported in parts.
    """
    random = Random(seed)
    if seed % 2:
        monkeypatch.setattr(touched_records, "PART_SIZE", 1)
    known, written = reading(writers), WritesSince()
    for _ in range(random.randrange(12)):
        await writers.of(ROOT).write([random_item(random)], dry_run=False, atomic=False)
    written.begin(writers.client)
    await all_of(known)
    for _ in range(3):
        for _ in range(random.randrange(1, 6)):
            items = [random_item(random) for _ in range(random.randrange(1, 4))]
            await writers.of(ROOT).write(items, dry_run=False, atomic=False)
        touched = written.take()
        assert touched is not None
        assert await known.refresh(touched, UNLIMITED)
        expected = await all_of(reading(writers))
        found = await all_of(known)
        assert {vid: found.records[vid] for vid in expected.records}.keys() == expected.records.keys()
        here, there = comparable(found), comparable(expected)
        assert here == there
    written.end()


async def test_a_merge_needs_a_new_reading(writers: Writers) -> None:
    """A vertex that points elsewhere than before changes what all reads at it mean."""
    items: list[Command] = [asset(NAMES[2], {"description": "x"}), link("DERIVES", NAMES[1], NAMES[3])]
    await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await all_of(known)
    merging = MergeCommand(urn(NAMES[1]), urn(NAMES[2]))
    (done,) = await writers.of(ROOT).write([merging], dry_run=False, atomic=False)
    assert done.stored
    assert not await known.refresh(written.take() or (), UNLIMITED)


async def merge(writers: Writers, one: str, into: str) -> None:
    """Merge a dataset into another one, which must be accepted."""
    assert await write(writers, MergeCommand(urn(one), urn(into))) == ["UPDATED"]


async def test_a_merge_of_a_far_end_needs_no_new_reading(writers: Writers) -> None:
    """No read begins at it, so a stranger who merges own placeholders, one after the other, voids no reading."""
    await load(writers, asset(NAMES[2], {"description": "x"}), link("DERIVES", NAMES[0], NAMES[1]))
    await load(writers, link("DERIVES", NAMES[1], NAMES[3]))
    hops = [HopRead(direction, ["DERIVES"], VIDS[:1]) for direction in (Direction.OUT, Direction.IN)]
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await known.state(VIDS[:1], hops, ())
    await merge(writers, NAMES[1], NAMES[2])
    assert await known.refresh(written.take() or (), UNLIMITED)
    found, expected = [await each.state(VIDS[:1], hops, ()) for each in (known, reading(writers))]
    here, there = comparable(found), comparable(expected)
    assert here == there
    assert [row[1] for row in found.hops[0] if row[2].get("validTo") is None] == [VIDS[2]]


async def test_a_merge_of_what_a_merged_dataset_leads_to_needs_a_new_reading(writers: Writers) -> None:
    """The hop at the first one was read at the last one, which nothing has named."""
    both: list[Command] = [asset(name, {"description": "x"}) for name in (NAMES[2], NAMES[3])]
    await load(writers, *both, link("DERIVES", NAMES[0], NAMES[4]), link("DERIVES", NAMES[0], NAMES[1]))
    await merge(writers, NAMES[1], NAMES[4])
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await known.state([VIDS[1]], [HopRead(Direction.IN, ["DERIVES"], [VIDS[1]])], ())
    await merge(writers, NAMES[4], NAMES[2])
    assert not await known.refresh(written.take() or (), UNLIMITED)


async def test_very_many_writes_need_a_new_reading(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read again is bounded, so that other writers do not wait for it."""
    monkeypatch.setattr(ReadLimits, "max_touched", 3)
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await all_of(known)
    await writers.of(ROOT).write([asset(NAMES[0])], dry_run=False, atomic=False)
    assert await known.refresh(written.take() or (), UNLIMITED)
    items = [link("DERIVES", NAMES[0], each) for each in NAMES[1:5]]
    await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    assert not await known.refresh(written.take() or (), UNLIMITED)


async def test_edges_of_one_call_at_many_hops_need_no_new_reading(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each edge is read again, and not each pair of ends: a short call of others so voids no reading."""
    await writers.of(ROOT).write([asset(each) for each in NAMES[:4]], dry_run=False, atomic=False)
    monkeypatch.setattr(ReadLimits, "max_touched", 5)
    known, written = reading(writers), WritesSince()
    written.begin(writers.client)
    await all_of(known)
    items = [asset(f"{name}-user", derivedFrom=[name]) for name in NAMES[:4]]
    assert await write(writers, *items) == ["CREATED"] * 4
    assert await known.refresh(written.take() or (), UNLIMITED)
    assert comparable(await all_of(known)) == comparable(await all_of(reading(writers)))
