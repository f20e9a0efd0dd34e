"""The callers whose transactions took long, and for how long they then let other writers be first.

A single item may change hundreds of assets, such as the deletion of a model with its versions, and the index analyses
the texts of all of these. While it is written, all other writers wait.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from app.graph.commits.writer_contention import WriterContention
from app.graph.driver.errors import StoreUnavailableError

LONG_SECONDS: Final = 0.5
"""Seconds that a transaction may take without a wait of its caller: those of many calls take less."""

LARGE_SECONDS: Final = 0.15
"""Seconds of the store, by estimate, that items may take beyond ordinary ones without a wait of their caller.

The estimate does not depend on the load of the machine, so it may be smaller than LONG_SECONDS.
"""

FACTOR: Final = 10
"""The caller begins no other transaction beside other writers for this many times the seconds beyond LONG_SECONDS.

The same holds for all seconds that items take beyond ordinary ones, so that large ones have about an eleventh of the
time of writers.
"""

UNDIVIDED_FACTOR: Final = 20
"""The same for the seconds that an atomic call takes beyond the share of other calls.

A call of 200 items, 0.2 s, then meets less than one in a hundred single registrations of others. By ten times, it was
more than that, and their p99 three times that without it.
"""

MAX_WAIT_SECONDS: Final = 20.0
"""Maximal number of seconds that a call waits: it lasts for a minute at most, and has a place of the mutations.

The same holds for the wait after a transaction of MAX_WAIT_SECONDS / FACTOR. After a longer one, it is FACTOR times all
of its seconds: with a fixed maximum, transactions of five seconds would have a fifth of the time of writers.
"""

APART_SECONDS: Final = 10.0
"""For how many seconds the batches of a caller share no transaction with others who write, if much was read for them.

Otherwise these would wait for that, and be charged for a share of it, or the transaction would be refused and divided.
"""

POLL_SECONDS: Final = 0.1
"""Seconds between two looks at whether other callers write."""


MAX_WAITING: Final = 3
"""Maximal number of calls of a caller that wait, as many as an import sends at once.

Each has one of the places of the mutations of all callers.
"""

_OTHERS_FIRST: Final = (
    "Your last transaction took long and others write, so {}. What this call had not written before is not written. "
    "Send it again later, with the same idempotency keys, or change fewer assets then."
)
_MANY_WAIT: Final = _OTHERS_FIRST.format("other calls of yours wait already")
_WAITED: Final = _OTHERS_FIRST.format(f"this call has waited for {MAX_WAIT_SECONDS:g} seconds")


@dataclass(slots=True)
class LongWriters:
    """Until when callers wait while others write, as ``contention`` has it. ``clock`` returns monotonic seconds."""

    contention: WriterContention
    clock: Callable[[], float] = time.monotonic
    _until: dict[Hashable, float] = field(default_factory=dict)
    _apart_until: dict[Hashable, float] = field(default_factory=dict)
    _waiting: Counter[Hashable] = field(default_factory=Counter)

    def wrote(self, caller: Hashable, seconds: float, large: float = 0.0, undivided: float = 0.0) -> None:
        """Note for how many seconds of a transaction a caller was the cause.

        Both others are estimates, in seconds of store and planner. ``large`` is what its items take beyond as many
        ordinary ones, and ``undivided`` what its atomic batches take beyond the share of other calls.
        """
        now = self.clock()
        self._until = {each: until for each, until in self._until.items() if until > now}
        self._apart_until = {each: until for each, until in self._apart_until.items() if until > now}
        if large > LARGE_SECONDS:
            self.keep_apart(caller)
        wait = wait_after(seconds, large, undivided)
        if wait > 0:
            self._until[caller] = max(now + wait, self._until.get(caller, 0.0))

    def keep_apart(self, caller: Hashable) -> None:
        """Let the batches of a caller share no transaction with others who write for APART_SECONDS."""
        self._apart_until[caller] = self.clock() + APART_SECONDS

    def is_apart(self, caller: Hashable) -> bool:
        """Return whether the batches of a caller should be alone now, because others write."""
        return self.clock() < self._apart_until.get(caller, 0.0) and bool(self.contention.others(caller))

    def must_wait(self, caller: Hashable) -> bool:
        """Return whether a caller may begin no transaction now: after a long one, while others write.

        Others who write and have to let others be first as well do not count: two of them would wait for each other.
        """
        return self._left(caller) > 0 and any(self._left(each) <= 0 for each in self.contention.others(caller))

    async def wait(self, caller: Hashable, check: Callable[[], None]) -> None:
        """Return when a caller may begin a transaction: at once without a long one before, or without other writers.

        ``check`` raises what has ended the operation, which then waits no longer. Raises StoreUnavailableError while
        MAX_WAITING calls of the caller wait, and after MAX_WAIT_SECONDS.
        """
        if not self.must_wait(caller):
            return
        if self._waiting[caller] >= MAX_WAITING:
            raise StoreUnavailableError(_MANY_WAIT, retry_after=ceil(self._left(caller)))
        self._waiting[caller] += 1
        ends = self.clock() + MAX_WAIT_SECONDS
        try:
            while self.must_wait(caller):
                check()
                rest = ends - self.clock()
                if rest <= 0:
                    raise StoreUnavailableError(_WAITED, retry_after=ceil(self._left(caller)))
                await asyncio.sleep(min(self._left(caller), rest, POLL_SECONDS))
        finally:
            self._waiting[caller] -= 1
            self._waiting += Counter()  # drops callers without a call that waits

    def _left(self, caller: Hashable) -> float:
        return self._until.get(caller, 0.0) - self.clock()


def wait_after(seconds: float, large: float, undivided: float = 0.0) -> float:
    """Return for how many seconds a caller waits after a transaction; the arguments are as in LongWriters.wrote."""
    if FACTOR * seconds > MAX_WAIT_SECONDS:
        return FACTOR * seconds
    too_long = max(seconds - LONG_SECONDS, large if large > LARGE_SECONDS else 0.0, 0.0)
    return min(max(FACTOR * too_long, UNDIVIDED_FACTOR * undivided), MAX_WAIT_SECONDS)
