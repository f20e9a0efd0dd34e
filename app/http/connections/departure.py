"""The departure of a client, for work that is of no use without it."""

import asyncio
from typing import Self

from starlette.requests import ClientDisconnect
from starlette.types import Receive


class Departure:
    """The departure of the client of one request, watched from the execution to the last part of the response.

    Work on the response looks at it between two pieces. The watch begins when the body of the request was received, or
    is ignored, because it would take the parts of the body. It ends with the context.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Return the departure."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the watch."""
        if self._watch is not None:
            self._watch.cancel()

    def watch(self) -> asyncio.Task[None]:
        """Return the task that is done when the client has left; begin the watch unless it has begun."""
        if self._watch is None:
            self._watch = asyncio.create_task(departed(self._receive))
        return self._watch

    def check(self) -> None:
        """Raise ClientDisconnect if the client has left since the watch began."""
        if self._watch is not None and self._watch.done():
            raise ClientDisconnect


async def departed(receive: Receive) -> None:
    """Return when the client has disconnected; the body was received before, or is ignored."""
    while (await receive())["type"] != "http.disconnect":
        pass
