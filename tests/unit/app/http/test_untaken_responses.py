"""Responses that clients have not taken: a caller with many waits, and other callers do not."""

import asyncio
from contextlib import ExitStack

from app.http.untaken_responses import UntakenResponses


async def test_a_caller_waits_until_enough_is_taken() -> None:
    """At the maximum the caller waits, also below it again only until one of the responses is taken."""
    untaken = UntakenResponses(maximum=10)
    with ExitStack() as large, ExitStack() as small:
        small.enter_context(untaken.counted("bo", 6))
        async with asyncio.timeout(5):
            await untaken.room("bo")
        large.enter_context(untaken.counted("bo", 8))
        waiting = [asyncio.create_task(untaken.room("bo")) for _ in range(3)]
        async with asyncio.timeout(5):
            await untaken.room("ada")
        await asyncio.wait(waiting, timeout=0.01)
        assert not any(task.done() for task in waiting)
        large.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*waiting)


async def test_what_remains_above_the_maximum_is_waited_for() -> None:
    """A response that is taken frees nothing while others of the caller are more than the maximum."""
    untaken = UntakenResponses(maximum=10)
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(untaken.counted("bo", 1))
        second.enter_context(untaken.counted("bo", 20))
        waiting = asyncio.create_task(untaken.room("bo"))
        await asyncio.sleep(0)
        first.close()
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()
        second.close()
        async with asyncio.timeout(5):
            await waiting
    assert not untaken._bytes  # noqa: SLF001 - callers without responses are forgotten
