"""Tunes the garbage collector: small collections under load, a full one while the process is idle.

A collection holds the event loop, so it must be short. One of CPython takes about 0.5 microseconds for each object that
it visits, and the response of a long list has some 100,000. With the defaults a long query visits the schema, the
policy and every module several times. Start-up objects are therefore frozen, and both younger generations are small.
Full collections run only in :func:`collect_regularly`, so often that each has little to visit. Nearly all cycles become
garbage soon after their creation, and the rows of an operation are in no cycle.

What outlives a full collection is frozen, too: the graph cache may have a million objects, and to visit them takes half
a second. They are freed as before, except for cycles: these wait until so much is frozen that all of it is visited.
"""

import asyncio
import ctypes
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

YOUNG_THRESHOLD: Final = 10_000
"""Net allocations between two collections of the youngest generation; the default of Python 3.11 is 700."""

MIDDLE_THRESHOLD: Final = 5
"""Collections of the youngest generation between two of the middle one, which then visits some 60,000 objects."""

_NEVER: Final = 2**31 - 1
INTERVAL_SECONDS: Final = 1.0
"""Length of the intervals in which the CPU time of the process is measured."""

IDLE_SHARE: Final = 0.1
"""Share of an interval that a process may use a CPU and still count as idle."""

OLD_OBJECTS: Final = 20_000
"""Number of new objects in the old generation for which a full collection does not wait for an idle interval.

To collect this number, all of it garbage, takes some 25 ms.
"""

FROZEN_OBJECTS: Final = 1_000_000
"""Number of newly frozen objects after which all frozen objects are counted, in an idle interval.

They are visited if they are more than twice as many as after the last visit. In an interval that is not idle, they are
counted after BUSY_FACTOR times this number.
"""

BUSY_FACTOR: Final = 5


@asynccontextmanager
async def short_collections() -> AsyncIterator[None]:
    """Exclude all objects that exist now from collections, and keep collections short until exit.

    Enter once, when the process is ready to serve.
    """
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD, _NEVER)
    idle = asyncio.create_task(collect_regularly())
    try:
        yield
    finally:
        idle.cancel()
        gc.set_threshold(*before)
        gc.unfreeze()


async def collect_regularly() -> None:
    """Run until cancelled: collect all garbage after an interval in which the process was nearly idle.

    Without a collection of the middle generation since the last full one, there is nothing to collect. A busy process
    collects once the old generation has more than OLD_OBJECTS. What outlives a collection is frozen. The frozen objects
    are collected, too, if they have more than doubled.
    """
    visited, frozen = gc.get_freeze_count(), 0
    while True:
        before = time.process_time()
        await asyncio.sleep(INTERVAL_SECONDS)
        idle = time.process_time() - before < IDLE_SHARE * INTERVAL_SECONDS
        if gc.get_count()[2] and (idle or _old_objects() > OLD_OBJECTS):
            gc.collect()
            frozen += _old_objects()
            gc.freeze()
            if frozen > FROZEN_OBJECTS * (1 if idle else BUSY_FACTOR):
                visited, frozen = _collected_frozen(visited), 0
            await asyncio.to_thread(trim)  # the next collection does not wait for the side thread


def _collected_frozen(visited: int) -> int:
    """Visit the frozen objects if they are more than twice ``visited``, their number after the last visit.

    Return their number after this visit, or ``visited`` without one.
    """
    if gc.get_freeze_count() <= 2 * visited:
        return visited
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()


def _old_objects() -> int:
    """Return the number of objects in the old generation."""
    return len(gc.get_objects(generation=2))


def trim() -> None:
    """Release free memory to the operating system; no effect without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
