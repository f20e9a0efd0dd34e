"""The waits of one process for another one, and of others for it, alone and in the write log."""

import asyncio
from typing import Any

import pytest
from support.stores.log_store import CLIENTS, Clock, LogStore, opened, submit, write

from app.graph.commits import write_log
from app.graph.commits.turns.lost_turns import LOST_TURNS, MAX_WAIT_MS, MIN_WAIT_MS
from app.graph.commits.turns.process_waits import ProcessWaits
from app.graph.commits.write_log import WriteLog
from app.graph.commits.write_statements import WRITE
from app.graph.driver.errors import LostTurnError, TransientConflictError
from app.graph.records.log_entry import entry_of


def test_a_wait_ends_by_a_transaction_of_its_process_or_by_time() -> None:
    """Transactions of third processes do not end it, and none is longer than the maximum."""
    waits = ProcessWaits()
    assert not waits.must_wait(-1)
    waits.learn("slow", 500, 1_000)
    waits.learn("other", 0, 1_000)
    assert (waits.must_wait(1_499), waits.must_wait(1_500)) == (True, False)
    waits.learn("slow", 0, 1_200)
    assert not waits.must_wait(1_200)
    waits.learn("slow", 10 * MAX_WAIT_MS, 0)
    assert (waits.must_wait(MAX_WAIT_MS - 1), waits.must_wait(MAX_WAIT_MS)) == (True, False)


def test_others_wait_until_this_process_has_written() -> None:
    """Or until the time is over."""
    waits = ProcessWaits()
    assert not waits.others_wait(-1)
    waits.let_others_wait(100)
    assert (waits.others_wait(99), waits.others_wait(100)) == (True, False)
    waits.release_others()
    assert not waits.others_wait(99)


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
