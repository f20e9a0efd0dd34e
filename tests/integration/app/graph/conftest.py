"""Fixtures over a real JanusGraph: its address, a client of it, and writers over the graph of one test."""

from collections.abc import AsyncIterator
from math import inf

import pytest
from support.stores.janusgraph import StoreGraph, url_with_user_info
from support.stores.writers import Writers, shipped_policy, shipped_stops

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.writing import plan_time
from app.store.embedded.embedded_store import EmbeddedStore


@pytest.fixture(autouse=True)
def no_division_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slow machine divide no transaction: a later one reads again what the first one knew."""
    monkeypatch.setattr(plan_time, "PLAN_SECONDS", inf)


@pytest.fixture(scope="session")
def gremlin_url(janusgraph: EmbeddedStore) -> str:
    """Return the Gremlin URL of the session's JanusGraph, with user info."""
    return url_with_user_info(janusgraph.endpoint)


@pytest.fixture
async def client(gremlin_url: str) -> AsyncIterator[GremlinClient]:
    """Open a client of that endpoint."""
    async with GremlinClient(gremlin_url) as opened:
        yield opened


@pytest.fixture
async def writers(graph: StoreGraph) -> AsyncIterator[Writers]:
    """Make writers over the graph of one test."""
    async with GremlinClient(graph.url, source=graph.source) as client:
        yield Writers(client, shipped_policy(), WriteCoordinator(shipped_stops()))
