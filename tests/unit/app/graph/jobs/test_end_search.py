"""The search for the ends of chains, page by page."""

from typing import Any

import pytest
from support.stores.edge_store import ENDS, RUN, VERSIONS, EdgeStore

from app.graph.driver.edge_pages import VisitBudget
from app.graph.jobs.end_search import EndSearch
from graphql_schema.catalog.inference_rules import RULES


@pytest.mark.parametrize("page", [1, 10, 10_000])
async def test_the_ends_are_those_of_the_rules_however_small_the_pages(page: int) -> None:
    """The outputs of a run are ends of chains through it. An input of the run is in no middle of a chain.

    Each end is taken once, and few at a time: to take all of them after the search would be one long callback.
    """
    store: Any = EdgeStore(page=page)
    ends = list[set[int]]()
    for middle in (RUN, VERSIONS[0]):
        search, parts = EndSearch(RULES, [middle]), list[list[int]]()
        while not search.is_read:
            await search.advance(store, VisitBudget())
            parts.append(search.take_new())
        assert max(store.pages) <= page
        assert max(map(len, parts)) <= page
        assert sorted(vid for part in parts for vid in part) == sorted(search.ends)
        ends.append(search.ends)
    assert ends == [{*ENDS}, set()]
