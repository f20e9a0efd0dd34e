"""Responses that clients have not taken: a caller with many gets no slot, and other callers do."""

import asyncio
from contextlib import AsyncExitStack, ExitStack

import pytest

from app.fair_queue import FairQueue
from app.http.untaken_responses import HeldSlots, UntakenResponses
from policies.errors import LimitError


async def test_a_caller_gets_no_slot_until_enough_is_taken() -> None:
    """At the maximum the caller waits without a slot, until the responses that remain are less; others do not wait."""
    untaken, queue = UntakenResponses(maximum=10), FairQueue(slots=3, per_caller=3)
    with ExitStack() as large, ExitStack() as small:
        small.enter_context(untaken.counted("bo", 6))
        async with asyncio.timeout(5):
            await untaken.acquire(queue, "bo", HeldSlots())
        large.enter_context(untaken.counted("bo", 8))
        waiting = [asyncio.create_task(untaken.acquire(queue, "bo", HeldSlots())) for _ in range(2)]
        async with asyncio.timeout(5):
            await untaken.acquire(queue, "ada", HeldSlots())
        await asyncio.wait(waiting, timeout=0.01)
        assert (queue.running, any(task.done() for task in waiting)) == (2, False)
        queue.release("ada")
        large.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*waiting)
    assert not untaken._bytes  # noqa: SLF001 - callers without responses are forgotten


async def test_what_was_made_during_the_wait_for_a_slot_counts() -> None:
    """All operations of a caller may wait for slots before the first response is made."""
    untaken, queue = UntakenResponses(maximum=10), FairQueue(per_caller=1)
    await untaken.acquire(queue, "bo", HeldSlots())
    waiting = asyncio.create_task(untaken.acquire(queue, "bo", HeldSlots()))
    await asyncio.wait([waiting], timeout=0.01)
    with untaken.counted("bo", 20):
        queue.release("bo")
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()
    async with asyncio.timeout(5):
        await waiting


async def test_a_response_that_is_taken_frees_the_caller_below_the_maximum_only() -> None:
    """The caller goes on waiting while other responses are more than the maximum."""
    untaken, queue = UntakenResponses(maximum=10), FairQueue()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(untaken.counted("bo", 1))
        second.enter_context(untaken.counted("bo", 20))
        waiting = asyncio.create_task(untaken.acquire(queue, "bo", HeldSlots()))
        await asyncio.wait([waiting], timeout=0.01)
        first.close()
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()
        second.close()
        async with asyncio.timeout(5):
            await waiting


async def test_a_long_body_does_not_wait_for_the_client() -> None:
    """It has a slot of all callers, for whom twenty accounts that receive nothing would keep none."""
    untaken, queue, bodies, held = UntakenResponses(maximum=10), FairQueue(), FairQueue(), HeldSlots()
    async with AsyncExitStack() as body:
        await held.claim(body, bodies, "bo")()
        await untaken.acquire(queue, "bo", held)
        queue.release("bo")
        with untaken.counted("bo", 20), pytest.raises(LimitError, match="20 bytes"):
            await untaken.acquire(queue, "bo", held)
        assert (queue.running, bodies.running) == (0, 1)
    assert bodies.running == 0
