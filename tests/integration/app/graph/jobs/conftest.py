"""Fixtures of the tests of tags: writers over a graph of one test, and the job beside them."""

from collections.abc import AsyncIterator

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, shipped_policy, shipped_stops

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient


@pytest.fixture
async def writers(graph: StoreGraph) -> AsyncIterator[Writers]:
    """Make writers over the graph of one test."""
    async with GremlinClient(graph.url, source=graph.source) as client:
        yield Writers(client, shipped_policy(), WriteCoordinator(shipped_stops()))
