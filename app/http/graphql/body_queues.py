"""Queues for the bodies of requests: what is read from a body takes many times its memory until the response is made.

Most of that time its operation waits. The bodies of one caller in memory have a MiB of each size at most, beside tiny
ones, and four long ones. A long one has a slot of its caller while it arrives: four callers who send nothing for ten
seconds would else hold those of all. It takes one of these when it has arrived, before it is parsed.
"""

import sys
from collections.abc import Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from app.fair_queue import FairQueue
from app.http.graphql.graphql_request import LONG_JSON

TINY: Final = 2 * 1024
"""Bytes of a body, or of the parameters of a GET, up to which a request waits for no slot before it is read.

What is read from it takes up to 25 times as much memory.
"""

SMALL: Final = 8 * 1024
"""Bytes up to which a body is small: a caller may have so many in memory that its requests rarely wait for them."""

CALLER_BYTES: Final = 1024 * 1024
"""Bytes of the small bodies of a caller that are in memory, and of its short ones."""


def _queue(size: int) -> FairQueue:
    """Return a queue of bodies of at most ``size`` bytes; only those of one caller wait for one another."""
    return FairQueue(slots=sys.maxsize, per_caller=CALLER_BYTES // size)


@dataclass(frozen=True, slots=True)
class BodyQueues:
    """The queues: ``small`` and ``short`` for bodies of at most SMALL and LONG_JSON bytes, and two for long ones.

    Those in ``arriving`` are read, or wait for one of the slots of all callers in ``long``.
    """

    small: FairQueue = field(default_factory=lambda: _queue(SMALL))
    short: FairQueue = field(default_factory=lambda: _queue(LONG_JSON))
    arriving: FairQueue = field(default_factory=lambda: FairQueue(slots=sys.maxsize, per_caller=4))
    long: FairQueue = field(default_factory=lambda: FairQueue(spare=16))

    def slot(self, caller: Hashable, size: int) -> AbstractAsyncContextManager[None]:
        """Return a slot for a body of ``size`` bytes, before any of it is read; nothing for a tiny one.

        Raises LimitError at entry if too many bodies of the caller wait.
        """
        if size <= TINY:
            return nullcontext()
        queue = self.small if size <= SMALL else self.short if size <= LONG_JSON else self.arriving
        return queue.slot(caller)
