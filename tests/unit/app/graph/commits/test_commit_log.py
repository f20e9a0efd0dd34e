"""The instants of transactions, own and learned, and the readers that wait for them."""

import asyncio
from itertools import count

import pytest
from support.waiting import until

from app.graph.commits import commit_log
from app.graph.commits.commit_log import CommitLog
from graphql_schema.catalog.instants import MAX_AHEAD_MS


async def test_instants_continue_after_those_of_other_processes() -> None:
    """A learned instant that is ahead of the clock is passed by the next own one; an earlier one changes nothing."""
    log = CommitLog()
    assert log.instant(5, "acme") == 5
    log.learned(9)
    assert log.instant(6, "acme") == 10
    log.learned(3)
    assert (log.instant(6, "acme"), log.last) == (11, 11)


async def test_a_learned_transaction_wakes_readers() -> None:
    """A reader that waits continues after a transaction of another process, as after one of its own."""
    log = CommitLog()
    for signal in (log.written, lambda: log.learned(0)):
        waiting = asyncio.create_task(log.wait(log.count))
        await asyncio.sleep(0)
        assert not waiting.done()
        signal()
        await waiting


async def test_the_present_is_not_before_a_learned_write() -> None:
    """A read beside a process whose clock is ahead includes its writes; a clock that is far ahead does not count."""
    log = CommitLog()
    assert log.present(5) == 5
    log.learned(0, now=9)
    assert (log.present(5), log.present(20)) == (9, 20)
    log.learned(0, now=5 + MAX_AHEAD_MS + 1)
    assert log.present(5) == 5


async def test_a_transaction_in_flight_bounds_the_feed_and_its_end_wakes_readers() -> None:
    """Changes may be read up to the begin of the own transaction; its end, also without a write, wakes who waits."""
    log = CommitLog()
    assert log.complete_until() is None
    log.instant(10, "acme")
    assert log.complete_until() == 9
    count = log.count
    log.end()
    assert (log.complete_until(), log.count) == (None, count + 1)
    log.instant(20, "acme")
    log.end()
    assert log.count == count + 1


async def test_a_learned_transaction_bounds_the_feed_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is the instant before the earliest one that was learned lately; readers are woken when it is over."""
    monkeypatch.setattr(commit_log, "PARTIAL_SECONDS", 0.05)
    log = CommitLog()
    log.learned(7)
    log.learned(9)
    assert log.complete_until() == 0
    waiting = asyncio.create_task(log.wait(log.count))
    await waiting
    await until(lambda: log.complete_until() is None)


async def test_learned_transactions_are_forgotten_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the transactions that were learned while the feed had no reader, only those of the last moment are kept."""
    clock = count(0, 1)
    monkeypatch.setattr(commit_log, "monotonic", lambda: next(clock))
    log = CommitLog()
    for at in range(1, 1_000):
        log.learned(at)
    assert len(log._partial) <= 2  # noqa: SLF001 - what it keeps is the point
