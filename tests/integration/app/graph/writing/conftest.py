"""Fixtures of the writer's tests: writers over the graph of one module."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.state_machines import WriterMachine
from support.stores.writers import Writers, shipped_policy, shipped_stops

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from policies.policy import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    """Load the shipped policy."""
    return shipped_policy()


@pytest.fixture(scope="module")
async def module_writers(module_graph: StoreGraph, policy: Policy) -> AsyncIterator[Writers]:
    """Make writers over the graph of one module."""
    async with GremlinClient(module_graph.url, source=module_graph.source) as client:
        yield Writers(client, policy, WriteCoordinator(shipped_stops()))


@pytest.fixture(scope="module")
def machine(module_graph: StoreGraph, policy: Policy) -> Iterator[WriterMachine]:
    """Give the state machine an event loop of its own, because hypothesis calls its rules outside of any."""
    with asyncio.Runner() as runner:
        client = GremlinClient(module_graph.url, source=module_graph.source)
        runner.run(client.__aenter__())
        yield WriterMachine(runner, module_graph, client, policy)
        runner.run(client.__aexit__(None, None, None))
