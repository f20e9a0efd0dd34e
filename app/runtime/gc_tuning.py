"""Tunes the garbage collector: small collections under load, a full one while the process is idle.

A collection holds the event loop, so it must be short. One of CPython takes about 0.5 microseconds for each object that
it visits, and the response of a long list has some 100,000. With the defaults a long query visits the schema, the
policy and every module several times. Start-up objects are therefore frozen, and both younger generations are small.
Full collections run only in :func:`collect_while_idle`: nearly all cycles become garbage soon after their creation.
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
"""Collections of the youngest generation between two of the middle one, so that this visits 60,000 objects at most."""

_NEVER: Final = 2**31 - 1
INTERVAL_SECONDS: Final = 5.0
"""Length of the intervals in which the CPU time of the process is measured."""

IDLE_SHARE: Final = 0.1
"""Share of an interval that a process may use a CPU and still count as idle."""

MAX_POSTPONED_SECONDS: Final = 120.0
"""Seconds after which a full collection no longer waits for an idle interval."""


@asynccontextmanager
async def short_collections() -> AsyncIterator[None]:
    """Exclude all objects that exist now from collections, and keep collections short until exit.

    Enter once, when the process is ready to serve.
    """
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD, _NEVER)
    idle = asyncio.create_task(collect_while_idle())
    try:
        yield
    finally:
        idle.cancel()
        gc.set_threshold(*before)
        gc.unfreeze()


async def collect_while_idle() -> None:
    """Run until cancelled: collect all garbage after an interval in which the process was nearly idle.

    Intervals without a collection of the middle generation since the last full one have nothing to collect. A process
    that is never idle collects after MAX_POSTPONED_SECONDS.
    """
    last = time.monotonic()
    while True:
        before = time.process_time()
        await asyncio.sleep(INTERVAL_SECONDS)
        idle = time.process_time() - before < IDLE_SHARE * INTERVAL_SECONDS
        if gc.get_count()[2] and (idle or time.monotonic() - last > MAX_POSTPONED_SECONDS):
            collect()
            last = time.monotonic()


def collect() -> None:
    """Collect all garbage, and return the free memory to the system where the C library can (glibc)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
