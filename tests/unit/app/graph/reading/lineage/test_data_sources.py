"""Parents of the data upstream; what contamination follows from it is proven with a store."""

from collections.abc import Sequence
from threading import get_ident
from typing import Any, cast

import pytest
from support.estates.plain_rows import plain_row
from support.estates.wide_lineage import noted_threads

from app.graph.reading.lineage.data_sources import data_sources
from app.graph.reading.lineage.expander import Expansion, MemberEdges
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.walk_budget import Budget
from app.graph.reading.lineage.walk_session import WalkSession
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.lineage_query import LONG_LINEAGE
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import Row
from graphql_schema.ports.shared_results import SharedResults
from policies.installation.disclosure import Disclosure

FEATURE = plain_row("FEATURE", "f", vid=1, createdAt=0)
SETS = {vid: plain_row("FEATURE_SET", f"s{vid}", vid=vid, createdAt=0) for vid in range(10, 20 + LONG_LINEAGE)}


class Rows:
    """The rows of an operation, all of them visible."""

    def __init__(self) -> None:
        self.budget = OperationBudget()

    def known(self, vid: int) -> Row | None:
        """See VisibleRows."""
        return FEATURE if vid == FEATURE.vid else SETS[vid]


class Expander:
    """Reads the feature as a member of so many sets."""

    def __init__(self, count: int) -> None:
        link = {"relation": "FEATURE_OF", "origin": "DECLARED", "validFrom": 0}
        self.others = [MemberEdges(vid, [], link) for vid in [*SETS][:count]]

    async def expand(self, _selection: object, vertices: Sequence[object]) -> list[Expansion]:
        """See Expander."""
        return [Expansion(MemberEdges(FEATURE.vid, []), self.others) for _ in vertices]


@pytest.mark.parametrize("count", [LONG_LINEAGE, LONG_LINEAGE + 1])
async def test_many_parents_are_found_aside(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """A feature may be in hundreds of sets, whose links took 60 ms of the event loop; few are examined at once."""
    rows, reads = cast("VisibleRows", Rows()), cast("Any", None)
    monkeypatch.setattr(WalkSession, "visibility", lambda self: LineageVisibility(self.rows, ReadTime(1)))
    expander = cast("Any", Expander(count))
    session = WalkSession(rows, reads, expander, reads, Budget(), Disclosure.NONE, SharedResults())
    noted = noted_threads(monkeypatch, LineageVisibility, "parent")
    found = await data_sources(session, FEATURE, ())
    assert {*found.sources.paths} == {FEATURE.urn, *(SETS[each.vid].urn for each in expander.others)}
    assert {thread for _, thread in noted} == {await run_aside(get_ident) if count > LONG_LINEAGE else get_ident()}
