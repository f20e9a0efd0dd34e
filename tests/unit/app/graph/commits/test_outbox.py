"""The outbox in memory: orders, floors during a commit, what a failed commit leaves, and what is loaded again."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.stores.writers import person

from app.graph.commits.entries.stored_entries import READ
from app.graph.commits.entries.unanswered_entries import UnansweredEntries
from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry, awaiting, new_entry_id
from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.driver.errors import LostTurnError, StoreUnavailableError, WriteRefusedError

FLOOR = SensitivityFloor("acme", "RESTRICTED", frozenset({5}))


def entry(x: int, order: int, floor: SensitivityFloor | None = None) -> OutboxEntry:
    """Return an entry."""
    return OutboxEntry(x, "acme", order, floor=floor)


def test_orders_rise_even_if_the_clock_does_not() -> None:
    """Two entries of one millisecond, and an entry after the clock was set back, are in the order of writing."""
    outbox = Outbox()
    assert [outbox.order(now) for now in (100, 100, 50, 101, 500)] == [100, 101, 102, 103, 500]


def test_entries_are_listed_oldest_first() -> None:
    """The order is that of the entries, not that of the commits."""
    outbox = outbox_of(*(entry(x, order) for x, order in ((1, 30), (2, 10), (3, 20))))
    assert [each.x for each in outbox.entries] == [2, 3, 1]


def test_a_floor_applies_before_the_write_and_after_it() -> None:
    """A reader who sees the written assets must find the floor, so the floor comes first."""
    outbox = Outbox()
    view = outbox.floors.view("acme")
    with outbox.committing([entry(1, 1, FLOOR)]):
        assert view.rank(5) == 3
        assert outbox.entries == []
    assert view.rank(5) == 3
    assert [each.x for each in outbox.entries] == [1]
    assert not outbox.stale


def test_a_failed_write_keeps_its_floor_and_needs_a_load() -> None:
    """It is unknown whether the store has the entry, so the assets stay closed until the entries are read."""
    outbox = Outbox()
    changed = outbox.listen()
    with pytest.raises(TimeoutError), outbox.committing([entry(1, 1, FLOOR)]):
        raise TimeoutError
    assert outbox.stale
    assert outbox.entries == []
    assert outbox.floors.view("acme").rank(5) == 3
    assert changed.is_set()


@pytest.mark.parametrize("error", [LostTurnError("another process wrote first"), WriteRefusedError("too large")])
def test_a_write_that_was_refused_needs_no_load(error: Exception) -> None:
    """Memory is as the store. A load for each lost turn would let the jobs begin again, so that they never end."""
    outbox = Outbox()
    changed = outbox.listen()
    with pytest.raises(type(error)), outbox.committing([entry(1, 1, FLOOR)]):
        raise error
    assert (outbox.stale, changed.is_set(), outbox.entries, len(outbox.unanswered)) == (False, False, [], 0)
    assert outbox.floors.view("acme").rank(5) == 0


def test_listeners_are_woken_by_entries_only() -> None:
    """A write without an entry is no work; each listener has an event of its own."""
    outbox = Outbox()
    one, two = outbox.listen(), outbox.listen()
    with outbox.committing([]):
        pass
    with pytest.raises(TimeoutError), outbox.committing([]):
        raise TimeoutError
    assert (one.is_set(), two.is_set(), outbox.stale) == (False, False, False)
    one.set()
    assert not two.is_set()
    with outbox.committing([entry(1, 1)]):
        pass
    assert two.is_set()


def test_entries_that_are_not_due_are_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of entries for later instants are neither sorted nor examined when a job takes a step."""
    outbox = outbox_of(*(OutboxEntry(x, "acme", x, due=1_000 + x) for x in range(5_000)))
    with outbox.committing([OutboxEntry(9_000, "acme", 7), OutboxEntry(9_001, "acme", 6)]):
        pass
    monkeypatch.setattr(Outbox, "entries", property(pytest.fail))
    assert [each.x for each in outbox.due("sensitivity", 999)] == [9_001, 9_000]
    assert outbox.next_due("sensitivity") == 1_000
    assert [each.x for each in outbox.due("sensitivity", 1_001)] == [9_001, 9_000, 0, 1]
    assert (outbox.next_due("sensitivity"), outbox.next_due("tag")) == (1_002, None)


def test_of_the_entries_that_await_ends_of_an_asset_the_earliest_stays() -> None:
    """Later ones are not written, and an earlier one replaces them; other assets and other jobs have their own."""
    outbox = outbox_of()
    for due in (500, 900, 400, 450, 300):
        with outbox.committing(outbox.later(awaited(due), 0)):
            pass
    assert [(each.due, each.kind) for each in outbox] == [(300, "sensitivity")]
    for other in (awaited(600, parent=9), awaited(700, tag=ANY_TAG), awaited(800, vid=6)):
        with outbox.committing(outbox.later(other, 0)):
            pass
    assert sorted(each.due for each in outbox) == [300, 600, 700, 800]


def test_replaced_entries_leave_nothing_behind() -> None:
    """An asset whose edges are declared with ever earlier ends has one entry in every list of the outbox."""
    outbox = outbox_of()
    for due in range(5_000, 1_000, -1):
        with outbox.committing(outbox.later(awaited(due), 0)):
            pass
    assert len([*outbox]) == 1
    assert len(outbox._queue.kinds["sensitivity"]._instants) < 200  # noqa: SLF001 - what it keeps is the point
    assert [each.due for each in outbox.due("sensitivity", 2_000)] == [1_001]


@pytest.mark.parametrize("begin", [Outbox.begin, lambda _, each: setattr(each, "begun", True)], ids=["here", "stored"])
def test_an_entry_whose_job_has_begun_takes_the_place_of_none(begin: Callable[[Outbox, OutboxEntry], None]) -> None:
    """It is under way, or deleted by a transaction without a response: a later end needs an entry of its own."""
    outbox = outbox_of(awaited(50), awaited(70))
    for each in outbox:
        begin(outbox, each)
    for due in (500, 60):
        with outbox.committing(outbox.later(awaited(due), 100)):
            pass
    assert sorted(each.due for each in outbox) == [50, 60, 70]
    assert outbox.later(awaited(65), 55) == []
    assert [[each.due for each in new.replaces] for new in outbox.later(awaited(58), 55)] == [[60]]  # a clock is behind


def test_an_entry_whose_job_has_not_begun_is_enough() -> None:
    """Its job will see what is written before it begins: ends that are given and taken back leave no second one.

    While memory is stale, the store may not have the entry.
    """
    outbox = outbox_of(awaited(50), awaited(50, tag=ANY_TAG))
    for now in range(100, 2_100):
        for due in (now + 1_000, now):
            for tag in (None, ANY_TAG):
                with outbox.committing(outbox.later(awaited(due, tag=tag), now)):
                    pass
    assert sorted((each.due, each.kind) for each in outbox) == [(50, "sensitivity"), (50, "tag")]
    assert [each.due for each in outbox.later(awaited(500, vid=6), 100)] == [500]
    outbox.stale = True
    assert [each.due for each in outbox.later(awaited(500), 100)] == [500]


async def test_an_entry_stays_begun_until_the_store_has_it_no_more() -> None:
    """A load finds the entry again whose deletion had no response, and which the store may still delete."""
    begun = awaited(50)
    store: Any = Stored(begun)
    outbox = Outbox()
    await outbox.load(store)
    outbox.begin(begun)
    await outbox.load(store)
    assert [each.due for each in outbox.later(awaited(500), 100)] == [500]
    await outbox.done(store, begun)
    assert outbox._begun == set()  # noqa: SLF001 - what it keeps is the point
    outbox.begin(begun)
    store.rows.clear()
    await outbox.load(store)
    assert outbox._begun == set()  # noqa: SLF001


def awaited(due: int, vid: int = 5, parent: int | None = None, tag: int | None = None) -> OutboxEntry:
    """Return an entry that awaits the end of an edge."""
    return awaiting(OutboxEntry(new_entry_id(), "acme", 1, due, tag=tag), vid, parent)


def outbox_of(*entries: OutboxEntry) -> Outbox:
    """Return an outbox with entries in memory."""
    outbox = Outbox()
    with outbox.committing([*entries]):
        pass
    return outbox


def test_an_end_that_passed_while_a_job_worked_is_not_lost() -> None:
    """Its entry is due at once: the sensitivity that the job left may count an edge that has ended since."""
    worked_off = awaited(100)
    outbox = outbox_of(worked_off)
    outbox.begin(worked_off)
    (following,) = outbox.following(worked_off, due=105, now=110)
    assert (following.due, following.awaits, [*following.frontier]) == (105, worked_off.awaits, [5])
    (waiting,) = outbox.following(worked_off, due=120, now=110)
    assert waiting.due == 120
    with outbox.committing([awaited(107)]):
        pass
    assert [outbox.following(worked_off, due, now=110) for due in (105, 120)] == [[], []]


def test_an_end_that_is_taken_back_makes_due_what_its_caller_left() -> None:
    """What ada left would be work of ada, whose calls then wait for what bob did; without an entry nothing is due."""
    ada, bob = person("ada"), person("bob")
    for callers, due in (([bob], [100]), ([ada], []), ([ada, bob], []), ([bob, ada], []), ([], [])):
        outbox = outbox_of(*(replace(awaited(500 - number), raised_by=who) for number, who in enumerate(callers)))
        found = outbox.later(replace(awaited(100), raised_by=bob), 100)
        assert [(each.due, each.raised_by, len(each.replaces)) for each in found] == [(each, bob, 1) for each in due]


class Stored:
    """A store with entries, which records the ids that are read."""

    write_order = None
    write_epoch = None

    def __init__(self, *entries: OutboxEntry) -> None:
        self.rows = {each.x: _row(each) for each in entries}
        self.read: list[list[int]] = []

    async def submit(self, prepared: object, bindings: Mapping[str, Any], **_: object) -> Any:
        """Return the ids of all entries, or some entries."""
        if prepared is not READ:
            return [[*self.rows]]
        self.read.append(bindings["xs"])
        return [[[self.rows[x] for x in bindings["xs"] if x in self.rows], []]]


async def test_entries_that_wait_are_not_read_again() -> None:
    """After a failure only what may differ is read: what is due or soon is, what was deleted is gone, others stay."""
    waiting = [OutboxEntry(x, "acme", x, due=10_000 + x) for x in range(5)]
    store: Any = Stored(*waiting, OutboxEntry(8, "acme", 8, due=900))
    outbox = Outbox()
    await outbox.load(store)
    assert sum(map(len, store.read)) == 6
    store.read.clear()
    del store.rows[3]
    store.rows[9] = _row(OutboxEntry(9, "acme", 9, due=50_000))
    await outbox.load(store, 1_000)
    assert store.read == [[8, 9]]
    assert sorted(each.x for each in outbox) == [0, 1, 2, 4, 8, 9]
    assert outbox.order(0) == 10


async def test_what_became_due_is_read_again() -> None:
    """A job may have changed the entry, also if it is not due any more by the clock."""
    store: Any = Stored(OutboxEntry(1, "acme", 1, due=5_000))
    outbox = Outbox()
    await outbox.load(store)
    outbox.due("sensitivity", 6_000)
    await outbox.load(store, 1_000)
    assert store.read == [[1], [1]]


async def test_a_gap_in_the_log_reads_what_is_unknown() -> None:
    """The known entries are read by the load that follows, because the outbox is stale."""
    store: Any = Stored(entry(1, 1), entry(2, 2))
    outbox = Outbox()
    await outbox.load(store)
    store.read.clear()
    store.rows[3] = _row(entry(3, 3, FLOOR))
    await outbox.learn_all(store)
    assert (store.read, outbox.stale) == ([[3]], True)
    assert outbox.floors.view("acme").rank(5) == 3


async def test_a_process_begins_with_the_ends_that_wait() -> None:
    """They count for the caller who declared them; what later loads find does not, because it depends on others."""
    ada = person("ada", tenant="acme")
    store: Any = Stored(replace(awaited(500), raised_by=ada))
    outbox = Outbox()
    await outbox.load(store)
    other = replace(awaited(600, vid=6), raised_by=ada)
    store.rows[other.x] = _row(other)
    await outbox.load(store)
    assert outbox.planned_ends._by_caller["acme", "ada"].ends == {(5, 0): 500}  # noqa: SLF001 - what counts is the point


class HeldLoad:
    """A store with ``rows`` whose response to a load arrives when ``release`` is set; it was read before that."""

    def __init__(self, *entries: OutboxEntry) -> None:
        self.rows = {each.x: _row(each) for each in entries}
        self.release = asyncio.Event()

    async def submit(self, prepared: object, bindings: Mapping[str, Any], **_: object) -> Any:
        """Return the rows of some entries at once, and all ids late."""
        if prepared is READ:
            return [[[self.rows[x] for x in bindings["xs"]], []]]
        ids = [*self.rows]
        await self.release.wait()
        return [ids]


def _row(stored: OutboxEntry) -> dict[str, Any]:
    binding: Any = stored.binding()
    return {"x": stored.x, "note": binding["p"]["note"], "covered": binding["p"].get("covered"), "frontier": []}


async def test_a_load_keeps_what_is_learned_meanwhile() -> None:
    """An entry of another process that is learned while all are loaded stays, with its floor; a deleted one is gone."""
    outbox = Outbox()
    store: Any = HeldLoad(entry(1, 1), entry(2, 2))
    load = asyncio.create_task(outbox.load(store))
    await asyncio.sleep(0)
    store.rows[3] = _row(entry(3, 3, FLOOR))
    await outbox.learn(store, [3], [])
    await outbox.learn(store, [], [1])
    store.release.set()
    await load
    assert [each.x for each in outbox.entries] == [2, 3]
    assert outbox.floors.view("acme").rank(5) == 3


def write_lost(outbox: Outbox, *entries: OutboxEntry, unknown: bool = True) -> None:
    """Let the response to the transaction of some entries be lost, or, unless ``unknown``, let it be refused."""
    error = StoreUnavailableError("no response", unknown_outcome=unknown)
    with pytest.raises(StoreUnavailableError), outbox.committing([*entries]):
        raise error


async def test_an_entry_that_is_committed_after_a_load_is_found() -> None:
    """Its floor applies from the write until its job has worked it off, also while the store does not have it."""
    outbox, store = Outbox(), Stored()
    client: Any = store
    write_lost(outbox, lost := entry(1, 1, FLOOR))
    await outbox.load(client)
    await outbox.look(client)
    assert (outbox.entries, outbox.stale, outbox.floors.view("acme").rank(5)) == ([], False, 3)
    store.rows[1] = _row(lost)
    changed = outbox.listen()
    await outbox.look(client)
    assert ([each.x for each in outbox.entries], changed.is_set()) == ([1], True)
    assert (outbox.floors.view("acme").rank(5), len(outbox.unanswered)) == (3, 0)
    await outbox.done(client, *outbox.entries)
    assert outbox.floors.view("acme").rank(5) == 0


async def test_an_entry_that_a_load_finds_is_looked_for_no_more() -> None:
    """Otherwise its floor would remain after its job has worked it off."""
    outbox = Outbox()
    store: Any = Stored(lost := entry(1, 1, FLOOR))
    write_lost(outbox, lost)
    await outbox.load(store)
    assert (len(outbox.unanswered), outbox.floors.view("acme").rank(5)) == (0, 3)
    await outbox.done(store, *outbox.entries)
    assert outbox.floors.view("acme").rank(5) == 0


async def test_the_floor_of_an_entry_ends_that_the_store_does_not_get() -> None:
    """Either the write was surely refused, or it may no longer be completed."""
    outbox, now = Outbox(), 0.0
    store: Any = Stored()
    outbox.unanswered = UnansweredEntries(lambda: now)
    write_lost(outbox, entry(1, 1, FLOOR), unknown=False)
    assert outbox.floors.view("acme").rank(5) == 0
    write_lost(outbox, entry(2, 2, FLOOR))
    await outbox.load(store)
    assert outbox.floors.view("acme").rank(5) == 3
    now += LATE_SECONDS
    await outbox.look(store)
    assert outbox.floors.view("acme").rank(5) == 0


async def test_an_entry_that_another_process_worked_off_before_it_was_found_ends_its_floor() -> None:
    """The log says that it is deleted, and its floor stays ended."""
    outbox = Outbox()
    store: Any = Stored()
    write_lost(outbox, entry(1, 1, FLOOR))
    await outbox.load(store)
    await outbox.learn(store, [1], [])
    await outbox.learn(store, [], [1])
    assert outbox.floors.view("acme").rank(5) == 0
    await outbox.load(store)
    assert outbox.floors.view("acme").rank(5) == 0


def test_a_vertex_is_raised_by_what_lists_it_or_reaches_it() -> None:
    """A floor over a whole tenant counts for a vertex only if its entry is to recompute it, or is not known yet."""
    outbox, other = Outbox(), SensitivityFloor("other", "RESTRICTED", frozenset({5}))
    listed, reaching, tenant, unknown = (
        replace(FLOOR, level=level, covered=covered)
        for level, covered in (
            ("PUBLIC", frozenset({5})),
            ("INTERNAL", frozenset({6})),
            ("CONFIDENTIAL", None),
            ("RESTRICTED", None),
        )
    )
    entries = [entry(x, x, each) for x, each in enumerate((listed, reaching, tenant))]
    entries[1].frontier[5] = None
    with outbox.committing([*entries, entry(8, 8)]):
        pass
    outbox.floors.raise_floor(9, other)
    assert outbox.floors_of("acme", 5) == [listed, reaching]
    entries[2].frontier[5] = None
    outbox.floors.raise_floor(10, unknown)
    assert outbox.floors_of("acme", 5) == [listed, reaching, tenant, unknown]
    assert outbox.floors_of("acme", 7) == [unknown]
