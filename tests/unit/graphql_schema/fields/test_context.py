"""The context of one operation: its reader, its read time and its reports."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Context
from graphql_schema.ports.operation_budget import MANY_BYTES, MANY_ROWS
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.protocols import GraphReader
from graphql_schema.ports.shared_results import SharedResults
from policies.decision import Denial
from policies.principal import Principal, PrincipalKind

ADA = Principal("ada", PrincipalKind.PERSON, "acme")


@dataclass
class Process:
    """The dependencies of a context: readers, an access log and a clock."""

    graph: PlainGraph = field(default_factory=PlainGraph)
    opened: list[tuple[str, int | None]] = field(default_factory=list)
    logged: list[tuple[str, str, int]] = field(default_factory=list)

    def context(self, **values: Any) -> Context:
        """Return a context of Ada."""
        return Context(
            ADA,
            self.open_reader,
            self.graph,
            self.graph.report,
            b"k" * 32,
            request_id="request-1",
            log_access=self.log,
            clock=lambda: 500,
            **values,
        )

    def open_reader(self, caller: Principal, as_of: int | None) -> GraphReader:
        """Keep for whom a reader is opened, and at which read time."""
        self.opened.append((caller.subject, as_of))
        return self.graph

    def log(self, caller: Principal, request_id: str, report: PolicyReport) -> None:
        """Keep what the access log gets."""
        self.logged.append((caller.subject, request_id, sum(report.hidden.values())))


@pytest.fixture
def process() -> Process:
    """Return a process without any state."""
    return Process()


def test_an_operation_reads_the_present_until_a_field_gives_an_instant(process: Process) -> None:
    """A new instant opens a new reader; the same one again does not."""
    context = process.context()
    assert context.now() == 500
    for as_of in (None, 100, 100):
        context.read_at(as_of)
        assert context.reader
    assert process.opened == [("ada", None), ("ada", 100)]
    assert context.now() == 100


def test_a_restart_discards_what_was_read_reported_and_counted(process: Process) -> None:
    """The reader is abandoned and opened again at the read time, and the report and the counts are empty."""
    abandoned: list[int] = []
    process.graph.abandon = lambda: abandoned.append(1)  # type: ignore[method-assign]
    context = process.context(as_of=100)
    context.policy_report.report_hidden("Model.task", Denial((), ()))
    context.budget.count_items(3)
    assert context.reader
    context.restart()
    assert context.reader
    assert abandoned == [1]
    assert process.opened == [("ada", 100), ("ada", 100)]
    assert context.policy_report == PolicyReport("v1")
    assert context.budget.items == 0


def test_a_write_discards_what_was_read(process: Process) -> None:
    """A new reader sees the new state; the read time stays."""
    context = process.context(as_of=100)
    assert context.reader
    context.reset_reader()
    assert context.reader
    assert process.opened == [("ada", 100), ("ada", 100)]


async def test_a_subscription_continues_with_the_present_rights_of_its_caller(process: Process) -> None:
    """The caller is authenticated again and gets a new reader; without a check the caller stays."""

    async def recheck() -> Principal:
        return replace(ADA, subject="ada-after-check")

    context = process.context(recheck=recheck)
    assert context.reader
    await context.reauthenticate()
    assert context.reader
    assert context.principal.subject == "ada-after-check"
    assert process.opened == [("ada", None), ("ada-after-check", None)]
    unchanged = process.context()
    await unchanged.reauthenticate()
    assert unchanged.principal is ADA


def test_an_operation_that_reads_nothing_opens_no_reader(process: Process) -> None:
    """A new context, its restart and its end open no reader; all readers of an operation are abandoned at its end."""
    context = process.context()
    context.restart()
    context.release()
    assert process.opened == []
    abandoned: list[int] = []
    process.graph.abandon = lambda: abandoned.append(1)  # type: ignore[method-assign]
    for as_of in (None, 100):
        context.read_at(as_of)
        assert context.reader
    context.release()
    assert abandoned == [1, 1]


@pytest.mark.parametrize("end", [Context.release, Context.restart, Context.reset_reader])
@pytest.mark.parametrize(
    ("rows", "stored", "is_large"),
    [(MANY_ROWS + 1, 0, True), (1, MANY_BYTES + 1, True), (MANY_ROWS, MANY_BYTES, False)],
)
async def test_what_a_large_operation_has_read_is_freed_in_turns(  # noqa: PLR0913 - what is read
    process: Process,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Context], None],
    rows: int,
    stored: int,
    *,
    is_large: bool,
) -> None:
    """The last reference to it would free hundreds of thousands of objects in one callback."""
    given: list[list[object]] = []
    monkeypatch.setattr("graphql_schema.ports.operation_budget.RELEASE", Mock(free=given.append))
    context = process.context()
    assert context.reader
    result = await context.once("key", AsyncMock())
    context.budget.count_rows(rows)
    context.budget.count_stored(stored)
    end(context)
    freed = [each for objects in given for each in objects if each is not None]
    assert [process.graph in freed, any(isinstance(each, SharedResults) for each in freed)] == [is_large, is_large]
    assert result is not None


async def test_a_subscription_keeps_nothing_between_its_turns(process: Process) -> None:
    """What it shares may be a large event; a hundred subscriptions that wait would keep a hundred of them."""
    shared = [SharedResults(), SharedResults()]
    given = iter(shared)
    fan_out = Mock(begin_turn=AsyncMock(), results=lambda _: next(given))
    context = process.context(fan_out=fan_out)
    await context.begin_turn()
    assert context.results is shared[0]
    context.end_turn()
    assert context.results is None
    await context.begin_turn()
    assert context.results is shared[1]


async def test_what_was_read_for_a_shared_event_is_released(process: Process) -> None:
    """The executor of graphql-core refers to the context of an event until a garbage collection."""
    apart = process.context()
    apart.results = SharedResults()
    context = process.context(fan_out=Mock(open=lambda _, **_options: apart))
    context.results = SharedResults()

    async def make(given: Context) -> bool:
        return given.results is not None

    assert await context.shared("event", make)
    assert apart.results is None


def test_a_response_is_logged_before_its_reports_are_cleared(process: Process) -> None:
    """The access log and the extensions have the same reports, and the next response begins without any."""
    context = process.context()
    context.policy_report.report_hidden("Run.params", Denial((), ()))
    assert context.finish()["authorization"]["hidden"][0]["coordinate"] == "Run.params"
    assert context.finish() == {}
    assert process.logged == [("ada", "request-1", 1), ("ada", "request-1", 0)]


async def test_a_result_is_made_once_until_the_next_write(process: Process) -> None:
    """Equal keys share what is made, also while it is being made; after a write it is made anew."""
    context = process.context()
    make = AsyncMock(side_effect=[[1], [2], [3]])
    first, again = await asyncio.gather(context.once("key", make), context.once("key", make))
    assert first is again
    assert await context.once("other", make) == [2]
    assert await context.once("key", make) is first
    context.reset_reader()
    assert await context.once("key", make) == [3]


async def test_a_result_is_returned_in_a_turn(process: Process) -> None:
    """Those that wait for the same result would all continue at once."""
    budget = Mock(pause=AsyncMock())
    context = process.context(budget=budget)
    await asyncio.gather(*(context.once("key", AsyncMock()) for _ in range(3)))
    assert budget.pause.await_count == 3


async def test_what_is_made_ends_with_the_operation(process: Process) -> None:
    """A result that no resolver waits for any longer is cancelled when the operation has ended."""
    context, ended = process.context(), asyncio.Event()

    async def make() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(context.once("key", make))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    context.release()
    await ended.wait()
