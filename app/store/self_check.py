"""Whether a store keeps what is written to it: the only readiness worth believing.

A JanusGraph whose graph did not open may listen all the same, and a misconfigured one answers 200 to writes that
it drops. So the check writes a new value in one request and reads it back in a second.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import aiohttp

from app.store.errors import StoreStartError

VERTEX_ID: Final = 1 << 8
"""The smallest id that `graph.set-vertex-id` allows; the one vertex of the check."""
_ALIVE: Final = "g.inject(0)"
_WRITE: Final = (
    "g.V(x).fold().coalesce(unfold(), addV('SelfCheck').property(T.id, x)).property(single, 'selfCheck', nonce)"
    ".values('selfCheck')"
)
_READ: Final = "g.V(x).values('selfCheck')"
_ACCEPT: Final = {"Accept": "application/vnd.gremlin-v3.0+json;types=false"}


async def ask(session: aiohttp.ClientSession, url: str, gremlin: str, **bindings: object) -> list[Any]:
    """Send one request and return its results; raises StoreStartError for an answer that is an error."""
    body = {"gremlin": gremlin, "bindings": bindings, "aliases": {"g": "g"}}
    async with session.post(url, json=body, headers=_ACCEPT) as response:
        answer = await response.json(content_type=None)
        if response.status != HTTPStatus.OK:
            raise StoreStartError(f"The store at {url} answered {response.status}: {answer.get('message', answer)}")
        return list(answer["result"]["data"])


async def listens(session: aiohttp.ClientSession, url: str) -> bool:
    """Tell whether a graph answers at the address; raises StoreStartError when what answers has no graph."""
    try:
        return await ask(session, url, _ALIVE) == [0]
    except aiohttp.ClientConnectionError:
        return False


async def verify(session: aiohttp.ClientSession, url: str) -> None:
    """Write and read back; raises StoreStartError when the value is not there."""
    nonce = uuid4().hex
    await ask(session, url, _WRITE, x=VERTEX_ID, nonce=nonce)
    found = await ask(session, url, _READ, x=VERTEX_ID)
    if found != [nonce]:
        raise StoreStartError(
            f"The store at {url} answers and does not keep what is written: wrote {nonce!r}, read {found!r}. "
            "Something changed its configuration: strictTransactionManagement must be false."
        )
