"""Fixtures of the driver's tests: the address of a real JanusGraph and a client of it."""

from collections.abc import AsyncIterator

import pytest
from support.stores.janusgraph import url_with_user_info

from app.graph.driver.gremlin_client import GremlinClient
from app.store.embedded.embedded_store import EmbeddedStore


@pytest.fixture(scope="session")
def gremlin_url(janusgraph: EmbeddedStore) -> str:
    """Return the Gremlin URL of the session's JanusGraph, with user info."""
    return url_with_user_info(janusgraph.endpoint)


@pytest.fixture
async def client(gremlin_url: str) -> AsyncIterator[GremlinClient]:
    """Open a client of that endpoint."""
    async with GremlinClient(gremlin_url) as opened:
        yield opened
