"""Fixtures of the writer's tests: writers over a graph of one test or one module."""

from collections.abc import AsyncIterator

import pytest
from harness.janusgraph import StoreGraph
from harness.memory import Memory
from harness.registrations import Writers, shipped_policy, shipped_stops

from app.graph.client import GremlinClient
from app.graph.writing.writer import Desk
from policies.policy import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    """Load the shipped policy."""
    return shipped_policy()


@pytest.fixture
async def writers(graph: StoreGraph, policy: Policy) -> AsyncIterator[Writers]:
    """Make writers over the graph of one test."""
    async with GremlinClient(graph.url, source=graph.source) as client:
        yield Writers(client, policy, Desk(shipped_stops()))


@pytest.fixture(scope="module")
async def module_writers(module_graph: StoreGraph, policy: Policy) -> AsyncIterator[Writers]:
    """Make writers over the graph of one module."""
    async with GremlinClient(module_graph.url, source=module_graph.source) as client:
        yield Writers(client, policy, Desk(shipped_stops()))


@pytest.fixture
def memory(policy: Policy) -> Memory:
    """An empty store."""
    return Memory(policy)
