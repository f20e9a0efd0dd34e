"""The loop of a background job: pauses and log after failures in a row, without a store."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.stores.writers import NOW
from support.waiting import until

from app.graph.commits import outbox_worker
from app.graph.commits.entries import unanswered_entries
from app.graph.commits.entries.stored_entries import READ
from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.outbox_worker import MAX_PAUSE_SECONDS, OutboxWorker, add_records
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import LostTurnError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.record_text import text_of
from app.graph.records.vertex_record import stub
from graphql_schema.ports.record import Record
from graphql_schema.rules.index_terms import indexed_length

RECORD = stub("default", "mlg://dataset/test/default/d", "ada", NOW)

OUTAGE = 1_200
"""Failures in a row; 2 to this power exceeds the largest float."""


class EmptyStore(GremlinClient):
    """A store without outbox entries."""

    async def submit(self, *_: object, **__: object) -> list[Any]:
        """Return no rows of entries."""
        return [[]]


class Failing(OutboxWorker):
    """Fails OUTAGE times, works once, fails once, and is cancelled."""

    name = "failing"
    steps = 0

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """See the base class."""
        assert due == []
        self.steps += 1
        if self.steps == OUTAGE + 3:
            raise asyncio.CancelledError
        if self.steps != OUTAGE + 1:
            raise ValueError(self.steps)
        return True


async def test_a_job_survives_any_number_of_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that fails 1,200 times in a row goes on, logs each failure, and pauses for at most a minute."""
    pauses: list[float] = []

    def pause(_shortest: float, longest: float) -> float:
        pauses.append(longest)
        return 0

    monkeypatch.setattr("random.uniform", pause)
    job = Failing(EmptyStore("http://127.0.0.1:1"), asyncio.Lock(), Outbox())
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await job.run()
    assert pauses[:9] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert pauses[9:] == [*[MAX_PAUSE_SECONDS] * (OUTAGE - 9), 0.5]
    assert [(line["event"], line["failures"]) for line in logs] == [
        ("failing_job_failed", count) for count in (*range(1, OUTAGE + 1), 1)
    ]


class Interrupted(Failing):
    """Fails once, as after a lost response."""

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """See the base class."""
        assert due == []
        raise StoreUnavailableError("no response", unknown_outcome=True)


async def test_after_a_failure_the_entries_are_loaded_again() -> None:
    """What a batch without a response has stored, such as a longer frontier, is read before the next batch."""
    outbox = Outbox()
    job = Interrupted(GremlinClient("http://127.0.0.1:1"), asyncio.Lock(), outbox)
    with pytest.raises(StoreUnavailableError):
        await job.step()
    assert outbox.stale


class Overtaken(Failing):
    """Loses its turn to another process once."""

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """See the base class."""
        assert due == []
        self.steps += 1
        if self.steps == 1:
            raise LostTurnError("another process wrote first")
        return False


async def test_after_a_lost_turn_the_next_step_goes_on_at_once() -> None:
    """Nothing was written, so the entries are not loaded again, which would let all jobs begin again."""
    outbox = Outbox()
    job = Overtaken(GremlinClient("http://127.0.0.1:1"), asyncio.Lock(), outbox)
    assert await job.step()
    assert (outbox.stale, outbox.failing_jobs) == (False, set())
    assert not await job.step()


class Waiting(Failing):
    """Works off the entries that are due."""

    name = "sensitivity"

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """See the base class."""
        return bool(due)


class LateStore(GremlinClient):
    """A store that completes the transaction of an entry after two looks for it."""

    looks = 0

    async def submit(self, prepared: object, *_: object, **__: object) -> list[Any]:
        """Return no entry, or the row of the entry."""
        if prepared is not READ:
            return [[7] if self.looks > 2 else []]
        self.looks += 1
        binding: Any = OutboxEntry(7, "acme", 1).binding()
        row = {"x": 7, "note": binding["p"]["note"], "covered": None, "frontier": []}
        return [[[row] if self.looks > 2 else [], []]]


async def test_a_job_works_off_an_entry_that_is_committed_after_its_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a log, nothing announces the commit: the job looks for the entry every few seconds."""
    monkeypatch.setattr(outbox_worker, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(unanswered_entries, "LOOK_SECONDS", 0.01)
    outbox, store = Outbox(), LateStore("http://127.0.0.1:1")
    job = Waiting(store, asyncio.Lock(), outbox)
    with pytest.raises(StoreUnavailableError), outbox.committing([OutboxEntry(7, "acme", 1)]):
        raise StoreUnavailableError("no response", unknown_outcome=True)
    running = asyncio.create_task(job.run())
    await until(lambda: 7 in outbox and not outbox.stale, within=10)
    running.cancel()
    await asyncio.wait([running])
    assert store.looks == 4  # three looks, and a load of all entries


class Order:
    """A write order that counts the begins of plans, and their ends without a further batch."""

    leads = False
    begins = ends = 0

    async def begin(self, planner: str) -> None:
        """Count."""
        assert planner == "sensitivity"
        self.begins += 1

    async def end_plan(self) -> None:
        """Count."""
        self.ends += 1


async def test_a_process_that_does_not_lead_takes_no_lock_for_its_jobs() -> None:
    """Each entry that it learns wakes its jobs, which its writers must not wait for; a stale outbox is loaded."""
    store, outbox, lock, order = EmptyStore("http://127.0.0.1:1"), Outbox(), asyncio.Lock(), Order()
    client: Any = store
    client.write_order = order
    job = Waiting(store, lock, outbox)
    async with lock, asyncio.timeout(5):
        assert not await job.step()
    assert order.begins == 0
    outbox.stale = True
    assert not await job.step()
    assert (order.begins, outbox.stale) == (1, False)
    order.leads = True
    assert not await job.step()
    assert (order.begins, order.ends) == (2, 2)


class Resting(Failing):
    """Works off two entries, rests, and is cancelled."""

    rest_seconds = 7.0

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """See the base class."""
        assert due == []
        self.steps += 1
        return self.steps < 3


async def test_a_job_rests_after_all_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no rest between two batches; entries that arrive during the rest are the next round."""
    rests: list[tuple[float, int]] = []

    async def rest(seconds: float) -> None:
        if seconds:
            rests.append((seconds, job.steps))
            raise asyncio.CancelledError

    job = Resting(EmptyStore("http://127.0.0.1:1"), asyncio.Lock(), Outbox())
    monkeypatch.setattr("asyncio.sleep", rest)
    with pytest.raises(asyncio.CancelledError):
        await job.run()
    assert rests == [(7.0, 3)]


@pytest.mark.parametrize("name", ["MAX_CHARACTERS", "JOB_COST"])
async def test_a_transaction_of_a_job_bounds_what_the_index_analyses(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """All texts of an asset are analysed again when its sensitivity changes, and count by their words."""
    text, count = "日本 word " * 50, 20
    properties = [{"key": f"key{number}", "value": text} for number in range(3)]
    record = {**RECORD, "description": text, "displayName": text, "properties": properties}
    writes, length = WriteSet(), {"MAX_CHARACTERS": len(text_of(record)), "JOB_COST": indexed_length(record)}[name]
    limit = 5 * length

    async def records(_client: GremlinClient, vids: list[int]) -> dict[int, Record]:
        return dict.fromkeys(vids, record)

    def add(vid: int, stored: Record) -> None:
        writes.vertex(vid, {**stored, "sensitivity": "RESTRICTED"}, before=stored)

    monkeypatch.setattr(outbox_worker, name, limit)
    monkeypatch.setattr(outbox_worker, "read_records", records)
    fitting = await add_records(EmptyStore("http://127.0.0.1:1"), writes, range(count), add)
    assert 0 < fitting * length <= limit


@pytest.mark.parametrize(
    ("sizes", "fitting", "read"),
    [([10, 10, 90, 10], 2, 4), ([90, 10, 10, 10], 1, 2), ([10] * 5, 5, 5), ([50, 45, 10, 10], 2, 4)],
)
async def test_records_are_read_as_far_as_they_are_written(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int], fitting: int, read: int
) -> None:
    """Two are read at a time. A transaction has the first ones up to its maximum, and one that is too large alone."""
    requested, added = list[int](), list[int]()

    async def records(_client: GremlinClient, vids: list[int]) -> dict[int, Record]:
        requested.extend(vids)
        return {vid: {"size": sizes[vid]} for vid in reversed(vids)}

    def add(vid: int, record: Record) -> None:
        added.append(vid)
        writes.characters += record["size"]

    monkeypatch.setattr(outbox_worker, "read_records", records)
    monkeypatch.setattr(outbox_worker, "READ_AT_ONCE", 2)
    monkeypatch.setattr(outbox_worker, "MAX_CHARACTERS", 96)
    writes = WriteSet()
    client = EmptyStore("http://127.0.0.1:1")
    assert await add_records(client, writes, range(len(sizes)), add) == fitting
    assert requested == [*range(read)]
    assert added == [*range(len(added))]
