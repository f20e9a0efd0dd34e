"""The write lock: how often its holder continues beside queries, and that nothing keeps its precedence."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import Context

import pytest

from app.graph.commits.turns.write_lock import WriteLock
from app.graph.commits.write_coordinator import WriteCoordinator
from graphql_schema.execution.side_thread import CALLER, run_aside
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns.loop_turns import TURN_SECONDS, TURNS
from graphql_schema.ports.turns.precedence import has_precedence


class Loop:
    """The turns of tasks that take one turn after the other; its clock moves by their work alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = 0
        self.readers: list[asyncio.Task[None]] = []

    async def work(self, budget: OperationBudget, turns: float = 2) -> None:
        """Work for some turns, then pause."""
        self.now += TURN_SECONDS * turns
        await budget.pause()

    async def query(self) -> None:
        """Execute heavy queries of one caller, one after the other."""
        while True:
            budget = OperationBudget()
            for _ in range(20):
                self.turns += 1
                await self.work(budget)

    async def begin_queries(self, count: int) -> None:
        """Let some callers execute heavy queries, until each has had a turn."""
        self.readers = [asyncio.create_task(self.query()) for _ in range(count)]
        await self.until(count)

    async def until(self, turns: int) -> None:
        """Let the queries run until they have had so many turns."""
        while self.turns < turns:  # noqa: ASYNC110 - each iteration of the event loop counts
            await asyncio.sleep(0)

    async def end_queries(self) -> None:
        """End all queries; then nothing of them waits for a turn."""
        for reader in self.readers:
            reader.cancel()
        await asyncio.gather(*self.readers, return_exceptions=True)
        for _ in range(1_000):
            await asyncio.sleep(0)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    """Return a loop whose clock the tests move."""
    made = Loop()
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: made.now)
    yield made
    assert not TURNS._waiting and not TURNS._preceding  # noqa: SLF001, PT018 - nothing is left behind


@pytest.mark.parametrize("readers", [1, 5, 40])
@pytest.mark.parametrize("pauses", [0, 100])
async def test_the_holder_has_every_second_turn(loop: Loop, readers: int, pauses: int) -> None:
    """Each of its turns waits for one turn of the queries, however many there are; these have the other half."""
    budget = OperationBudget(pauses=pauses)
    await loop.begin_queries(readers)
    before = loop.turns
    async with WriteCoordinator().lock:
        for _ in range(30):
            await loop.work(budget)
    taken = loop.turns - before
    await loop.end_queries()
    assert 29 <= taken <= 31


async def test_tasks_of_the_holder_share_its_turns(loop: Loop) -> None:
    """Of 100 short tasks that it gathers, several continue in each of its turns; the queries have as many turns."""
    budget, ended = OperationBudget(), list[int]()

    async def part(number: int) -> None:
        await loop.work(budget, 0.3)
        ended.append(number)

    await loop.begin_queries(20)
    before = loop.turns
    async with WriteLock():
        await loop.work(budget)
        await asyncio.gather(*(part(number) for number in range(100)))
    taken = loop.turns - before
    await loop.end_queries()
    assert sorted(ended) == [*range(100)]
    assert taken <= 40


async def test_a_holder_continues_beside_work_that_does_not_wait(loop: Loop) -> None:
    """Also if new operations use each iteration of the loop, it has turns of its own, of several items each."""
    budget, has_ended, iterations = OperationBudget(), False, 0

    async def operations() -> None:
        nonlocal iterations
        while not has_ended and iterations < 10_000:
            iterations += 1
            if not TURNS.is_over():
                loop.now += TURN_SECONDS * 2
            await asyncio.sleep(0)

    others = [asyncio.create_task(operations()) for _ in range(3)]
    await asyncio.sleep(0)
    waits = 0
    async with WriteLock():
        for _ in range(40):
            waits += TURNS.is_over()
            await loop.work(budget, 0.25)
    has_ended = True
    await asyncio.gather(*others)
    assert iterations < 10_000
    assert waits <= 11


@pytest.mark.parametrize("end", ["return", "error", "cancellation"])
async def test_a_task_of_the_holder_keeps_no_precedence(loop: Loop, end: str) -> None:
    """A task that it starts is as any other one after the release, whatever ended the holder."""
    released, found = asyncio.Event(), list[bool]()

    async def background() -> None:
        found.append(has_precedence())
        await released.wait()
        found.append(has_precedence())
        for _ in range(10):
            await loop.work(OperationBudget(pauses=100))

    async def holder() -> asyncio.Task[None]:
        async with lock:
            begun.append(asyncio.create_task(background()))
            await asyncio.sleep(0)
            if end == "error":
                raise ValueError
            if end == "cancellation":
                await asyncio.Event().wait()
        return begun[0]

    lock, begun = WriteLock(), list[asyncio.Task[None]]()
    holding = asyncio.create_task(holder())
    while not begun or not found:  # noqa: ASYNC110 - each turn of the event loop counts
        await asyncio.sleep(0)
    if end == "cancellation":
        holding.cancel()
    await asyncio.wait([holding])
    assert not lock.locked()
    await loop.begin_queries(20)
    before = loop.turns
    released.set()
    await begun[0]
    taken = loop.turns - before
    await loop.end_queries()
    assert found == [True, False]
    assert taken > 40


async def test_only_the_holder_has_precedence() -> None:
    """Neither one that waits for the lock, nor one whose wait was cancelled, nor the former holder."""
    lock = WriteLock()
    found = dict[str, bool]()

    async def waiter(name: str) -> None:
        try:
            async with lock:
                found[f"{name} holds"] = has_precedence()
        finally:
            found[f"{name} after"] = has_precedence()

    async with lock:
        found["first holds"] = has_precedence()
    found["first after"] = has_precedence()
    await lock.acquire()
    second, third = (asyncio.create_task(waiter(name), context=Context()) for name in ("second", "third"))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    lock.release()
    await third
    assert found == {
        "first holds": True,
        "first after": False,
        "second after": False,
        "third holds": True,
        "third after": False,
    }


async def test_a_holder_that_is_cancelled_while_it_waits_leaves_the_turns(loop: Loop) -> None:
    """The next holder has every second turn, and the queries go on."""
    lock = WriteLock()
    await loop.begin_queries(10)

    async def holder() -> None:
        async with lock:
            while True:
                await loop.work(OperationBudget())

    holding = asyncio.create_task(holder())
    await loop.until(loop.turns + 5)
    holding.cancel()
    await asyncio.wait([holding])
    before = loop.turns
    async with lock:
        for _ in range(10):
            await loop.work(OperationBudget())
    taken = loop.turns - before
    await loop.until(loop.turns + 20)
    await loop.end_queries()
    assert 8 <= taken <= 11


async def test_the_holder_is_next_in_the_side_thread_every_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its calls are those of the process, also if it works for a caller; between two of them, another call runs."""
    monkeypatch.setattr("graphql_schema.execution.side_thread.MAX_REST_SECONDS", 0.0)  # calls of no length
    order, begun, ended = list[str](), threading.Event(), threading.Event()

    async def noted(caller: str, name: str) -> None:
        CALLER.set(caller)
        await run_aside(order.append, name)

    async def holder() -> None:
        CALLER.set("ada")
        async with WriteLock(), asyncio.TaskGroup() as own:
            for name in ("h1", "h2", "h3"):
                own.create_task(run_aside(order.append, name))

    def hold() -> None:
        begun.set()
        ended.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(run_aside(hold), context=Context())  # a call of the process
        await asyncio.to_thread(begun.wait)
        for number in range(3):
            group.create_task(noted("ada", f"a{number}"))
            group.create_task(noted("bo", f"b{number}"))
        group.create_task(holder())
        for _ in range(3):
            await asyncio.sleep(0)
        ended.set()
    assert order == ["a0", "h1", "b0", "h2", "a1", "h3", "b1", "a2", "b2"]
