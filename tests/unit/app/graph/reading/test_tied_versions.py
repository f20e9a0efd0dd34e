"""Versions are put in order only as far as they can be on a page, and equal the page of a plain sort of all."""

from random import Random
from threading import get_ident
from typing import Any, cast

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.estates.plain_rows import plain_row
from support.estates.wide_lineage import noted_threads

from app.graph.reading import tied_versions
from app.graph.reading.relation_items import DATED, UNDATED
from app.graph.reading.tied_versions import Successors, _ties, in_order, ordered
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.execution.side_thread import run_aside, run_at_once
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Position
from graphql_schema.ports.relation_query import PageRequest, newest_first, slice_page
from graphql_schema.ports.row import PageItem
from graphql_schema.rules import version_order

VERSIONS = newest_first(VERSION_OF.into("ModelVersion"))
Pair = tuple[str, str]
"""The URNs of an older and a newer version."""

NAMES = [str(number) for number in range(12)]


class Rows:
    """The rows of an operation, of which only the budget is used."""

    def __init__(self) -> None:
        self.budget = OperationBudget()


def listed(times: dict[str, int | None]) -> list[PageItem]:
    """Return the items of versions with some times, None for a hidden one, as `relation_items` does."""
    items = []
    for name, time in times.items():
        row = plain_row("MODEL_VERSION", "m", version=name)
        place = (UNDATED, 0) if time is None else (DATED, -time)
        items.append(PageItem(row, (*place, 0, row.urn)))
    return sorted(items, key=lambda item: item.position)


def successors_first(urns: list[str], precedes: list[Pair]) -> list[str]:
    """Return the versions of one time: successors first, else by number; by number alone in a circle."""
    number = {urn: -int(urn.rpartition("@")[2]) for urn in urns}
    known: nx.DiGraph[str] = nx.DiGraph()
    known.add_nodes_from(urns)
    known.add_edges_from((newer, older) for older, newer in precedes if {older, newer} <= number.keys())
    try:
        return [*nx.lexicographical_topological_sort(known, key=number.__getitem__)]
    except nx.NetworkXUnfeasible:
        return sorted(urns, key=number.__getitem__)


def all_in_order(times: dict[str, int | None], precedes: list[Pair]) -> list[tuple[Position, str]]:
    """Return the position and the URN of every version: hidden times last by URN, others by time, then by the rule."""
    by_time: dict[int, list[str]] = {}
    undated = []
    for name, time in times.items():
        urn = plain_row("MODEL_VERSION", "m", version=name).urn
        if time is None:
            undated.append(urn)
        else:
            by_time.setdefault(time, []).append(urn)
    found: list[tuple[Position, str]] = []
    for time, urns in sorted(by_time.items(), reverse=True):
        tied = successors_first(urns, precedes)
        found += [((DATED, -time, rank, urn), urn) for rank, urn in enumerate(tied)]
    return [*found, *(((UNDATED, 0, 0, urn), urn) for urn in sorted(undated))]


async def page_of(
    monkeypatch: pytest.MonkeyPatch, times: dict[str, int | None], precedes: list[Pair], page: PageRequest
) -> tuple[list[str], bool, int | None]:
    """Return the URNs of a page, whether more follow, and the total."""

    async def read(_rows: Any, ties: list[PageItem]) -> Successors:
        tied, found = {item.row.urn for item in ties}, dict[str, list[PageItem]]()
        for older, newer in precedes:
            if older in tied:
                found.setdefault(older, []).extend(listed({newer.rpartition("@")[2]: None}))
        return found

    monkeypatch.setattr(tied_versions, "_successors", read)
    (found,) = await ordered(cast("VisibleRows", Rows()), VERSIONS, page, [listed(times)])
    cut = slice_page(found.items, found.page)
    return [item.row.urn for item in cut.items], cut.has_next, cut.total


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(1, 3)),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=6),
    st.none() | st.integers(0, 13),
    st.none() | st.integers(0, 11),
    st.booleans(),
)
async def test_each_page_equals_that_of_a_plain_sort(
    times: dict[str, int | None],
    links: list[tuple[str, str]],
    first: int | None,
    last: int | None,
    is_gone: bool,  # noqa: FBT001 - a parameter
) -> None:
    """For random times, successors and pages, also after a version that was deleted, items and counts are equal."""
    urns = {name: plain_row("MODEL_VERSION", "m", version=name).urn for name in NAMES}
    precedes = [(urns[older], urns[newer]) for older, newer in links]
    gone = [*times][last] if is_gone and last is not None and last < len(times) else None
    precedes = [pair for pair in precedes if gone is None or urns[gone] not in pair]
    everything = all_in_order(times, precedes)
    after = everything[last][0] if last is not None and last < len(everything) else None
    if gone is not None:
        after = next(position for position, urn in everything if urn == urns[gone])
        everything = [each for each in everything if each[1] != urns[gone]]
        times = {name: time for name, time in times.items() if name != gone}
    rest = [urn for position, urn in everything if after is None or position > after]
    with pytest.MonkeyPatch.context() as patch:
        found = await page_of(patch, times, precedes, PageRequest(first, after, total=True))
    shown = rest if first is None else rest[:first]
    assert found == (shown, len(rest) > len(shown), len(times))


@pytest.mark.parametrize("hidden", [0, 1_000])
@pytest.mark.parametrize(("first", "ties"), [(0, 0), (1, 2), (2, 2), (3, 4), (20, 20)])
async def test_only_ties_that_can_be_on_the_page_are_compared(
    monkeypatch: pytest.MonkeyPatch, hidden: int, first: int, ties: int
) -> None:
    """Of three thousand versions in pairs of one time, and of those that hide it, the names of a page are compared."""
    named: list[str] = []

    def key_of(urn: str) -> version_order.NameKey:
        named.append(urn)
        return version_order.name_key(urn.rpartition("@")[2])

    monkeypatch.setattr(version_order, "_key_of", key_of)
    times: dict[str, int | None] = {str(number): 1 + number // 2 for number in range(3_000)}
    times |= dict.fromkeys(f"h{number}" for number in range(hidden))
    shown, has_next, count = await page_of(monkeypatch, times, [], PageRequest(first, total=True))
    assert (len(shown), has_next, count) == (first, True, 3_000 + hidden)
    assert len(named) == ties


async def test_versions_of_many_times_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """All versions of distinct times, and all that hide theirs, are listed without a look at a name."""
    monkeypatch.setattr(version_order, "_key_of", None)
    times: dict[str, int | None] = {str(number): number + 1 for number in range(500)}
    times |= dict.fromkeys(f"h{number}" for number in range(500))
    shown, *_ = await page_of(monkeypatch, times, [], PageRequest())
    assert shown == [item.row.urn for item in listed(times)]


@pytest.mark.parametrize(("characters", "is_aside"), [(1, False), (400, True)])
async def test_versions_with_long_ids_are_put_in_order_in_the_side_thread(
    monkeypatch: pytest.MonkeyPatch, characters: int, *, is_aside: bool
) -> None:
    """The time of an order grows with the characters of ids: a hundred versions with long ones are many."""
    threads = noted_threads(monkeypatch, version_order, "name_key")
    times: dict[str, int | None] = dict.fromkeys((f"{number}".zfill(characters) for number in range(100)), 1)
    await page_of(monkeypatch, times, [], PageRequest())
    assert {thread for _, thread in threads} == {await run_aside(get_ident) if is_aside else get_ident()}


async def test_many_successors_are_put_in_order_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred versions have thousands of successors, so they are many, also if most have another time."""
    urns = [plain_row("MODEL_VERSION", "m", version=str(number)).urn for number in range(100)]
    precedes = [(older, newer) for older in urns for newer in urns[:30] if older not in urns[:30]]
    times: dict[str, int | None] = {str(number): 1 + number // 2 for number in range(100)}
    for pairs, thread in ((precedes[:100], get_ident()), (precedes, await run_aside(get_ident))):
        with monkeypatch.context() as patch:
            threads = noted_threads(patch, version_order, "name_key")
            await page_of(patch, times, pairs, PageRequest())
        assert {each for _, each in threads} == {thread}


def test_the_successors_of_each_version_are_looked_at_once() -> None:
    """Two hundred versions in pairs of one time: the successors of all are not examined again for each pair."""
    examined: list[str] = []

    class Noted(dict[str, list[PageItem]]):
        def __getitem__(self, urn: str) -> list[PageItem]:
            examined.append(urn)
            return super().__getitem__(urn)

    items = listed({str(number): 1 + number // 2 for number in range(200)})
    successors = Noted({item.row.urn: items[:10] for item in items})
    run_at_once(in_order(items, (0, 200), PageRequest(), successors))
    assert sorted(examined) == sorted(successors)


def test_others_have_turns_between_the_versions_of_one_time() -> None:
    """A pause follows each of a thousand versions in all passes over them: ties, groups, ids, keys, names, places."""
    items = listed(dict.fromkeys(map(str, range(1_000)), 1))
    assert sum(1 for _ in _ties([items], [(0, 1_000)])) >= 1_000
    assert sum(1 for _ in in_order(items, (0, 1_000), PageRequest(), {})) >= 5_000


def test_many_versions_of_one_time_are_put_in_order_in_steps() -> None:
    """Two thousand names are in their natural order, and successors before them, with a pause for each."""
    names = [str(number) for number in range(2_000)]
    urns = {name: f"mlg://model-version/test/default/m@{name}" for name in Random(1).sample(names, len(names))}
    steps = version_order.newest_first(urns.values(), {urns["1999"]: [urns["0"]]})
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found = end.value
            break
        pauses += 1
    assert found == [urns[name] for name in [*map(str, range(1998, -1, -1)), "1999"]]
    assert pauses > 2 * len(names)
