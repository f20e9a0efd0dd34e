"""The departure of a client: the message that says so, and how long it is watched."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.http.connections.departure import Departure, departed


async def test_only_a_disconnect_is_a_departure() -> None:
    """The parts of a body that was not read are passed over, and nothing is received after the disconnect."""
    messages: list[Message] = [{"type": "http.disconnect"}, {"type": "http.disconnect"}, {"type": "http.request"}]

    async def receive() -> Message:
        return messages.pop()

    await departed(receive)
    assert messages == [{"type": "http.disconnect"}]


async def test_a_departure_is_watched_from_the_first_look_to_the_end() -> None:
    """Before the watch begins, it takes no part of the body; it is one task, and none remains of it."""
    left, received = asyncio.Event(), 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        await left.wait()
        return {"type": "http.disconnect"}

    with Departure(receive) as departure:
        departure.check()
        await asyncio.sleep(0)
        assert received == 0
        assert departure.watch() is departure.watch()
        await asyncio.sleep(0)
        departure.check()
        left.set()
        await departure.watch()
        assert received == 1
        with pytest.raises(ClientDisconnect):
            departure.check()
    left.clear()
    with Departure(receive) as departure:
        watch = departure.watch()
    await asyncio.wait([watch])
    assert watch.cancelled()
