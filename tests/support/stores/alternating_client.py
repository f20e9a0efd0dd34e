"""A client of a graph that several servers have opened."""

from itertools import cycle
from typing import Any

import aiohttp
from support.stores.janusgraph import StoreGraph

from app.graph.driver.gremlin_client import GremlinClient


class AlternatingClient(GremlinClient):
    """Sends each request to the next server of the graph; a graph with one server has the product's client."""

    def __init__(self, graph: StoreGraph) -> None:
        super().__init__(graph.url, source=graph.source)
        self._turns = cycle([self.url, *graph.others])

    async def _post(self, session: aiohttp.ClientSession, call: Any) -> tuple[int, bytes]:
        self.url = next(self._turns)
        return await super()._post(session, call)
