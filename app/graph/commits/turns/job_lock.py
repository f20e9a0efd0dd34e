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

SHORT_SECONDS: Final = 0.05
"""Seconds of a step without a rest: about what a transaction takes."""

POLL_SECONDS: Final = 0.05
"""Seconds between two looks at whether others write."""


class JobLock:
    """The ``lock`` of the writers for the steps of one job: ``async with`` it for one step.

    ``step`` is a lock that all jobs of the process share, so that one step is between two transactions. A job rests
    after a long step while ``others_write``; the other jobs go on meanwhile. So one job has half of the time of the
    lock at most after steps of SHORT_SECONDS to LONG_SECONDS, and less after longer ones. Several jobs have more
    together. ``clock`` returns monotonic seconds.
    """

    def __init__(
        self,
        lock: asyncio.Lock,
        step: asyncio.Lock,
        others_write: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = lock
        self._step = step
        self._others_write = others_write
        self._clock = clock
        self._begun = 0.0
        self._rests_until = 0.0

    async def __aenter__(self) -> None:
        while (left := self._rests_until - self._clock()) > 0 and self._others_write():  # noqa: ASYNC110 - a poll
            await asyncio.sleep(min(left, POLL_SECONDS))
        with ExitStack() as if_it_ends:
            await self._step.acquire()
            if_it_ends.callback(self._step.release)
            await self._lock.acquire()
            if_it_ends.pop_all()
        self._begun = self._clock()

    async def __aexit__(self, *_: object) -> None:
        now = self._clock()
        self._rests_until = now + rest_after(now - self._begun)
        self._lock.release()
        self._step.release()


def rest_after(seconds: float) -> float:
    """Return for how many seconds a job rests after a step of some seconds.

    It is as long as the step, and longer after one that took longer than LONG_SECONDS, as for the caller of such a
    transaction (:mod:`app.graph.commits.turns.long_writers`); MAX_WAIT_SECONDS at most.
    """
    if seconds <= SHORT_SECONDS:
        return 0.0
    return min(seconds + FACTOR * max(seconds - LONG_SECONDS, 0.0), MAX_WAIT_SECONDS)
