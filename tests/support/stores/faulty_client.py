"""A client of the store whose requests fail, or end later, as a test demands."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import orjson

from app.graph.driver.gremlin_client import GremlinClient

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

    async def _post(self, session: aiohttp.ClientSession, call: Any) -> tuple[int, bytes]:
        fault, held = None, None
        if call.writes:
            fault, self.fault = self.fault, None
            held, self.held_write = self.held_write, None
        else:
            held, self.held_read = self.held_read, None
        if fault == "unsent":
            call.attempts += 1
            raise aiohttp.ClientConnectorError(None, OSError("no connection"))  # type: ignore[arg-type]
        if fault == "late":
            call.attempts += 1
            self.late.append(call.body)
            raise aiohttp.ClientPayloadError
        if fault == "torn":
            self.late.append(_with_bindings(call.body, turn=None))
            call.body = _with_bindings(call.body, **{part: [] for part in _PARTS})
        response = await super()._post(session, call)
        if fault == "lost":
            raise aiohttp.ClientPayloadError
        if held is not None:
            held.received.set()
            await held.release.wait()
        return response

    async def commit_late(self) -> None:
        """Let the store execute a write whose response was lost; it may refuse the write, if others came before."""
        if self.late:
            async with self._session.post(self.url, data=self.late.pop(0), headers=self._headers) as response:
                await response.read()


def _with_bindings(body: bytes, **bindings: object) -> bytes:
    """Return the body of a request with some bindings replaced."""
    request = orjson.loads(body)
    request["bindings"] |= bindings
    return orjson.dumps(request)
