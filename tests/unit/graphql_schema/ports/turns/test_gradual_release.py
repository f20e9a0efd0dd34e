"""What a large operation has read: it is freed a little at a time, and nothing of it that others refer to changes."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from support.estates.plain_rows import plain_row
from support.waiting import until

from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.ports.turns import gradual_release
from graphql_schema.ports.turns.gradual_release import AT_ONCE, GradualRelease

COUNT = 5_000
VALUES = 50
Monkey = pytest.MonkeyPatch


class Freed:
    """Counts the rows that were freed in ``total``."""

    def __init__(self) -> None:
        self.total = 0
        freed = self

        class Counted(Row):
            def __del__(self) -> None:
                freed.total += 1

        self._counted = Counted

    def row(self, number: int) -> Row:
        """Return a row that is counted when it is freed."""
        row = plain_row("DATASET", f"d{number}")
        return self._counted(number, row.record, row.access)


@pytest.fixture
def freed(monkeypatch: Monkey) -> Iterator[Freed]:
    """Let each callback free as few objects as it can, and no garbage collection free any."""
    monkeypatch.setattr(gradual_release, "PART_SECONDS", 0.0)
    monkeypatch.setattr(gradual_release, "REST_SECONDS", 0.0)
    gc.disable()
    yield Freed()
    gc.enable()


def _page(rows: list[Row]) -> tuple[PageItem, ...]:
    return tuple(PageItem(row, (number,)) for number, row in enumerate(rows))


def _records(rows: list[Row]) -> dict[int, object]:
    """Return records with many values each."""
    parts = range(0, COUNT, VALUES)
    return {number: {"id": "d", "columns": tuple(rows[number : number + VALUES])} for number in parts}


SHAPES: dict[str, Callable[[list[Row]], object]] = {
    "list": lambda rows: rows,
    "dictionary": lambda rows: SimpleNamespace(known=dict(enumerate(rows))),
    "edges of one vertex": lambda rows: {1: [(row.vid, row) for row in rows]},
    "edges of many vertices": lambda rows: {number: [(1, row)] for number, row in enumerate(rows)},
    "pages of many lists": lambda rows: {number: _page(rows[number::COUNT]) for number in range(COUNT)},
    "members of many vertices": lambda rows: {number: (number, (0, rows[number::100])) for number in range(100)},
    "one long page of many": lambda rows: {number: _page(rows if number == 9 else []) for number in range(COUNT)},
}


@pytest.mark.parametrize("shape", [*SHAPES.values(), _records], ids=[*SHAPES, "records with many values"])
async def test_no_callback_frees_much(freed: Freed, shape: Callable[[list[Row]], object]) -> None:
    """Also if all is behind one object, in one container, or in one of very many."""
    kept = [shape([freed.row(number) for number in range(COUNT)])]
    release = GradualRelease()
    release.free(kept)
    assert freed.total == 0
    at_once = []
    while not release.is_done:
        before = freed.total
        await asyncio.sleep(0)
        at_once.append(freed.total - before)
    assert freed.total == COUNT
    assert max(at_once) <= (VALUES if shape is _records else 2) * AT_ONCE
    assert not kept


async def test_an_operation_waits_for_few_parts(freed: Freed, monkeypatch: Monkey) -> None:
    """Freeing rests between two parts; once, an operation of 50 iterations of the loop waited for 50 of them."""
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: 100.0)
    release = GradualRelease()
    release.free([[freed.row(number) for number in range(COUNT)]])
    await until(lambda: freed.total > 0)
    before = freed.total
    for _ in range(40):
        await asyncio.sleep(0)
    assert freed.total - before <= 2 * 2 * AT_ONCE
    await until(lambda: release.is_done)
    assert freed.total == COUNT


async def test_a_new_operation_continues_beside_what_is_freed(monkeypatch: Monkey) -> None:
    """It needs 8 ms, and has them within 60 beside eight long ones; if freeing took complete turns, it needed 147."""
    now, taken, done = 100.0, 0.0, asyncio.Event()
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.time.perf_counter", lambda: now)
    monkeypatch.setattr(gradual_release, "REST_SECONDS", 0.0)

    def free_some(_objects: list[object], _count: int) -> bool:
        nonlocal now
        now += 0.0001
        return done.is_set()

    async def long() -> None:
        nonlocal now
        budget = OperationBudget(pauses=1_000)
        while not done.is_set():
            now += 0.001
            await budget.pause()

    async def new() -> None:
        nonlocal now, taken
        await until(lambda: now > 100.1)
        budget, began = OperationBudget(), now
        for _ in range(8):
            now += 0.001
            await budget.pause()
        taken = now - began
        done.set()

    monkeypatch.setattr(gradual_release, "_freed", free_some)
    release = GradualRelease()
    for _ in range(5):
        release.free([])
    await asyncio.gather(*(long() for _ in range(8)), new())
    await until(lambda: release.is_done)
    assert taken < 0.06


async def test_what_others_refer_to_is_left_as_it_is(freed: Freed) -> None:
    """An entry of the graph cache is shared by operations; the walk of one that still runs is its own, too."""
    cached: dict[str, Any] = {"edges": [(number, freed.row(number)) for number in range(COUNT)]}
    before = [*cached["edges"]]
    own = SimpleNamespace(edges=cached["edges"], row=freed.row(0))
    release = GradualRelease()
    release.free([own, cached])
    del own
    await until(lambda: release.is_done)
    assert cached["edges"] == before
    assert freed.total == 1


async def test_operations_are_freed_one_after_the_other(freed: Freed) -> None:
    """Many that end at once free no more in a callback than one does."""
    release = GradualRelease()
    for _ in range(5):
        release.free([[freed.row(number) for number in range(COUNT // 5)]])
    at_once = []
    while not release.is_done:
        before = freed.total
        await asyncio.sleep(0)
        at_once.append(freed.total - before)
    assert freed.total == COUNT
    assert max(at_once) <= 2 * AT_ONCE


async def test_an_object_that_cannot_be_taken_apart_keeps_no_others(freed: Freed) -> None:
    """The error is reported by the loop, and what was given before and after is freed."""

    class Broken(dict[int, int]):
        def popitem(self) -> tuple[int, int]:
            raise TypeError

    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))
    release = GradualRelease()
    release.free([[freed.row(1)], Broken({number: number for number in range(2 * AT_ONCE)}), [freed.row(2)]])
    release.free([[freed.row(3)]])
    await until(lambda: release.is_done)
    assert freed.total == 3
    assert [type(error) for error in errors] == [TypeError]


async def test_a_response_is_freed_a_little_at_a_time(freed: Freed) -> None:
    """Whatever its shape: a mapping with texts as keys may lead to all of it. What others refer to stays as it is."""
    release, kept = GradualRelease(), {"shared": [1, 2]}

    class Leaf(dict[str, Any]):
        def __del__(self) -> None:
            freed.total += 1

    lists = [[{"deep": Leaf(), "shared": kept} for _ in range(100)] for _ in range(20)]
    data: dict[str, Any] = {f"a{number}": {"nodes": nodes} for number, nodes in enumerate(lists)}
    del lists
    release.free_response(data)
    del data
    counts = list[int]()
    while not release.is_done:
        counts.append(freed.total)
        await asyncio.sleep(0)
    assert freed.total == 20 * 100
    assert max(after - before for before, after in pairwise(counts)) <= AT_ONCE
    assert kept == {"shared": [1, 2]}
