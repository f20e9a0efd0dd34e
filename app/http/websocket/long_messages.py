"""Slots for long messages: a value that is read from one takes many times the memory of its text.

Such a message waits for a slot of its caller before it is parsed, as a long body does over HTTP. The slot is held until
the message is handled; that of a `subscribe` until its subscription is admitted or refused.
"""

import asyncio
from contextlib import ExitStack
from typing import Final

from app.fair_queue import FairQueue
from app.http.websocket.caller_sockets import CallerSockets, Sending

LOOK_SECONDS: Final = 0.5
"""Seconds between two looks at whether the client of a socket that waits for a slot has left."""


def message_slots() -> FairQueue:
    """Return a queue of long messages: two of a caller at once, because they are examined one after the other."""
    return FairQueue(slots=8, per_caller=2, spare=8)


async def long_message(slots: FairQueue, caller: CallerSockets, socket: Sending) -> ExitStack:
    """Return a slot of the caller, which is released when the stack is closed.

    The stack is empty if the client of ``socket`` leaves before. Raises LimitError if too many messages of the caller
    wait.
    """
    slot = ExitStack()

    async def acquire() -> None:
        await slots.acquire(caller.names)
        slot.callback(slots.release, caller.names)

    acquiring = asyncio.ensure_future(acquire())
    with slot:  # a cancellation can come in the moment in which the slot is given
        try:
            while not acquiring.done() and not socket.is_gone:
                await asyncio.wait({acquiring}, timeout=LOOK_SECONDS)
        finally:
            acquiring.cancel()
        if acquiring.done():
            acquiring.result()
        return slot.pop_all()
