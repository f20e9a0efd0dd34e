"""The readiness check of a store: writes a new value in one request and reads the value in a second request.

A weaker check is not sufficient. JanusGraph listens even if its graph did not open, and a misconfigured JanusGraph
returns 200 for writes that it discards.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from uuid import uuid4

import aiohttp

from app.store.errors import DiskSpaceError, StoreStartError

VERTEX_ID: Final = 1 << 8
"""Id of the vertex of the check: the smallest id that `graph.set-vertex-id` allows."""
_PING: Final = "g.inject(0)"
_WRITE: Final = (
    "g.V(x).fold().coalesce(unfold(), addV('SelfCheck').property(T.id, x)).property(single, 'selfCheck', nonce)"
    ".values('selfCheck')"
)
_READ: Final = "g.V(x).values('selfCheck')"
_ACCEPT: Final = {"Accept": "application/vnd.gremlin-v3.0+json;types=false"}


async def send_gremlin(session: aiohttp.ClientSession, url: str, gremlin: str, **bindings: object) -> list[object]:
    """Send one Gremlin request and return its results.

    Raises `StoreStartError` if the store returns an error, `DiskSpaceError` if the error is a full disk, and errors of
    aiohttp if the store cannot be reached.
    """
    body = {"gremlin": gremlin, "bindings": bindings, "aliases": {"g": "g"}}
    async with session.post(url, json=body, headers=_ACCEPT) as response:
        content = await response.json(content_type=None)
        if response.status != HTTPStatus.OK:
            message = content.get("message", content)
            full = any(str(name).endswith("DiskLimitException") for name in content.get("exceptions") or ())
            raise (DiskSpaceError if full else StoreStartError)(
                f"The store at {url} returned status {response.status}; see its log. Its message: {message}"
            )
        return list(content["result"]["data"])


async def is_listening(session: aiohttp.ClientSession, url: str) -> bool:
    """Return whether a Gremlin server with an open graph accepts requests at ``url``, False if nothing listens there.

    Raises `StoreStartError` if the server returns an error, as it does without an open graph.
    """
    try:
        return await send_gremlin(session, url, _PING) == [0]
    except aiohttp.ClientConnectionError:
        return False


async def verify_write(session: aiohttp.ClientSession, url: str) -> None:
    """Write a random value and read it; raises `StoreStartError` if the store fails or does not return the value."""
    nonce = uuid4().hex
    await send_gremlin(session, url, _WRITE, x=VERTEX_ID, nonce=nonce)
    found = await send_gremlin(session, url, _READ, x=VERTEX_ID)
    if found != [nonce]:
        raise StoreStartError(
            f"The store at {url} does not keep written data: wrote {nonce!r}, read {found!r}. "
            "Set strictTransactionManagement to false in the configuration of its Gremlin Server."
        )
