"""Responses that clients have not taken: a caller with many gets no slot, and other callers do."""

import asyncio
from contextlib import ExitStack

import pytest
from support.waiting import until

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


async def test_a_long_body_waits_for_its_client_without_a_slot_of_all_callers() -> None:
    """Twenty accounts that receive nothing would keep all slots; few bodies wait, and a further one is refused."""
    untaken, queue, bodies = UntakenResponses(maximum=10), FairQueue(), FairQueue()
    untaken.parked.slots, untaken.parked.spare, held = 1, 0, [HeldSlots() for _ in range(2)]
    async with held[0].body, held[1].body, asyncio.timeout(5):
        for each in held:
            await each.claim(bodies, "bo")()
        with untaken.counted("bo", 20):
            waiting = asyncio.create_task(untaken.acquire(queue, "bo", held[0]))
            await until(lambda: untaken.parked.running == 1)
            assert (waiting.done(), bodies.running, queue.running) == (False, 1, 0)
            with pytest.raises(LimitError, match="20 bytes"):
                await untaken.acquire(queue, "bo", held[1])
        await waiting
        assert (untaken.parked.running, queue.running) == (1, 1)
    assert (untaken.parked.running, bodies.running) == (0, 0)
