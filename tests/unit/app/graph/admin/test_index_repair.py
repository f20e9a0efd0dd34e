"""The comparison of vertices with the index: sent in batches, with the counts of all, and refused for other indexes."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from app.graph.admin.index_repair import (
    BATCH,
    CREATE,
    IndexNotComparableError,
    RepairCounts,
    create_absent_index,
    repair,
)
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement


class Store:
    """Counts each vertex as one that belongs in the index; every tenth differs, and the first of a batch still does."""

    def __init__(self, *, elasticsearch: bool = True) -> None:
        self.sizes: list[int] = []
        self.created = 0
        self._elasticsearch = elasticsearch

    async def submit(self, prepared: PreparedStatement, bindings: Mapping[str, Any], **_: object) -> list[Any]:
        """Return the counts of one batch, or whether the index was absent: it was before the first request only."""
        if prepared is CREATE:
            self.created += 1
            return [self.created == 1] if self._elasticsearch else []
        vids = bindings["xs"]
        self.sizes.append(len(vids))
        return [[len(vids), sum(not vid % 10 for vid in vids), 1]] if self._elasticsearch else []


async def test_vertices_are_compared_in_batches() -> None:
    """No request has more than BATCH vertices, none is sent without a vertex, and the counts are those of all."""
    store = Store()
    client = cast("GremlinClient", store)
    assert await repair(client, []) == RepairCounts()
    assert await repair(client, range(2 * BATCH + 10)) == RepairCounts(2 * BATCH + 10, BATCH // 5 + 1, 3)
    assert store.sizes == [BATCH, BATCH, 10]


async def test_another_index_is_refused() -> None:
    """An index that is not in Elasticsearch is not compared, and the error names what rebuilds it."""
    with pytest.raises(IndexNotComparableError, match="JanusGraph's management"):
        await repair(cast("GremlinClient", Store(elasticsearch=False)), [256])
    with pytest.raises(IndexNotComparableError, match="JanusGraph's management"):
        await create_absent_index(cast("GremlinClient", Store(elasticsearch=False)))


async def test_an_absent_index_is_created() -> None:
    """The result is whether the index was absent."""
    client = cast("GremlinClient", Store())
    assert [await create_absent_index(client) for _ in range(2)] == [True, False]
