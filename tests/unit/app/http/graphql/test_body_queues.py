"""Queues for bodies: few large ones, and many small ones, of a caller are in memory."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.http.graphql.body_queues import SMALL, TINY, BodyQueues
from app.http.graphql.graphql_request import LONG_JSON


@pytest.mark.parametrize(
    ("size", "at_once"), [(TINY, 1_000), (TINY + 1, 128), (SMALL, 128), (SMALL + 1, 16), (LONG_JSON, 16), (1 << 20, 4)]
)
async def test_bodies_of_a_caller_are_bounded_by_their_size(size: int, at_once: int) -> None:
    """Those of a MiB in all are in memory, or four long ones; the next one waits, and that of another caller not."""
    queues = BodyQueues()
    async with AsyncExitStack() as held:
        for _ in range(at_once):
            await held.enter_async_context(queues.slot("ada", size))
        await held.enter_async_context(queues.slot("bo", size))
        waiting = asyncio.create_task(held.enter_async_context(queues.slot("ada", size)))
        await asyncio.sleep(0)
        assert waiting.done() is (size == TINY)
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_small_bodies_do_not_wait_for_larger_ones() -> None:
    """A caller whose sixteen large queries wait can send a mutation."""
    queues = BodyQueues()
    async with AsyncExitStack() as held:
        for _ in range(16):
            await held.enter_async_context(queues.slot("ada", LONG_JSON))
        async with asyncio.timeout(5):
            await held.enter_async_context(queues.slot("ada", SMALL))
