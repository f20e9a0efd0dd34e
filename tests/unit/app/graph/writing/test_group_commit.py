"""Group commit over a store in memory: which calls share a transaction, and what becomes of them when it fails."""

import asyncio
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.estates.wide_lineage import noted_threads
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.memory_store import Callers, MemoryStore, data, holding, names
from support.stores.writers import asset, person, urn

import app.graph.commits.outbox as outboxes
import app.graph.writing.group_commit as committing
from app.graph.commits.entries.backlogs import MAX_BACKLOG
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import (
    StoreFailedError,
    StoreUnavailableError,
    TransientConflictError,
    VertexExistsError,
    WriteRefusedError,
    WriteTooLargeError,
)
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.native import vertex_values
from app.graph.writing.unit import working_set
from app.graph.writing.unit.working_set import LONG_TEXT, WorkingSet
from app.store.errors import StoreReason
from graphql_schema.execution.side_thread import run_aside
from policies.errors import LimitError

ADA = person("ada", "team ranking", roles="engineer")
REFUSED = WriteRefusedError("The store failed.", ("SchemaViolationException",))


@pytest.fixture
def callers(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Callers:
    """Return callers over an empty store in memory; attempts follow each other without a pause."""
    store = MemoryStore(memory)
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr(committing, "MAX_BACKOFF_SECONDS", 0)
    monkeypatch.setattr(committing, "GATHER_SHARE", 0)
    return Callers(store)


async def test_calls_that_wait_are_written_together(callers: Callers) -> None:
    """While a transaction is under way, further calls wait, and all of them are the next transaction."""
    first = await holding(callers)
    calls = [callers.call(who, asset(f"dataset {who.subject}{number}")) for number in range(3) for who in (ROOT, ADA)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert not any(call.done() for call in (first, *calls))
    callers.store.open.set()
    await asyncio.gather(first, *calls)
    assert [names(call.result()) for call in calls] == [["CREATED"]] * 6
    assert callers.store.writes == [
        data("first"), data("root0", "ada0", "root1", "ada1", "root2", "ada2"),
    ]  # fmt: skip
    assert callers.coordinator.queue.leader is None
    assert callers.coordinator.commit_log.count == 2


async def test_tenants_are_written_apart(callers: Callers) -> None:
    """Calls of two tenants are never in one transaction."""
    first = await holding(callers)
    calls = [callers.call(who, asset("dataset a")) for who in (ROOT, replace(ROOT, tenant="other"), ADA)]
    callers.store.open.set()
    await asyncio.gather(first, *calls)
    assert len(callers.store.writes) == 3


async def test_a_job_is_written_apart(callers: Callers) -> None:
    """A call does not wait for what a job reads and plans in the same transaction."""
    first = await holding(callers)
    job = callers.batch(ROOT, asset("dataset job"))
    job.of_job = True
    calls = [callers.call(ADA, asset("dataset a")), callers.write(job), callers.call(ADA, asset("dataset b"))]
    callers.store.open.set()
    await asyncio.gather(first, *calls)
    assert callers.store.writes == [data("first"), data("a", "b"), data("job")]


async def test_a_caller_waits_until_jobs_have_worked_off_what_the_writes_left(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write meanwhile, and so do dry runs of the caller; one who waits in vain may send the call again."""
    outbox = callers.coordinator.outbox
    left = [OutboxEntry(x, ROOT.tenant, x, raised_by=ROOT) for x in range(MAX_BACKLOG)]
    with outbox.committing(left):
        pass
    waiting = callers.call(ROOT, asset("dataset later"))
    await callers.call(ADA, asset("dataset other"))
    await callers.call(ROOT, asset("dataset tried"), dry_run=True)
    assert callers.store.writes == [data("other")]
    with pytest.raises(StoreUnavailableError, match="Send it again later") as raised:
        await callers.call(ROOT, asset("dataset beside"))
    assert not raised.value.unknown_outcome
    assert not waiting.done()
    await outbox.learn(cast("GremlinClient", callers.store), (), [left[0].x])
    await waiting
    assert callers.store.writes[-1] == data("later")
    with outbox.committing(left[:1]):
        pass
    monkeypatch.setattr(outboxes, "BACKLOG_SECONDS", 0)
    with pytest.raises(StoreUnavailableError, match="Send it again later"):
        await callers.call(ROOT, asset("dataset refused"))


async def test_a_caller_does_not_wait_for_a_job_that_fails(callers: Callers) -> None:
    """What the job cannot work off is bounded by nothing then, and writes go on."""
    outbox = callers.coordinator.outbox
    with outbox.committing([OutboxEntry(x, ROOT.tenant, x, raised_by=ROOT) for x in range(MAX_BACKLOG)]):
        pass
    outbox.failing_jobs.add("sensitivity")
    await callers.call(ROOT, asset("dataset a"))
    assert callers.store.writes == [data("a")]


async def test_long_dry_runs_of_one_caller_delay_another_one_by_one_of_them(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small call that arrives while the first of thirty is planned has its outcome before the second is planned."""
    planned, small, reads = list[str](), list["asyncio.Task[Any]"](), callers.store.prefetch

    async def prefetch(transaction: object, items: Any, *given: object) -> WorkingSet:
        planned.extend(each.urn for each in items)
        if not small:
            small.append(callers.call(ROOT, asset("dataset small")))
        elif len(planned) > len(["long0", "small"]):
            assert small[0].done()
        return await reads(transaction, items, *given)

    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", prefetch)
    long = [callers.batch(ADA, asset(f"dataset long{number}"), dry_run=True) for number in range(30)]
    for each in long:
        each.edge_count = 5_000
    with callers.coordinator.contention.call("ada"), callers.coordinator.contention.call("root"):
        await asyncio.gather(*map(callers.write, long))
    assert planned[:3] == [urn("dataset long0"), urn("dataset small"), urn("dataset long1")]
    assert len(planned) == len(long) + 1
    assert callers.store.writes == [data("small")]


async def test_a_refused_call_does_not_fail_the_others(callers: Callers) -> None:
    """A refused transaction is halved down to the call whose values are refused; the others are written."""
    first = await holding(callers)
    callers.store.bad[urn("dataset bad")] = REFUSED
    texts = ["a", "b", "bad", "c"]
    calls = [callers.call(ROOT, asset(f"dataset {text}")) for text in texts]
    callers.store.open.set()
    found = await asyncio.gather(first, *calls, return_exceptions=True)
    assert [names(one) if isinstance(one, list) else one for one in found[1:]] == [
        ["CREATED"], ["CREATED"], REFUSED, ["CREATED"],
    ]  # fmt: skip
    assert callers.store.writes[1:] == [data(*texts), data("a", "b"), data("bad", "c"), data("bad"), data("c")]


async def test_a_conflict_is_planned_again_for_all(callers: Callers) -> None:
    """After a conflict with another process, or a late write, the same calls are written again, sixty times at most."""
    callers.coordinator.late_writes.begin()
    first = await holding(callers)
    callers.store.errors = [None, TransientConflictError("lock"), VertexExistsError("taken"), None]
    calls = [callers.call(ROOT, asset(f"dataset {text}")) for text in "ab"]
    callers.store.open.set()
    await asyncio.gather(first, *calls)
    assert callers.store.writes[1:] == [data("a", "b")] * 3
    locked = TransientConflictError("lock")
    callers.store.errors = [locked] * committing.MAX_CONFLICTS
    found = await asyncio.gather(
        *(callers.call(ROOT, asset(f"dataset {text}")) for text in "cd"), return_exceptions=True
    )
    assert found == [locked, locked]


@pytest.mark.parametrize("attempts", [committing.MAX_ATTEMPTS, 1])
async def test_a_vertex_that_always_exists_is_found_by_halves(callers: Callers, attempts: int) -> None:
    """A call that cannot create its asset gets the error, and the other one is written; at once if all others wait."""
    callers.store.exclusive = attempts == 1
    first = await holding(callers)
    exists = callers.store.bad[urn("dataset bad")] = VertexExistsError("taken")
    calls = [callers.call(ROOT, asset(f"dataset {text}")) for text in ("bad", "a")]
    callers.store.open.set()
    found = await asyncio.gather(first, *calls, return_exceptions=True)
    assert found[1] is exists
    assert callers.store.writes[1:] == [*[data("bad", "a")] * attempts, *[data("bad")] * attempts, data("a")]


@pytest.mark.parametrize(
    "error",
    [StoreUnavailableError.because(StoreReason.DISK_SPACE), StoreFailedError("unusable"), ZeroDivisionError()],
    ids=lambda error: type(error).__name__,
)
async def test_a_write_of_unknown_outcome_is_not_repeated(callers: Callers, error: Exception) -> None:
    """All calls that write have the error; one that writes nothing is planned again, and has its own result."""
    first = await holding(callers)
    callers.store.errors = [None, error]
    write = callers.call(ROOT, asset("dataset a"))
    dry = callers.call(ROOT, asset("dataset b"), dry_run=True)
    same = callers.call(ROOT, asset("dataset first"))
    callers.store.open.set()
    found = await asyncio.gather(first, write, dry, same, return_exceptions=True)
    assert found[1] is error
    assert [names(one) for one in found[2:] if isinstance(one, list)] == [["CREATED"], ["UNCHANGED"]]
    assert callers.store.writes[1:] == [data("a")]


async def test_an_error_before_the_write_is_of_the_call_that_has_it(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that cannot be read fails all calls at once; any other error is found by halves."""
    first = await holding(callers)
    good = callers.batch(ROOT, asset("dataset a"))
    broken = callers.batch(ROOT, asset("dataset b"))
    broken.new_author = lambda: 1 / 0  # type: ignore[assignment, return-value]
    calls = [callers.write(each) for each in (broken, good)]
    callers.store.open.set()
    found = await asyncio.gather(first, *calls, return_exceptions=True)
    assert isinstance(found[1], ZeroDivisionError)
    assert isinstance(found[2], list)
    down = StoreUnavailableError("down")

    async def prefetch(*_: object, **_options: object) -> None:
        raise down

    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", prefetch)
    again = [callers.call(ROOT, asset(f"dataset {text}")) for text in "cd"]
    assert await asyncio.gather(*again, return_exceptions=True) == [down, down]


async def test_a_call_that_has_ended_is_dropped_before_it_is_planned(callers: Callers) -> None:
    """A call that was cancelled, or whose time is over, while it waited is not written; the others are."""
    first = await holding(callers)
    gone, good = (callers.call(ROOT, asset(f"dataset {text}")) for text in ("gone", "a"))
    late = callers.batch(ROOT, asset("dataset late"))
    ended = callers.write(late)
    await asyncio.sleep(0)
    gone.cancel()
    late.budget.end(over := LimitError("too long"))
    callers.store.open.set()
    found = await asyncio.gather(first, gone, good, ended, return_exceptions=True)
    assert isinstance(found[1], asyncio.CancelledError)
    assert found[3] is over
    assert callers.store.writes[1:] == [data("a")]


async def test_a_call_that_ends_during_an_attempt_is_not_in_the_next_one(callers: Callers) -> None:
    """A call that was cancelled while a transaction failed by a conflict is not planned again."""
    callers.store.errors = [TransientConflictError("lock")]
    first = await holding(callers)
    first.cancel()
    other = callers.call(ROOT, asset("dataset a"))
    callers.store.open.set()
    await other
    assert callers.store.writes == [data("first"), data("a")]


async def test_a_call_cancelled_while_it_is_written_does_not_end_the_others(callers: Callers) -> None:
    """The transaction is completed with its items, although it is the call that has started the leader."""
    first = await holding(callers)
    first.cancel()
    call = callers.call(ROOT, asset("dataset a"))
    callers.store.open.set()
    assert names(await call) == ["CREATED"]
    assert callers.store.writes == [data("first"), data("a")]


async def test_records_of_many_calls_are_bounded(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction whose records are too large is halved before it is sent; a single item is not."""
    monkeypatch.setattr(committing, "MAX_GROUP_BYTES", 1)
    first = await holding(callers)
    calls = [callers.call(ROOT, asset(f"dataset {text}")) for text in "ab"]
    callers.store.open.set()
    await asyncio.gather(first, *calls)
    assert callers.store.writes[1:] == [data("a"), data("b")]


async def test_records_of_one_call_are_bounded(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose records are too large is refused before it is sent, unless it is atomic."""
    monkeypatch.setattr(committing, "MAX_GROUP_BYTES", 1)
    with pytest.raises(WriteTooLargeError):
        await callers.call(ROOT, asset("dataset a"), asset("dataset b"))
    await callers.call(ROOT, asset("dataset c"), asset("dataset d"), atomic=True)
    assert callers.store.writes == [data("c", "d")]


async def test_records_of_every_call_are_bounded(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be divided may have more bytes, but not so many that the store would refuse the request."""
    monkeypatch.setattr(committing, "MAX_TRANSACTION_BYTES", 5_000)
    large, small = asset("dataset a", {"description": "x" * 5_000}), asset("dataset b")
    for items, atomic in (((large,), False), ((large, small), True)):
        with pytest.raises(WriteTooLargeError, match="at most 5000 bytes"):
            await callers.call(ROOT, *items, atomic=atomic)
    assert callers.store.writes == []
    await callers.call(ROOT, small)


async def test_what_is_too_large_is_not_encoded(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """All writers wait while records are encoded."""
    encoded = list[int]()
    monkeypatch.setattr(WriteSet, "vertex", lambda _self, vid, *_after, **_before: encoded.append(vid))
    monkeypatch.setattr(committing, "MAX_GROUP_BYTES", 1)
    with pytest.raises(WriteTooLargeError):
        await callers.call(ROOT, *(asset(f"dataset d{number}") for number in range(9)))
    assert encoded == []


async def test_a_transaction_in_flight_is_later_than_the_stable_instant(callers: Callers) -> None:
    """Until a transaction is over, the latest stable instant is before the first of its calls."""
    log = callers.coordinator.commit_log
    first = await holding(callers)
    for _ in range(20):
        await asyncio.sleep(0)
    begun = log.stable_until(10**15, "default")
    assert begun < callers.store.memory.author(ROOT).now
    callers.store.open.set()
    await first
    assert log.stable_until(10**15, "default") == 10**15


async def test_after_a_write_without_a_response_outcomes_wait_for_the_index(callers: Callers) -> None:
    """The store may have stored that write and not indexed it yet, so lists would lack what a repetition confirms."""
    await callers.call(ROOT, asset("dataset a"))
    assert callers.store.index_reads == 0
    callers.store.errors = [StoreUnavailableError("No response.", unknown_outcome=True)]
    with pytest.raises(StoreUnavailableError):
        await callers.call(ROOT, asset("dataset b"))
    callers.store.late_index = 3
    assert names(await callers.call(ROOT, asset("dataset a"))) == ["UNCHANGED"]
    assert callers.store.index_reads == 4
    assert names(await callers.call(ROOT, asset("dataset b"))) == ["CREATED"]
    assert callers.store.index_reads == 5


@pytest.mark.parametrize("error", [StoreFailedError("unusable"), ValueError("defect")])
async def test_what_is_stored_is_not_written_again_if_the_index_cannot_be_read(
    callers: Callers, error: Exception
) -> None:
    """The read comes after the commit, so each call gets an error. Nothing is planned again: it would apply twice."""
    callers.store.errors = [StoreUnavailableError("No response.", unknown_outcome=True)]
    with pytest.raises(StoreUnavailableError):
        await callers.call(ROOT, asset("dataset a"))
    callers.store.index_error, before = error, len(callers.store.writes)
    reads = callers.store.index_reads
    calls = [callers.call(who, asset(f"dataset {who.subject}")) for who in (ROOT, ADA)]
    for call in calls:
        with pytest.raises((StoreUnavailableError, ValueError)) as caught:
            await call
        assert getattr(caught.value, "unknown_outcome", True)
    assert (len(callers.store.writes), callers.store.index_reads) == (before + 1, reads + 1)
    callers.store.index_error = None
    assert names(await callers.call(ROOT, asset(f"dataset {ROOT.subject}"))) == ["UNCHANGED"]


async def test_after_a_write_without_a_response_tags_are_read_at_each_use(callers: Callers) -> None:
    """The store may complete it later, and with it a tag that begins to propagate."""
    reads: list[object] = []

    async def submit(*read: object, **_: object) -> list[object]:
        reads.append(read)
        return [{"v": [], "e": [], "p": [], "w": [], "c": [], "n": 0, "large": False}]

    client: Any = SimpleNamespace(submit=submit)
    tags = callers.coordinator.propagating_tags
    callers.store.errors = [StoreUnavailableError("No response.", unknown_outcome=True)]
    with pytest.raises(StoreUnavailableError):
        await callers.call(ROOT, asset("tag t"))
    for _ in range(2):
        await tags.among(client, [256])
    assert len(reads) == 2


async def test_long_texts_are_encoded_in_the_side_thread(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop serves others while the words of long texts are found; those of stored texts are not found."""
    noted = noted_threads(monkeypatch, vertex_values, "prose_terms")
    own, aside = threading.get_ident(), await run_aside(threading.get_ident)
    short, long, other = {"description": "short"}, {"description": "x " * LONG_TEXT}, {"location": "s3://orders"}
    for values, thread in ((short, own), (long, aside), (other, own), (short, own)):
        noted.clear()
        items = [asset(f"dataset d{number}", values) for number in range(10)]
        assert names(await callers.call(ROOT, *items))[0] in {"CREATED", "UPDATED"}
        assert noted == {("prose_terms", thread)}
    assert len(callers.store.memory.vertices) >= 10


@pytest.mark.parametrize("is_long", [True, False])
async def test_a_large_plan_is_freed_in_turns(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    """The last reference to a working set leads to 50,000 records and edges; a small one is freed at once."""
    freed = list[object]()
    monkeypatch.setattr(working_set, "RELEASE", SimpleNamespace(free=freed.extend))
    monkeypatch.setattr(WorkingSet, "is_long", is_long)
    assert names(await callers.call(ROOT, asset("dataset d"))) == ["CREATED"]
    assert [type(each) for each in freed] == ([WorkingSet] if is_long else [])
