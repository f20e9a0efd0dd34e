"""The API over the graph of a module, and over the estate of the leak catalogue."""

from collections.abc import AsyncIterator

import pytest
from support.estates.leak_catalogue import open_leaky
from support.servers.in_process import Api, api
from support.stores.janusgraph import StoreGraph

__all__ = ["api", "leaky"]


@pytest.fixture(scope="module")
async def leaky(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over an estate that holds an instance of everything that could leak."""
    async with open_leaky(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        yield opened
