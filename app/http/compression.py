"""Compression of responses: by the first of zstd, brotli and gzip that the client accepts.

The length of a compressed response discloses whether two of its texts are alike (the attack BREACH). So a response is
compressed only where its producer calls :func:`compressed`, and never with a restricted or secret value (docs/http.md).
"""

from contextlib import suppress
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type

from app.http.connections.departure import Departure
from app.http.negotiation import GRAPHQL_RESPONSE
from graphql_schema.ports.operation_budget import OperationBudget

MIN_BYTES: Final = 1_000
"""Size in bytes of the smallest body that is compressed; compression of smaller ones does not pay."""

PART_BYTES: Final = 64 * 1024
"""Bytes that are compressed at once, up to three milliseconds of work; other operations run when the turn is over."""

GZIP_LEVEL: Final = 1
"""The fastest level of gzip: 25 MB of ideographs take 0.5 s of CPU, in place of 0.8 s at the default level 4.

Words become up to 9 % longer. Zstandard and brotli, which come first, take 0.2 s and less.
"""

NO_TRANSFORM: Final = "no-transform"
"""The member of ``Cache-Control`` that forbids proxies to compress a response (RFC 9111 section 5.2.2.6)."""

add_compress_type(GRAPHQL_RESPONSE)


def compressed(response: ASGIApp, departure: Departure) -> ASGIApp:
    """Return a response that is sent as ``response``, compressed from `MIN_BYTES` on if the client accepts it."""
    return CompressMiddleware(InParts(response, departure), minimum_size=MIN_BYTES, zstd_level=3, gzip_level=GZIP_LEVEL)


class InParts:
    """Sends the body of a response in parts of at most `PART_BYTES`, in turns of the event loop.

    All responses that are sent share these turns. If each sent a part in each iteration of the loop, every other
    operation would wait for some 50 parts of each. A part is sent when the client has taken most of those before it.
    When the client has left, the response ends without its other parts: the server would discard them one by one, each
    after its compression.
    """

    def __init__(self, response: ASGIApp, departure: Departure) -> None:
        self.response = response
        self.departure = departure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""

        async def send_parts(message: Message) -> None:
            body: bytes | memoryview = message.get("body", b"") if message["type"] == "http.response.body" else b""
            if len(body) <= PART_BYTES:
                await send(message)
                return
            self.departure.watch()  # an error has a response before its operation is watched
            async for start in OperationBudget().in_turns(range(0, len(body), PART_BYTES)):
                self.departure.check()
                end = start + PART_BYTES
                more = end < len(body) or message.get("more_body", False)
                await send({**message, "body": bytes(body[start:end]), "more_body": more})

        with suppress(ClientDisconnect):
            await self.response(scope, receive, send_parts)
