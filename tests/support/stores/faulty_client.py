"""A client of the store whose requests fail, or end later, as a test demands."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import orjson

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.server_pool import Server
from app.graph.driver.transport import Exchange, Transport

Fault = Literal["unsent", "lost", "late", "torn"]
"""A write is not sent; or is committed and its response lost; or its response is lost, and it is committed later.

A torn write leaves its entry in the write log at once, and its vertices and edges later.
"""

_PARTS = ("stored", "vertices", "edges", "marks")
"""The bindings of the text ``WRITE`` that a torn write writes later."""


@dataclass
class Held:
    """A request whose response the client holds back until ``release`` is set; ``received`` is set when it is there."""

    received: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


class FaultyClient(GremlinClient):
    """Applies ``fault`` to the next write, and holds the next read or write back if ``held_read`` or ``held_write``.

    ``late`` are the bodies of the writes that :meth:`commit_late` sends.
    """

    fault: Fault | None = None
    held_read: Held | None = None
    held_write: Held | None = None

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.late: list[bytes] = []
        self.transport = FaultyTransport(self, more.get("source", "g"))

    async def commit_late(self) -> None:
        """Let the store execute a write whose response was lost; it may refuse the write, if others came before."""
        if self.late:
            late = Exchange(PreparedStatement(""), self.late.pop(0), writes=True)
            await Transport.post(self.transport, self.transport.session, self.pool.servers[0], late)


class FaultyTransport(Transport):
    """Sends the requests of a :class:`FaultyClient`."""

    def __init__(self, client: FaultyClient, source: str) -> None:
        super().__init__(client.pool, source, late_seconds=600.0)
        self._client = client

    async def post(self, session: aiohttp.ClientSession, server: Server, exchange: Exchange) -> tuple[int, bytes]:
        """Send a request, with the fault of the client."""
        client, fault, held = self._client, None, None
        if exchange.writes:
            fault, client.fault = client.fault, None
            held, client.held_write = client.held_write, None
        else:
            held, client.held_read = client.held_read, None
        if fault == "unsent":
            exchange.attempts += 1
            raise aiohttp.ClientConnectorError(None, OSError("no connection"))  # type: ignore[arg-type]
        if fault == "late":
            exchange.attempts += 1
            client.late.append(exchange.body)
            raise aiohttp.ClientPayloadError
        if fault == "torn":
            client.late.append(_with_bindings(exchange.body, turn=None))
            exchange.body = _with_bindings(exchange.body, **{part: [] for part in _PARTS})
        response = await super().post(session, server, exchange)
        if fault == "lost":
            raise aiohttp.ClientPayloadError
        if held is not None:
            held.received.set()
            await held.release.wait()
        return response


def _with_bindings(body: bytes, **bindings: object) -> bytes:
    """Return the body of a request with some bindings replaced."""
    request = orjson.loads(body)
    request["bindings"] |= bindings
    return orjson.dumps(request)
