"""Waiting for a condition instead of sleeping."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], within: float = 60.0) -> None:
    """Return as soon as the condition holds; fails after `within` seconds."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - conditions of other processes have no event
            await asyncio.sleep(0.02)
