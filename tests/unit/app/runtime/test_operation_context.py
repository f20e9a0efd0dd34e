"""The context of an operation reads at one instant, and carries what the request says."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.operation_context import OperationContexts
from app.runtime.process import Process
from app.settings import Settings
from graphql_schema.execution.side_thread import CALLER
from graphql_schema.fields.context import Context
from graphql_schema.ports.lineage_query import SnapshotTime
from policies.principal import Principal, PrincipalKind

ADA = Principal("ada", PrincipalKind.PERSON, "default")
NOW = 1_700_000_000_000


@pytest.fixture(scope="module")
async def process(tmp_path_factory: pytest.TempPathFactory) -> Process:
    """Return a process that runs without a store: to open a context sends nothing."""
    folder: Path = tmp_path_factory.mktemp("process")
    return Process(Settings.from_env({"MLG_DATA_DIR": str(folder)}))


@pytest.fixture
async def contexts(process: Process) -> OperationContexts:
    """Return the contexts of a process whose clock shows NOW."""
    process.open_with(GremlinClient("http://127.0.0.1:1"), WriteCoordinator())
    process.opened.contexts.clock = lambda: NOW
    return process.opened.contexts


def request(**headers: str) -> HTTPConnection:
    """Return a request with an id and these headers."""
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": given, "state": {"request_id": "r-1"}})


async def test_a_context_is_of_one_caller_and_request(contexts: OperationContexts) -> None:
    """Caller and request id are those of the request; without the preference a hidden field is null, not an error."""
    context = contexts.open(request(), ADA)
    assert (context.principal, context.request_id, context.policy_report.strict) == (ADA, "r-1", False)
    assert contexts.open(request(prefer="policy=strict"), ADA).policy_report.strict


async def test_a_reader_reads_at_the_instant_of_the_clock(contexts: OperationContexts) -> None:
    """Valid and recorded time are those of the clock; with an earlier ``as_of`` only the recorded time is."""
    context = contexts.open(request(), ADA)
    assert context.reader.pin == SnapshotTime(NOW, NOW)
    context.read_at(NOW - 60_000)
    assert context.reader.pin == SnapshotTime(NOW - 60_000, NOW)


async def test_a_reader_excludes_a_transaction_in_flight(contexts: OperationContexts) -> None:
    """Beside a transaction of the same millisecond, readers of its tenant stay before it: its rows could be incomplete.

    Readers of another tenant do not learn of it.
    """
    contexts.coordinator.commit_log.instant(NOW, ADA.tenant)
    assert contexts.open(request(), ADA).reader.pin == SnapshotTime(NOW - 1, NOW - 1)
    assert contexts.open(request(), replace(ADA, tenant="other")).reader.pin == SnapshotTime(NOW, NOW)
    contexts.coordinator.commit_log.end()
    assert contexts.open(request(), ADA).reader.pin == SnapshotTime(NOW, NOW)


async def test_a_caller_has_one_document_examined_at_a_time(contexts: OperationContexts) -> None:
    """The requests of a caller wait for each other, over HTTP and WebSocket; another caller does not wait for them."""
    first, second, other = (contexts.open(request(), who) for who in (ADA, ADA, replace(ADA, subject="bo")))

    async def examined(context: Context) -> None:
        async with context.document_turn():
            pass

    async with first.document_turn():
        waiting = asyncio.ensure_future(examined(second))
        await examined(other)
        assert not waiting.done()
    await waiting


async def test_equal_subjects_of_two_tenants_have_their_own_turns(contexts: OperationContexts) -> None:
    """A subscription waits for the turns of its own caller, and not for those of its namesake in another tenant."""

    async def recheck() -> Principal:
        return ADA

    followers = [contexts.open(request(), who, recheck).fan_out for who in (ADA, ADA, replace(ADA, tenant="other"))]
    first, second, namesake = (each for each in followers if each is not None)
    await first.begin_turn()
    waiting = asyncio.ensure_future(second.begin_turn())
    async with asyncio.timeout(5):
        await namesake.begin_turn()
    assert not waiting.done()
    first.end_turn()
    await waiting


async def test_an_event_has_lower_limits_than_a_query(contexts: OperationContexts) -> None:
    """A caller has a hundred subscriptions, each with an event that its client may not have taken."""

    async def recheck() -> Principal:
        return ADA

    context = contexts.open(request(), ADA, recheck)
    assert context.fan_out is not None
    of_event, of_query = context.fan_out.open(ADA).budget.limits, contexts.open(request(), ADA).budget.limits
    assert (of_event.items, of_event.characters) == (of_query.items // 10, of_query.characters // 8)
    assert (of_event.rows, of_event.stored) == (of_query.rows, of_query.stored)


async def test_a_reader_takes_the_slots_of_its_caller(
    contexts: OperationContexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requests of operations and of subscriptions count for their caller, who has a namesake in another tenant."""
    callers: list[object] = []

    async def submit(*_: object, caller: object = None, **__: object) -> None:
        callers.append(caller)
        raise StoreUnavailableError("The store is busy; try again.")

    async def recheck() -> Principal:
        return ADA

    monkeypatch.setattr(contexts.client, "submit", submit)
    shared = contexts.open(request(), ADA, recheck).fan_out
    assert shared is not None
    for context in (
        contexts.open(request(), ADA),
        shared.open(ADA),
        contexts.open_webhook(ADA, "r-2", recheck),
        contexts.open(request(), replace(ADA, tenant="other")),
    ):
        with pytest.raises(StoreUnavailableError):
            await context.reader.nodes(["mlg://dataset/test/default/d"])
    assert callers == [("default", "ada")] * 3 + [("other", "ada")]


async def test_the_calls_of_a_subscription_in_the_side_thread_are_of_its_caller(contexts: OperationContexts) -> None:
    """So are those of the subscription of a webhook: both have a task of their own, and no authenticated request."""

    async def recheck() -> Principal:
        return ADA

    async def caller_of(*, is_webhook: bool) -> object:
        _ = contexts.open_webhook(ADA, "r-2", recheck) if is_webhook else contexts.open(request(), ADA, recheck)
        return CALLER.get()

    for is_webhook in (False, True):
        assert await asyncio.create_task(caller_of(is_webhook=is_webhook)) == ("default", "ada")
