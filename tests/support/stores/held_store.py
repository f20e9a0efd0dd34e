"""A store that holds each request of a client until the test responds to it."""

import asyncio
from typing import Any

import orjson

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.transport import Exchange
from app.graph.records.touched import NOTHING

RIGHT = (200, b'{"result": {"data": [1]}}')
"""A response with one row, the number 1."""

READ = PreparedStatement("read", frozenset({"name"}))


class EmbeddedHost:
    """A host whose store works: the client waits for its late responses."""

    def outage(self) -> None:
        """Report no outage."""


class HeldStore:
    """A client of a store that holds each request until the test responds to it.

    ``begun`` has the names of the requests that arrived, which begin with the caller; ``held`` are those of them
    without a response.
    """

    def __init__(self, client: GremlinClient) -> None:
        self.client = client
        self.begun: list[str] = []
        self.held: dict[str, asyncio.Future[tuple[int, bytes]]] = {}
        self.tasks: list[asyncio.Task[list[Any]]] = []
        store: Any = client.transport
        store.post = self._post
        store.__dict__.setdefault("session", None)

    async def _post(self, _session: object, _server: object, exchange: Exchange) -> tuple[int, bytes]:
        exchange.attempts += 1
        name = orjson.loads(exchange.body)["bindings"]["name"]
        self.begun.append(name)
        response: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.held[name] = response
        try:
            return await response
        finally:
            del self.held[name]

    def send(self, name: str, *, writes: bool = False) -> asyncio.Task[list[Any]]:
        """Send a request of the caller with whom its name begins, or of the process."""
        who = name.split(maxsplit=1)[0]
        caller = PROCESS if who == "process" else who
        touched = NOTHING if writes else False
        self.tasks.append(asyncio.create_task(self.client.submit(READ, {"name": name}, writes=touched, caller=caller)))
        return self.tasks[-1]

    def respond(self, name: str, response: tuple[int, bytes] | Exception = RIGHT) -> None:
        """Respond to a request that is held."""
        if isinstance(response, Exception):
            self.held[name].set_exception(response)
        else:
            self.held[name].set_result(response)

    def count(self, *callers: str) -> int:
        """Return the number of requests that are held, of all callers or of some."""
        return sum(not callers or name.split()[0] in callers for name in self.held)

    def unanswered(self) -> list[str]:
        """Return the names of the requests that have no response yet."""
        return [name for name, response in self.held.items() if not response.done()]

    async def run_on(self) -> list[str]:
        """Let every task run as far as it can, and return the requests that have arrived."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self.begun

    async def end(self) -> None:
        """Respond until no request is left."""
        async with asyncio.timeout(60):
            while self.held or not all(task.done() for task in self.tasks):
                for name in self.unanswered():
                    self.respond(name)
                await self.run_on()
        await asyncio.gather(*self.tasks, return_exceptions=True)
