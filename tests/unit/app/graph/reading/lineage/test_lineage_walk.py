"""A walk counts the memory of the edges that it follows: each walk of an operation has its own."""

from typing import Any, cast

import pytest
from support.estates.plain_rows import plain_row

from app.graph.reading.lineage.expander import Expander, Expansion, MemberEdges
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.lineage_walk import EDGE_BYTES, PAST_BYTES, WalkState
from app.graph.reading.lineage.walk_budget import Budget
from app.graph.reading.lineage.walk_session import WalkSession
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.lineage_query import LineageQuery
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.row import Row
from policies.errors import LimitError
from policies.installation.disclosure import Disclosure

ROOT = plain_row("DATASET", "root", vid=1, createdAt=0)
FAR = {vid: plain_row("DATASET", f"d{vid}", vid=vid, createdAt=0) for vid in range(10, 60)}
GROUP = Expansion(
    MemberEdges(ROOT.vid, [(vid, {"relation": "DERIVES", "origin": "DECLARED", "validFrom": 0}) for vid in FAR])
)
NOW, THEN = ReadTime(100), ReadTime(100, past=True)


class Rows:
    """The rows of an operation, all of them visible."""

    def __init__(self, stored: int = 10**9) -> None:
        self.budget = OperationBudget(UsageLimits(stored=stored))

    def known(self, vid: int) -> Row | None:
        """See VisibleRows."""
        return ROOT if vid == ROOT.vid else FAR[vid]


async def walked(rows: Rows, instant: ReadTime) -> WalkState:
    """Return a walk over an operation with these rows after its first level."""
    visible = cast("VisibleRows", rows)
    reads: Any = None
    session = WalkSession(visible, reads, cast("Expander", reads), reads, Budget(), Disclosure.NONE, reads)
    walk = WalkState(session, LineageQuery((ROOT.urn,), Direction.OUT, 2), LineageVisibility(visible, instant), 2)
    walk.begin(ROOT)
    await walk.advance(0, {ROOT.vid: GROUP})
    return walk


@pytest.mark.parametrize(("instant", "size"), [(NOW, EDGE_BYTES), (THEN, EDGE_BYTES + PAST_BYTES)])
async def test_each_walk_of_an_operation_counts_its_edges(instant: ReadTime, size: int) -> None:
    """Thirty aliases with other depths have thirty walks, each with a record of each edge of the past."""
    rows = Rows()
    for number in range(1, 4):
        assert len((await walked(rows, instant)).edges) == len(FAR)
        assert rows.budget.stored == number * size * len(FAR)


async def test_walks_that_take_too_much_memory_end_the_operation() -> None:
    """The error is that of all memory of an operation."""
    rows = Rows(stored=EDGE_BYTES * len(FAR))
    await walked(rows, NOW)
    with pytest.raises(LimitError) as caught:
        await walked(rows, NOW)
    assert caught.value.extensions["limit"] == "stored"
