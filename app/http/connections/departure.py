"""The departure of a client, for work that is of no use without it."""

from starlette.types import Receive


async def departed(receive: Receive) -> None:
    """Return when the client has disconnected; the body was received before, or is ignored."""
    while (await receive())["type"] != "http.disconnect":
        pass
