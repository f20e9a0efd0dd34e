"""The write log of a process over a store in memory: what it learns, when its turn is refused, and who leads."""

import asyncio

import pytest
from support.stores.log_store import CLIENTS, Clock, LogStore, opened, submit, write
from support.waiting import until

from app.graph.commits import write_log
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.commits.write_log import LEASE_MS, WriteLog
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import StoreUnavailableError, TransientConflictError
from app.graph.records.log_entry import MAX_UNGROUPED, entry_of
from graphql_schema.ports.turns import loop_turns


def forgotten(log: WriteLog) -> list[set[int]]:
    """Return the vertices of each transaction that a process has learned and forgotten."""
    return [{*each.vertices} for each in CLIENTS[log].forgotten]


async def test_only_the_writes_of_others_are_forgotten() -> None:
    """A process learns each transaction of another one once, and never an own one that was confirmed."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    await write(one, 256)
    await write(one, 512)
    await two.learn()
    await write(two, 768)
    await two.learn()
    await one.learn()
    assert (forgotten(two), forgotten(one)) == ([{256}, {512}], [{768}])
    assert one.known == two.known == 3


async def test_callers_of_another_process_count_as_writers() -> None:
    """Who has to let others be first waits for these as well. A job or a lease has no caller."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    await write(one)
    await one.lead()
    await two.learn()
    contention = CLIENTS[two].coordinator.contention
    assert contention.others("cy") == set()
    writes = WriteSet()
    writes.delete_attached(256, "acme", "RESULT_OF", 1)
    writes.written_by([("acme", "bo"), ("acme", "ada"), ("acme", "bo")])
    await one.begin("writer")
    await writes.submit(CLIENTS[one])
    await two.learn()
    assert contention.others(("acme", "ada")) == {("acme", "bo")}
    assert not contention.is_contended
    assert CLIENTS[one].coordinator.contention.others("cy") == set()


async def test_a_turn_that_another_process_took_is_refused() -> None:
    """Nothing is written if a transaction was planned before one of another process; after a new begin it is."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    await two.begin("writer")
    await write(one)
    with pytest.raises(TransientConflictError):
        await submit(two)
    assert store.sequence == 1
    await write(two)
    assert [entry_of(text).process for text in store.entries.values()] == [one.process, two.process]


async def test_transactions_of_one_plan_follow_each_other() -> None:
    """A job may write several transactions after one begin."""
    store = LogStore()
    log = await opened(store, Clock())
    await write(log)
    await submit(log)
    assert store.sequence == 2


async def test_an_own_write_without_a_response_is_learned() -> None:
    """If a response was lost, the process learns from the log that its transaction is stored, and wakes its readers.

    It also forgets what the transaction touched, which it may have read before the commit.
    """
    store = LogStore()
    log = await opened(store, Clock())
    client, events = CLIENTS[log], CLIENTS[log].coordinator.commit_log
    client.loses_response = True
    await log.begin("writer")
    with pytest.raises(StoreUnavailableError):
        await submit(log)
    client.loses_response = False
    client.commit(client.late.pop())
    count = events.count
    await log.learn()
    assert (events.count, forgotten(log)) == (count + 1, [{256}])
    await write(log)
    assert store.sequence == 2


async def test_callers_share_a_look_that_begins_after_their_calls() -> None:
    """Callers during a request share the next one, because the request may have missed a transaction."""
    store = LogStore()
    log = await opened(store, Clock())
    first = asyncio.create_task(log.learn())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert store.reads <= 1
    await asyncio.gather(first, *(log.learn() for _ in range(10)))
    assert store.reads == 2
    await log.learn_to(0)
    assert store.reads == 2


async def test_more_entries_than_one_request_reads() -> None:
    """A process that lags by many transactions learns all of them."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    for number in range(1, 40):
        await write(one, number << 8)
    await two.learn()
    assert forgotten(two) == [{number << 8} for number in range(1, 40)]
    assert (two.known, two.lag) == (39, 39)


async def test_a_large_transaction_of_another_process_is_forgotten_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps what it does not touch, and others run before all of it is forgotten; who learns waits for it."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 0)
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    writes, vids = WriteSet(), {number << 8 for number in range(1, MAX_UNGROUPED + 1)}
    for vid in vids:
        writes.delete_attached(vid, "acme", "RESULT_OF", 1)
    await one.begin("writer")
    await writes.submit(CLIENTS[one])
    parts, learning = CLIENTS[two].forgotten, asyncio.create_task(two.learn())
    while not parts:  # noqa: ASYNC110 - each turn of the event loop counts
        await asyncio.sleep(0)
    begun = len(parts)
    await learning
    assert begun < len(parts)
    assert not any(part.everything for part in parts)
    ends = {end for part in parts for end in part.edge_ends}
    assert ends == {("in", "RESULT_OF", 1), *(("out", "RESULT_OF", vid) for vid in vids)}
    assert set[int]().union(*forgotten(two)) == vids


async def test_a_missing_entry_forgets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """If entries were deleted that a process had not read, it forgets everything and marks its outbox as stale."""
    monkeypatch.setattr(write_log, "KEPT", 1)
    monkeypatch.setattr(write_log, "DROPPED_AT_ONCE", 1)
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    for _ in range(5):
        await write(one)
    assert len(store.entries) < 5
    await two.learn()
    assert any(each.everything for each in CLIENTS[two].forgotten)
    assert CLIENTS[two].coordinator.outbox.stale
    assert two.known == 5


async def test_an_entry_that_is_shown_after_the_head_is_waited_for() -> None:
    """A storage of several machines may show an entry after the head: the log waits, and forgets nothing else."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    for number in (1, 2):
        await write(one, number << 8)
    vid, late = store.entries.popitem()
    learning = asyncio.create_task(two.learn())
    await until(lambda: two.known == 1)
    store.entries[vid] = late
    await learning
    assert two.known == 2
    assert forgotten(two) == [{1 << 8}, {2 << 8}]
    assert not CLIENTS[two].coordinator.outbox.stale


async def test_one_process_leads_until_its_lease_is_over() -> None:
    """The first one leads; another one does after the holder has resigned, or after the time of its lease."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    await one.lead()
    await two.learn()
    await two.lead()
    assert (one.leads, two.leads) == (True, False)
    clock.now += LEASE_MS - 1
    assert one.leads
    clock.now += 1
    assert not one.leads
    await two.lead()
    await one.learn()
    assert (one.leads, two.leads) == (False, True)
    await two.resign()
    assert not two.leads
    await one.learn()
    await one.lead()
    assert one.leads


async def test_a_lease_is_prolonged_before_its_end() -> None:
    """The holder writes a new lease when a third of the time is over, not before."""
    store, clock = LogStore(), Clock()
    log = await opened(store, clock)
    await log.lead()
    await log.lead()
    assert store.sequence == 1
    clock.now += LEASE_MS // 2
    await log.lead()
    assert store.sequence == 2
    clock.now += LEASE_MS * 3 // 4
    assert log.leads


async def test_the_watch_survives_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails, by an error of the store or a defect, is followed by the next one."""
    monkeypatch.setattr(write_log, "WATCH_SECONDS", 0)
    log = await opened(LogStore(), Clock())
    failures: list[Exception] = [StoreUnavailableError("away"), TransientConflictError("first"), ValueError("defect")]
    done = asyncio.Event()

    async def learn() -> None:
        if failures:
            raise failures.pop()
        done.set()

    monkeypatch.setattr(log, "learn", learn)
    watch = asyncio.create_task(log.watch())
    await done.wait()
    watch.cancel()
    await asyncio.wait([watch])
    assert watch.cancelled()


async def test_an_own_transaction_that_is_committed_late_is_learned() -> None:
    """Without a response, its outbox entry is unknown until the log has it; its floor applies all the time."""
    log = await opened(LogStore(), Clock())
    client, outbox = CLIENTS[log], CLIENTS[log].coordinator.outbox
    floor = SensitivityFloor("acme", "RESTRICTED", frozenset({5}))
    entry, writes = OutboxEntry(7, "acme", 1, floor=floor), WriteSet()
    writes.outbox([entry])
    await log.begin("writer")
    client.loses_response = True
    with pytest.raises(StoreUnavailableError), outbox.committing([entry]):
        await writes.submit(client)
    await outbox.load(client)
    assert (outbox.entries, outbox.floors.view("acme").rank(5)) == ([], 3)
    count = client.coordinator.commit_log.count
    assert client.commit(client.late.pop()) == [1]
    await log.learn()
    assert [each.x for each in outbox.entries] == [7]
    assert outbox.floors.view("acme").rank(5) == 3
    assert client.coordinator.commit_log.count > count


async def test_a_lease_whose_response_was_lost_begins_with_a_load() -> None:
    """A process that learns only from the log that it leads loads its outbox again, as after a response."""
    log = await opened(LogStore(), Clock())
    client = CLIENTS[log]
    client.loses_response = True
    with pytest.raises(StoreUnavailableError):
        await log.lead()
    client.commit(client.late.pop())
    changed = client.coordinator.outbox.listen()
    assert (log.leads, client.coordinator.outbox.stale) == (False, False)
    await log.learn()
    assert (log.leads, client.coordinator.outbox.stale, changed.is_set()) == (True, True, True)


async def test_a_lease_of_a_dead_process_ends_whatever_its_clock_showed() -> None:
    """If the clock of the holder was a day ahead, another process leads as soon as the lease was not prolonged."""
    store, ahead, clock, steady = LogStore(), Clock(), Clock(), Clock()
    ahead.now += 86_400_000
    dead, log = await opened(store, ahead), await opened(store, clock, steady)
    await dead.lead()
    await log.learn()
    steady.now += LEASE_MS - 1
    await log.lead()
    assert not log.leads
    steady.now += 1
    await log.lead()
    assert log.leads


async def test_a_lease_is_prolonged_after_the_clock_was_set_back() -> None:
    """The holder writes a lease that others can compare with their clocks."""
    store, clock = LogStore(), Clock()
    log = await opened(store, clock)
    await log.lead()
    clock.now -= 3_600_000
    await log.lead()
    assert store.sequence == 2
    assert log.leads


async def test_a_store_that_was_set_back_is_read_again() -> None:
    """If the last number is smaller than before, as in a backup, all is forgotten and the process writes again."""
    store, clock = LogStore(), Clock()
    log, other = await opened(store, clock), await opened(store, clock)
    for _ in range(3):
        await write(other)
    await log.learn()
    store.sequence = 1
    await log.learn()
    assert CLIENTS[log].forgotten[-1].everything
    assert CLIENTS[log].coordinator.outbox.stale
    await write(log)
    assert (store.sequence, log.known) == (2, 1)
