"""Waiting for a condition instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable


async def until(holds: Callable[[], bool | Awaitable[bool]], within: float = 60.0) -> None:
    """Return as soon as the condition holds; fails after `within` seconds."""
    async with asyncio.timeout(within):
        while not await _now(holds):  # noqa: ASYNC110 - conditions of other processes have no event
            await asyncio.sleep(0.02)


async def _now(holds: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = holds()
    return await found if isawaitable(found) else found
