"""The write log of a process over a store in memory: what it learns, when its turn is refused, and who leads."""

import asyncio
from typing import Any

import pytest
from support.stores.log_store import CLIENTS, Clock, LogStore, opened, submit, write
from support.waiting import until

from app.graph.commits import write_log
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.commits.turns.lost_turns import LOST_TURNS, MAX_WAIT_MS, MIN_WAIT_MS
from app.graph.commits.write_log import LEASE_MS, WriteLog
from app.graph.commits.write_set import WriteSet
from app.graph.commits.write_statements import WRITE
from app.graph.driver.errors import LostTurnError, StoreUnavailableError, TransientConflictError
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


async def loses_its_turns(monkeypatch: pytest.MonkeyPatch) -> tuple[WriteLog, asyncio.Task[None], Clock]:
    """Return a process that has let others wait after it lost turns, another one that wants to write, and the clock."""
    monkeypatch.setattr(write_log, "WAIT_POLL_SECONDS", 0)
    store, clock = LogStore(), Clock()
    slow, quick = await opened(store, clock), await opened(store, clock)
    for _ in range(LOST_TURNS):
        await slow.begin("writer")
        await write(quick)
        with pytest.raises(TransientConflictError):
            await submit(slow)
    await slow.begin("writer")
    return slow, asyncio.create_task(write(quick)), clock


async def rounds(count: int = 100) -> None:
    """Let the other tasks run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_process_that_loses_its_turns_lets_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process could otherwise write often and so keep it from writing; that one writes after it."""
    slow, waiting, _ = await loses_its_turns(monkeypatch)
    await rounds()
    assert not waiting.done()
    await submit(slow)
    await waiting
    await slow.learn()
    assert slow.known == LOST_TURNS + 3


async def test_a_job_wins_a_turn_beside_the_writers_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that a writer of the same process wins between does not count for the job, which plans for longer."""
    monkeypatch.setattr(write_log, "WAIT_POLL_SECONDS", 0)
    store, clock = LogStore(), Clock()
    log, other = await opened(store, clock), await opened(store, clock)
    for _ in range(LOST_TURNS):
        await log.begin("job")
        await write(other)
        with pytest.raises(LostTurnError):
            await submit(log)
        await write(log)
    await log.begin("writer")
    assert [entry_of(text).wait for text in store.entries.values() if entry_of(text).wait] == []
    await submit(log)
    await log.begin("job")
    waiting = asyncio.create_task(write(other))
    await rounds()
    await submit(log)
    assert not waiting.done()
    await waiting


async def test_a_turn_that_a_lock_of_the_store_refused_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between several servers of a store, its lock refuses a transaction that another process came before."""
    store, clock = LogStore(), Clock()
    log = await opened(store, clock)
    client = CLIENTS[log]
    unchanged = client.submit

    async def refuse(prepared: object, *more: Any, **options: Any) -> Any:
        if prepared is WRITE:
            raise TransientConflictError("locked")
        return await unchanged(prepared, *more, **options)

    for _ in range(LOST_TURNS):
        await log.begin("job")
        monkeypatch.setattr(client, "submit", refuse)
        with pytest.raises(LostTurnError):
            await submit(log)
        monkeypatch.setattr(client, "submit", unchanged)
    await log.begin("job")
    assert [entry_of(text).wait for text in store.entries.values()] == [MIN_WAIT_MS]


async def test_a_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on when the time is over, also if the process that lets them wait has ended."""
    _, waiting, clock = await loses_its_turns(monkeypatch)
    await rounds()
    assert not waiting.done()
    clock.now += MAX_WAIT_MS
    await waiting


async def test_a_plan_that_ends_without_a_transaction_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go on at once, not when the time is over: a dry run, a refused change or an error writes nothing."""
    slow, waiting, _ = await loses_its_turns(monkeypatch)
    await rounds()
    assert not waiting.done()
    await slow.end_plan()
    await rounds()
    assert waiting.done()
    await waiting
    await slow.learn()
    assert slow.known == LOST_TURNS + 3
    await slow.end_plan()
    assert slow.known == CLIENTS[slow].store.sequence


@pytest.mark.parametrize("end", ["transaction", "time", "another process", "no response"])
async def test_a_wait_that_is_over_is_not_ended_again(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """After its transaction, or the time, nothing is written; one that is refused or lost leaves the end by time."""
    slow, waiting, clock = await loses_its_turns(monkeypatch)
    client = CLIENTS[slow]
    await rounds()
    if end == "transaction":
        await submit(slow)
        await waiting
    elif end in {"time", "another process"}:
        clock.now += MAX_WAIT_MS
        await waiting
        clock.now -= MAX_WAIT_MS if end == "another process" else 0
    written = client.store.sequence
    client.loses_response = end == "no response"
    await slow.end_plan()
    client.loses_response = False
    assert client.store.sequence == written
    clock.now += MAX_WAIT_MS
    await waiting
    await write(slow)


async def test_the_time_between_two_plans_lets_no_process_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that lets others wait may lose its turn too: it has no plan, whose time the others would wait for."""
    monkeypatch.setattr(write_log, "_WAIT_ATTEMPTS", 1)
    store, clock = LogStore(), Clock()
    slow, quick = await opened(store, clock), await opened(store, clock)
    client, overtakes = CLIENTS[slow], [False] * LOST_TURNS + [True, False]
    unchanged = client.submit

    async def submit_after_another(prepared: object, bindings: Any, **more: object) -> Any:
        if prepared is WRITE and overtakes.pop(0):
            await write(quick)
        return await unchanged(prepared, bindings, **more)

    monkeypatch.setattr(client, "submit", submit_after_another)
    for _ in range(LOST_TURNS):
        await slow.begin("writer")
        await write(quick)
        with pytest.raises(TransientConflictError):
            await submit(slow)
    clock.now += MAX_WAIT_MS
    await slow.begin("writer")
    await slow.begin("writer")
    assert [entry_of(text).wait for text in store.entries.values()][-1] == MIN_WAIT_MS
