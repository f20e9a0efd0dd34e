"""Many calls of one resolver: they begin in turns, few run at once, and an error ends what has not begun."""

import asyncio
import gc
from collections.abc import Iterator
from functools import partial
from types import TracebackType
from unittest.mock import Mock
from weakref import WeakSet

import pytest
from support.loop_iterations import LoopIterations
from support.waiting import until

from graphql_schema.execution import many_calls
from graphql_schema.execution.many_calls import all_of, gathered
from graphql_schema.ports.operation_budget import MANY_ROWS, OperationBudget
from graphql_schema.ports.turns import loop_turns
from policies.errors import CodedError, LimitError


class Calls:
    """Calls that wait until ``ready`` is set, and are counted while they run.

    As many as ``failing`` begin before one fails at once, 0 for none; ``four`` is set when four have begun.
    """

    def __init__(self, *, failing: int = 0) -> None:
        self.failing = failing
        self.ready, self.four = asyncio.Event(), asyncio.Event()
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.most = 0

    async def call(self, number: int) -> int:
        """Return the number when ``ready`` is set; raise LimitError at once if as many as ``failing`` have begun."""
        self.begun.append(number)
        if len(self.begun) == 4:
            self.four.set()
        self.most = max(self.most, len(self.begun) - len(self.ended))
        if len(self.begun) == self.failing:
            raise LimitError("Too many.")
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        self.ended.append(number)
        return number


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each turn be over at once."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)


async def begins(number: int) -> set[int]:
    """Return the iterations of the event loop in which as many calls begin."""
    iterations, calls = LoopIterations(), Calls()
    calls.ready.set()
    call = iterations.observed("call", calls.call)
    async with iterations.counting():
        found = await gathered(OperationBudget(), [partial(call, each) for each in range(number)], "field")
    assert found == [*range(number)]
    return iterations.of["call"]


async def test_the_calls_of_a_page_begin_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the turn is not over, all begin in one iteration, as a loader needs it to read them together."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 1e9)
    assert len(await begins(500)) == 1


@pytest.mark.usefixtures("short_turns")
async def test_long_calls_begin_in_turns() -> None:
    """If each is a turn, hundreds begin in as many iterations."""
    assert len(await begins(300)) == 300


async def test_few_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A further call begins when another ends; the results are in the order of the calls."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 1e9)
    monkeypatch.setattr(many_calls, "CALLS_AT_ONCE", 5)
    calls = Calls()
    running = asyncio.create_task(
        gathered(OperationBudget(), [partial(calls.call, 20 - n) for n in range(12)], "field")
    )
    await calls.four.wait()
    calls.ready.set()
    assert await running == [20 - n for n in range(12)]
    assert calls.most == 5


async def test_few_of_all_aliases_of_a_field_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of thirty aliases would else begin thousands of tasks; slots return also after an error."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 1e9)
    monkeypatch.setattr(many_calls, "CALLS_AT_ONCE", 5)
    budget, calls = OperationBudget(), Calls()
    for failing in range(1, 4):
        failed = Calls(failing=failing)
        failed.ready.set()
        with pytest.raises(LimitError, match="Too many"):
            await gathered(budget, [partial(failed.call, number) for number in range(8)], "field")
    running = [
        asyncio.create_task(gathered(budget, [partial(calls.call, number) for number in range(6)], "field"))
        for _ in range(3)
    ]
    await calls.four.wait()
    calls.ready.set()
    assert await asyncio.gather(*running) == [[*range(6)]] * 3
    assert calls.most == 5


@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("at_once", [6, 2_000])
async def test_after_an_error_what_waits_does_not_begin(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """The error is raised at once, alone; what has begun goes on, because others may wait for the same."""
    monkeypatch.setattr(many_calls, "CALLS_AT_ONCE", at_once)
    calls = Calls(failing=4)
    with pytest.raises(LimitError, match="Too many"):
        await gathered(OperationBudget(), [partial(calls.call, number) for number in range(40)], "field")
    calls.ready.set()
    await until(lambda: len(calls.ended) == len(calls.begun) - 1)
    assert calls.cancelled == []
    assert len(calls.begun) < 10


@pytest.mark.usefixtures("short_turns")
async def test_a_cancelled_resolver_cancels_its_calls() -> None:
    """What has begun is cancelled, and the rest does not begin, whether or not all of them have tasks."""
    calls = Calls()
    running = asyncio.create_task(gathered(OperationBudget(), [partial(calls.call, n) for n in range(9)], "field"))
    await calls.four.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0)
    assert sorted(calls.cancelled) == calls.begun
    assert len(calls.begun) < 9


@pytest.mark.usefixtures("short_turns")
async def test_an_operation_that_ended_begins_no_further_call() -> None:
    """The error that ended the operation is raised at the first pause; calls that need none read nothing then."""
    budget, calls = OperationBudget(), Calls()
    budget.end(CodedError("too late"))
    with pytest.raises(CodedError, match="too late"):
        await gathered(budget, [partial(calls.call, number) for number in range(5)], "field")
    assert len(calls.begun) <= 1


class Read:
    """Something that a call reads."""


@pytest.fixture
def no_collections() -> Iterator[None]:
    """Let no garbage collection run during a test."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collections")
async def test_what_a_failed_call_read_is_freed() -> None:
    """The error refers to the frames that it has passed, and none of them to the error."""
    living = WeakSet[Read]()

    async def fail(number: int) -> None:
        read = Read()
        living.add(read)
        await asyncio.sleep(0)
        raise LimitError(f"Too many for {number}.")

    with pytest.raises(LimitError, match="Too many for 0"):
        await gathered(OperationBudget(), [partial(fail, number) for number in range(3)], "field")
    await asyncio.sleep(0)
    assert not [*living]


@pytest.mark.parametrize(("rows", "count"), [(MANY_ROWS + 1, 3), (0, 3), (0, many_calls.MANY_CALLS + 1)])
async def test_what_failed_calls_of_a_large_operation_made_is_freed_in_turns(
    rows: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames of thirty resolvers can be the last references to all that they have read."""
    given: list[object] = []
    monkeypatch.setattr("graphql_schema.execution.many_calls.RELEASE", Mock(free=given.extend))
    budget = OperationBudget()
    budget.count_rows(rows)

    async def failing(number: int) -> int:
        await asyncio.sleep(0)
        if number:
            raise LimitError("Too many.")
        return number

    with pytest.raises(ExceptionGroup):
        await all_of(budget, [partial(failing, number) for number in range(count)])
    is_large = rows > MANY_ROWS or count > many_calls.MANY_CALLS
    assert [type(each) for each in given].count(asyncio.Task) == count * is_large
    assert any(isinstance(each, TracebackType) for each in given) == is_large


async def test_calls_are_waited_for_without_a_list_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.wait` goes through all of them in one callback: 0.17 s for 50,000 calls of one resolver."""
    monkeypatch.setattr("graphql_schema.execution.many_calls.asyncio.wait", lambda *_, **__: pytest.fail("wait"))

    async def call(number: int) -> int:
        return number

    assert await gathered(OperationBudget(), [partial(call, n) for n in range(9)], "field") == [*range(9)]
