"""What transactions of other processes touched is passed on in parts, with turns of others between them."""

import asyncio

import pytest

from app.graph.driver.foreign_writes import pass_on
from app.graph.records.touched import PART_SIZE, Touched
from graphql_schema.ports.turns import loop_turns


class Watch:
    """Records begins and ends, and counts the iterations of the event loop in which there were ends."""

    def __init__(self) -> None:
        self.begins: list[Touched] = []
        self.ends: list[Touched] = []

    def begun(self, touched: Touched) -> None:
        """Record a begin."""
        self.begins.append(touched)

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Record an end."""
        assert certain
        self.ends.append(touched)


async def test_each_part_ends_in_an_iteration_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """All begin before the call returns. The ends are not due together, which would take 50 ms for 75,000 ends."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 0)
    watch, counts = Watch(), set[int]()
    touched = Touched(frozenset(range(3 * PART_SIZE)), tenants=frozenset({"acme"}))
    await pass_on(touched, [watch], 0)
    assert frozenset[int]().union(*(part.vertices for part in watch.begins)) == touched.vertices
    while len(watch.ends) < len(watch.begins):
        counts.add(len(watch.ends))
        await asyncio.sleep(0)
    assert (watch.ends, counts) == (watch.begins, {0, 1, 2})


async def test_what_has_begun_ends_after_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the cache would keep nothing of these parts again."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 0)
    watch = Watch()
    passing = asyncio.create_task(pass_on(Touched(frozenset(range(3 * PART_SIZE))), [watch], 0))
    while not watch.begins:  # noqa: ASYNC110 - each turn of the event loop counts
        await asyncio.sleep(0)
    passing.cancel()
    await asyncio.wait([passing])
    while len(watch.ends) < len(watch.begins):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    assert watch.ends == watch.begins
    assert len(watch.begins) < 3
