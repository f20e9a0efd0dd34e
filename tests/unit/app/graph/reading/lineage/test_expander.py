"""A level with too many edges is read again without the versions that are stubs."""

from typing import Any, cast

import pytest

from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.lineage.expander import EdgeSelection, Expander
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.properties import FIRST_REGISTERED
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import LimitError

UPSTREAM = EdgeSelection(Direction.IN, ReadTime(0))
PARENT, CHILD, SET = (1, "Dataset"), (2, "DatasetVersion"), (3, "FeatureSet")


class Rows:
    """The rows of an operation, whose first ``refused`` requests have too many edges."""

    def __init__(self, refused: int) -> None:
        self.budget = OperationBudget()
        self.requests: list[list[dict[str, Any]]] = []
        self.refused = refused

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """See VisibleRows."""
        self.requests.append([dict(hop) for hop in request.hops])
        if len(self.requests) <= self.refused:
            raise LimitError("too many")
        return LevelResponse([{} for _ in request.hops], {}, [])


async def test_versions_that_are_stubs_are_left_out_of_a_large_level() -> None:
    """Only the hop from a parent to its versions changes, and only the expansion of the parent says so."""
    rows = Rows(refused=1)
    found = await Expander(cast("VisibleRows", rows)).expand(UPSTREAM, [PARENT, CHILD, SET])
    assert [each.lacks_stubs for each in found] == [True, False, False]
    first, second = rows.requests
    changed = [(one, other) for one, other in zip(first, second, strict=True) if one != other]
    assert [(one["ls"], one["xs"], one["t"]) for one, _ in changed] == [(["VERSION_OF"], [PARENT[0]], False)]
    assert [(other["t"], other["since"]) for _, other in changed] == [(True, FIRST_REGISTERED)]


async def test_a_level_that_fits_is_read_once_with_all_versions() -> None:
    """No request is repeated, and no stub is left out."""
    rows = Rows(refused=0)
    (found,) = await Expander(cast("VisibleRows", rows)).expand(UPSTREAM, [PARENT])
    assert not found.lacks_stubs
    assert len(rows.requests) == 1


@pytest.mark.parametrize(("vertices", "refused", "sent"), [([CHILD, SET], 1, 1), ([PARENT], 2, 2)])
async def test_a_level_that_is_too_large_without_stubs_is_refused(
    vertices: list[tuple[int, str]], refused: int, sent: int
) -> None:
    """Nothing is read again if the level has no parent of versions, and not a third time if it has one."""
    rows = Rows(refused)
    with pytest.raises(LimitError):
        await Expander(cast("VisibleRows", rows)).expand(UPSTREAM, vertices)
    assert len(rows.requests) == sent
