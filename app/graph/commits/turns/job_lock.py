"""The lock of the writers, as background jobs take it: one step at a time, and a rest after each that took long.

Several jobs work at the same time, each with one step after the other, and the lock is fair. Without this, a step of
each job would come before each transaction while there is work: for minutes after few calls that concern many assets.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from app.graph.commits.turns.long_writers import FACTOR, LONG_SECONDS, MAX_WAIT_SECONDS
from app.graph.commits.writer_contention import WriterContention

SHORT_SECONDS: Final = 0.05
"""Seconds of a step without a rest: about what a transaction takes."""

POLL_SECONDS: Final = 0.05
"""Seconds between two looks at whether callers write."""


class JobLock:
    """The ``lock`` of the writers for the steps of all jobs of a process: ``async with`` it for one step.

    Between two steps there is a rest while callers write, as ``contention`` has it. So the jobs have half of the time
    of the lock at most, and an eleventh of it with steps that take longer than a transaction may. ``clock`` returns
    monotonic seconds.
    """

    def __init__(
        self, lock: asyncio.Lock, contention: WriterContention, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = lock
        self._contention = contention
        self._clock = clock
        self._step = asyncio.Lock()
        self._begun = 0.0
        self._rests_until = 0.0

    async def __aenter__(self) -> None:
        with ExitStack() as if_it_ends:
            await self._step.acquire()
            if_it_ends.callback(self._step.release)
            while (left := self._rests_until - self._clock()) > 0 and self._contention.others(None):  # noqa: ASYNC110 - a poll
                await asyncio.sleep(min(left, POLL_SECONDS))
            await self._lock.acquire()
            if_it_ends.pop_all()
        self._begun = self._clock()

    async def __aexit__(self, *_: object) -> None:
        now = self._clock()
        self._rests_until = now + rest_after(now - self._begun)
        self._lock.release()
        self._step.release()


def rest_after(seconds: float) -> float:
    """Return for how many seconds jobs rest after a step of some seconds.

    It is as long as the step, and longer after one that took longer than LONG_SECONDS, as for the caller of such a
    transaction (:mod:`app.graph.commits.turns.long_writers`).
    """
    if seconds <= SHORT_SECONDS:
        return 0.0
    return min(seconds + FACTOR * max(seconds - LONG_SECONDS, 0.0), MAX_WAIT_SECONDS)
