"""Fixtures of the journeys: the API over the graph of a module, empty or with the demo estate."""

from collections.abc import AsyncIterator

import pytest
from support.estates.demo_estate import open_demo
from support.servers.in_process import Api, api
from support.stores.janusgraph import StoreGraph

__all__ = ["api", "demo"]


@pytest.fixture(scope="module")
async def demo(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the demo estate."""
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        yield opened
