"""Sorting in parts: the order is that of one call, and no step sorts more than a part."""

from random import Random

import pytest

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.turns import sorted_parts
from graphql_schema.ports.turns.sorted_parts import PART, sorted_in_parts, sorted_in_runs


@pytest.mark.parametrize("count", [0, 1, PART, PART + 1, 3 * PART + 7])
def test_the_order_is_that_of_one_call(count: int) -> None:
    """Items with equal keys keep their order, within a part and over several."""
    random = Random(f"{count} items")
    items = [(str(random.randrange(50)), number) for number in range(count)]
    assert run_at_once(sorted_in_parts(items, lambda item: item[0])) == sorted(items, key=lambda item: item[0])


def test_each_step_examines_one_part() -> None:
    """Between two pauses, at most the keys of one part are compared, or those of the first items of all parts."""
    keys: list[str] = []

    def key(item: str) -> str:
        keys.append(item)
        return item

    steps, sizes = sorted_in_parts([str(number) for number in range(10 * PART)], key), list[int]()
    for _ in steps:
        sizes.append(len(keys))
        keys.clear()
    assert max(sizes) == PART
    assert len(sizes) == 10 + 10 * PART


@pytest.mark.parametrize("count", [0, PART, 7 * PART + 3])
def test_runs_are_merged_in_order(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """No single call sorts more than a part: it would hold all threads, for 0.1 s with 50,000 keys of edges."""
    sizes = list[int]()

    def counted(items: list[tuple[str, int]], **_: object) -> list[tuple[str, int]]:
        sizes.append(len(items))
        return sorted(items)

    monkeypatch.setattr(sorted_parts, "sorted", counted, raising=False)
    keys = {("ab"[number % 2], number * 7919 % 10_007) for number in range(count)}
    assert sorted_in_runs(keys) == sorted(keys)
    assert max(sizes, default=0) <= PART
