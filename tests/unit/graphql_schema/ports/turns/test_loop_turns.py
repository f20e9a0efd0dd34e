"""Turns of the event loop: who continues, and when."""

import asyncio
from collections import deque
from heapq import heappop

import pytest

from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns.loop_turns import TURN_SECONDS, TURNS, Turns


async def test_a_short_operation_passes_between_two_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """While an operation waits 40 times for nothing, a long one has two turns at most."""
    now, turns, begun, done = 0.0, 0, asyncio.Event(), asyncio.Event()
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: now)

    async def long() -> None:
        nonlocal now, turns
        budget = OperationBudget()
        while not done.is_set():
            now += TURN_SECONDS * 2
            turns += 1
            if turns == 3:
                begun.set()
            await budget.pause()

    async def short() -> int:
        await begun.wait()
        before = turns
        for _ in range(40):
            await asyncio.sleep(0)
        done.set()
        return turns - before

    _, between = await asyncio.gather(long(), short())
    assert between <= 2


async def test_an_operation_of_many_pauses_has_turns_beside_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside four callers who begin one operation after the other, an old one has an eighth of the turns or more."""
    now, turns, done = 0.0, 0, asyncio.Event()
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: now)

    async def old() -> None:
        nonlocal now
        budget = OperationBudget(pauses=1_000)
        for _ in range(20):
            now += TURN_SECONDS * 2
            await budget.pause()
        done.set()

    async def new() -> None:
        nonlocal now, turns
        while not done.is_set() and turns < 2_000:
            budget = OperationBudget()
            for _ in range(5):
                now += TURN_SECONDS * 2
                turns += 1
                await budget.pause()

    await asyncio.gather(old(), *(new() for _ in range(4)))
    assert turns <= 20 * 8
    assert not TURNS._waiting and not TURNS._by_operation  # noqa: SLF001, PT018 - nothing is left behind


@pytest.mark.parametrize(("pauses", "is_over"), [(0, False), (100, True)])
async def test_an_operation_of_many_pauses_has_short_turns(
    monkeypatch: pytest.MonkeyPatch, pauses: int, *, is_over: bool
) -> None:
    """A long operation ends its turn after a third of the time, and a new one uses all of it; so does the next turn."""
    now = 100.0
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: now)
    TURNS.is_over()
    now += TURN_SECONDS * 2
    await OperationBudget(pauses=pauses).pause()
    now += TURN_SECONDS * 0.4
    assert TURNS.is_over() == is_over
    await asyncio.sleep(0)
    assert not TURNS.is_over()
    now += TURN_SECONDS * 0.6
    assert not TURNS.is_over()


async def test_some_of_many_tasks_always_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if each turn is over once it is used, as in iterations with much other work, each release ends a wait."""
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.TURN_SECONDS", -1.0)
    budget = OperationBudget()
    tasks = [asyncio.create_task(budget.pause()) for _ in range(40)]
    for _ in range(4_000):
        await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [True] * 40


async def test_a_release_costs_the_same_for_many_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four operations of 300 tasks each: no release moves more than some entries, and every one lets tasks continue."""
    now, moved, continued = 0.0, 0, 0
    moves: list[int] = []
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: now)
    release = TURNS._release  # noqa: SLF001 - what is observed

    class Counted(deque[object]):
        """A queue whose moved entries count."""

        def popleft(self) -> object:
            """Count the first entry, and return it."""
            nonlocal moved
            moved += 1
            return super().popleft()

    def observed(_turns: object) -> None:
        nonlocal moved
        before, moved = continued, 0
        release()
        moves.append(moved)
        assert continued == before

    def popped(heap: list[tuple[int, int, object]]) -> tuple[int, int, object]:
        nonlocal moved
        moved += 1
        return heappop(heap)

    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.deque", Counted)
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.heappop", popped)
    monkeypatch.setattr(Turns, "_release", observed)

    async def task(budget: OperationBudget) -> None:
        nonlocal now, continued
        await budget.pause()
        continued += 1
        now += TURN_SECONDS / 4

    async def operation() -> None:
        budget = OperationBudget()
        await asyncio.gather(*(task(budget) for _ in range(300)))

    TURNS.is_over()
    now += TURN_SECONDS * 2
    await asyncio.gather(*(operation() for _ in range(4)))
    assert continued == 1_200
    assert max(moves) <= 300
    assert sum(moves) <= 10 * 1_200  # eight are released, and two have the time to go on
    assert not TURNS._waiting and not TURNS._by_operation  # noqa: SLF001, PT018 - nothing is left behind
