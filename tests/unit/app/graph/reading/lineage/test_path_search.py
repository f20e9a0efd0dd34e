"""A search of paths examines the members of large asset groups in turns, and counts them."""

from collections.abc import Sequence
from threading import get_ident
from typing import Any, cast

import pytest
from support.estates.plain_rows import PlainAccess, plain_row
from support.estates.wide_lineage import noted_threads
from support.unpaused_calls import UnpausedCalls

from app.graph.reading.lineage.expander import EdgeSelection, Expander, Expansion, MemberEdges, Vertex
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.path_search import PathSearchState
from app.graph.reading.lineage.walk_budget import EDGES, STEPS, Budget, WalkLimits
from app.graph.reading.lineage.walk_session import WalkSession
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.lineage_query import LONG_LINEAGE, LONG_PAST, PathQuery
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import MaskedRecord, Row
from policies.errors import CodedError, LimitError
from policies.installation.disclosure import Disclosure

MODEL = plain_row("MODEL", "m", vid=1, createdAt=0)
VERSIONS = {vid: plain_row("MODEL_VERSION", "m", vid=vid, version=f"{vid}", createdAt=0) for vid in range(10, 2_010)}
GROUP = Expansion(MemberEdges(MODEL.vid, ()), [MemberEdges(vid, (), {"relation": "VERSION_OF"}) for vid in VERSIONS])
"""A model with two thousand versions, none of which has lineage."""


class Rows:
    """The rows of an operation: those of ``shown`` are visible."""

    def __init__(self, shown: dict[int, Row]) -> None:
        self.budget = OperationBudget()
        self.shown = shown

    def known(self, vid: int) -> Row | None:
        """See VisibleRows."""
        return self.shown.get(vid)

    def hidden_times(self, vid: int) -> Record | None:
        """See VisibleRows."""
        return None if vid in self.shown else VERSIONS[vid].record


class Groups:
    """Expands each vertex to the same group."""

    async def expand(self, _selection: EdgeSelection, vertices: Sequence[Vertex]) -> list[Expansion]:
        """See Expander."""
        return [GROUP for _ in vertices]


def state(shown: dict[int, Row], budget: Budget) -> PathSearchState:
    """Return a search before its first level."""
    rows = cast("VisibleRows", Rows(shown))
    session = WalkSession(
        rows,
        rows_by_id=cast("Any", None),
        expander=cast("Expander", Groups()),
        evidence=cast("Any", None),
        budget=budget,
        disclosure=Disclosure.NONE,
        shared=cast("Any", None),
    )
    return PathSearchState(session, PathQuery("a", "b", 1, 1), LineageVisibility(rows, ReadTime(1)))


@pytest.mark.parametrize("shown", [VERSIONS, {}], ids=["visible", "hidden"])
async def test_members_without_edges_are_examined_in_turns(
    shown: dict[int, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members of a group that a free step joins are reached, and each may end a turn, also a hidden one."""
    calls = UnpausedCalls(monkeypatch)
    calls.observe(LineageVisibility, "group_member")
    search = state(shown, Budget())
    side = search.side(MODEL, Direction.OUT)
    await search.read(side)
    assert side.met == {MODEL.vid, *shown}
    assert calls.longest == 1


async def test_the_edges_of_a_level_are_followed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each vertex may end a turn: twenty searches of one query followed 2,000 edges each in every iteration."""
    monkeypatch.setattr(LineageVisibility, "along", lambda *_: None)
    calls = UnpausedCalls(monkeypatch)
    calls.observe(LineageVisibility, "along")
    search = state({}, Budget())
    rows = [*VERSIONS.values()][:50]
    edges: list[tuple[int, Record]] = [(vid, {"relation": "DERIVES"}) for vid in (1, 2, 3)]
    await search.advance(
        search.side(MODEL, Direction.OUT), rows, [Expansion(MemberEdges(row.vid, edges)) for row in rows]
    )
    assert calls.longest == len(edges)


@pytest.mark.parametrize(("limit", "ended"), [(len(VERSIONS), []), (len(VERSIONS) - 1, [EDGES])])
async def test_members_count(limit: int, ended: list[str]) -> None:
    """Many searches cannot examine the members of large groups again and again."""
    search = state(VERSIONS, Budget(WalkLimits(members=limit)))
    await search.read(search.side(MODEL, Direction.OUT))
    assert search.ended == ended


class Account:
    """Charges all bytes, and notes how many at each time."""

    def __init__(self) -> None:
        self.charged = [0]

    def charge(self, size: int, *, writes: bool) -> CodedError | None:
        """See MemoryAccount."""
        assert not writes
        self.charged.append(self.charged[-1] + size)
        return None

    def release(self, size: int) -> None:
        """See MemoryAccount."""
        self.charged.append(self.charged[-1] - size)

    def clear(self) -> None:
        """See MemoryAccount."""

    def close(self) -> None:
        """See MemoryAccount."""

    def further(self) -> "Account":
        """See MemoryAccount."""
        return Account()


def cyclic(limits: UsageLimits, account: Account) -> tuple[PathSearchState, int, int]:
    """Return a search in a graph with more paths than may be tried, with the ends of the one path to be found.

    Each of the others visits a vertex twice.
    """
    search = state(VERSIONS, Budget(WalkLimits(steps=50_000)))
    search.session.rows.budget = OperationBudget(limits, memory=account)
    source, target, *others = VERSIONS.values()
    others = others[:40]
    edge = MaskedRecord("LineageEdge", "", {"relation": "DERIVES"}, PlainAccess())
    for near in (source, *others):
        for far in (source, *others):
            search.known.join(near, far, edge)
    search.known.join(source, target, edge)
    return search, source.vid, target.vid


async def test_the_memory_of_a_search_counts_until_it_ends() -> None:
    """An operation, and its caller, is charged for the paths that are extended, while others run; no longer then."""
    account = Account()
    search, source, target = cyclic(UsageLimits(), account)
    paths = await search.shortest((source, target), 5, 50)
    assert (len(paths), search.ended) == (1, [STEPS])
    assert max(account.charged) > 100_000
    assert (account.charged[-1], search.session.rows.budget.stored) == (0, 0)


async def test_a_search_ends_when_its_operation_has_too_much_memory() -> None:
    """The operation ends with it, and the search is charged no longer."""
    account = Account()
    search, source, target = cyclic(UsageLimits(stored=100_000), account)
    with pytest.raises(LimitError, match="stored"):
        await search.shortest((source, target), 5, 50)
    assert search.session.rows.budget.ended
    assert account.charged[-1] == 0


@pytest.mark.parametrize(("past", "count"), [(True, LONG_PAST), (False, LONG_LINEAGE)])
async def test_many_edges_of_a_hidden_member_are_examined_aside(
    monkeypatch: pytest.MonkeyPatch, *, past: bool, count: int
) -> None:
    """A hidden member may have 40,000 ended edges, which held the event loop for 0.05 s; few are examined at once."""
    noted = noted_threads(monkeypatch, LineageVisibility, "group_member")
    for more in (0, 1):
        noted.clear()
        search = state({}, Budget())
        search.visibility.instant = ReadTime(1, past=past)
        edges = [(1, {"relation": "DERIVES", "validFrom": 0})] * (count + more)
        group = Expansion(MemberEdges(MODEL.vid, ()), [MemberEdges(10, edges, {"relation": "VERSION_OF"})])
        await search.advance(search.side(MODEL, Direction.OUT), [MODEL], [group])
        assert {thread for _, thread in noted} == {await run_aside(get_ident) if more else get_ident()}


async def test_the_shown_edges_of_a_member_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of versions may have one parent that hides its upstream edges."""
    noted, search = noted_threads(monkeypatch, PathSearchState, "_shown_edges"), state(VERSIONS, Budget())
    member = MemberEdges(MODEL.vid, [(10, {"relation": "DERIVES"}), (1, {"relation": "DERIVES"})])
    first = await search._shown_by_sources(member)  # noqa: SLF001 - the shipped labels hide both directions together
    assert [vid for vid, _ in first.edges] == [10]
    noted.clear()
    assert (await search._shown_by_sources(member)).edges is first.edges  # noqa: SLF001
    assert not noted
