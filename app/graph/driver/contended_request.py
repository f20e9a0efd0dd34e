"""Requests that several processes may send at the same time, such as at their start."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from app.graph.driver.errors import TransientConflictError, VertexExistsError

ATTEMPTS: Final = 10
"""Maximal number of attempts of a request while other processes send the same one."""

_PAUSE_SECONDS: Final = 0.5

ResultT = TypeVar("ResultT")


async def repeat_contended(action: Callable[[], Awaitable[ResultT]], pause: float = _PAUSE_SECONDS) -> ResultT:
    """Return the result of an action, which is run again after a conflict with another transaction.

    The action must have the same effect however often it runs. ``pause`` is in seconds. Raises TransientConflictError
    or VertexExistsError after ATTEMPTS, and every other error of the action at once.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await action()
        except (TransientConflictError, VertexExistsError):
            await asyncio.sleep(pause)
    return await action()
