"""Tunes the garbage collector: small collections under load, a full one while the process is idle.

A collection holds the event loop, so it must be short. One of CPython takes 0.1 to 1.3 microseconds for each object
that it visits, and the response of a long list has some 100,000. With the defaults a long query visits the schema, the
policy and every module several times. Start-up objects are therefore frozen, and both younger generations are small.
Full collections run only in :class:`Collector`, while the process is idle, and as soon as the old generation has grown.
So each has little to visit, also while one operation reads millions of objects. Nearly all cycles become garbage soon
after their creation, and the rows of an operation are in no cycle.

What outlives a full collection is frozen, too: the graph cache may have a million objects, and to visit them takes half
a second. They are freed as before, except for cycles. So what lives as long as a request must be in no cycle when it
ends (:func:`graphql_schema.operation.execution.BudgetedExecution.build`), and so must a connection. If there are a
million more frozen objects than the graph cache explains, they are visited nevertheless.
"""

import asyncio
import ctypes
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

YOUNG_THRESHOLD: Final = 5_000
"""Net allocations between two collections of the youngest generation; the default of Python 3.11 is 700."""

MIDDLE_THRESHOLD: Final = 2
"""Collections of the youngest generation between two of the middle one."""

MIDDLE_OBJECTS: Final = YOUNG_THRESHOLD * (MIDDLE_THRESHOLD + 2)
"""Maximal number of objects that a collection of the middle generation visits and adds to the old one."""

_NEVER: Final = 2**31 - 1
INTERVAL_SECONDS: Final = 1.0
"""Length of the intervals in which the CPU time of the process is measured."""

IDLE_SHARE: Final = 0.1
"""Share of an interval that a process may use a CPU and still count as idle."""

FROZEN_OBJECTS: Final = 1_000_000
"""Number of unexplained frozen objects above which all frozen objects are visited, in an idle interval.

Unexplained are those which the graph cache does not have by estimate, without what was frozen at the start. They are
counted once that many may have been frozen since the last count; in a busy process after BUSY_FACTOR times as many.
"""

CACHED_BYTES: Final = 256
"""Bytes of the graph cache, by its estimate, for each object that it explains; 390 were measured in an estate."""

BUSY_FACTOR: Final = 5


@asynccontextmanager
async def short_collections(cached_bytes: Callable[[], int] = lambda: 0) -> AsyncIterator[None]:
    """Exclude all objects that exist now from collections, and keep collections short until exit.

    Enter once, when the process is ready to serve. ``cached_bytes`` returns the size of the graph cache.
    """
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD, _NEVER)
    collector = Collector(cached_bytes)
    tasks = [asyncio.create_task(each) for each in (collector.collect_when_idle(), collector.collect_what_grows())]
    gc.callbacks.append(collector.observe)
    try:
        yield
    finally:
        gc.callbacks.remove(collector.observe)
        for task in tasks:
            task.cancel()
        gc.set_threshold(*before)
        gc.unfreeze()


class Collector:
    """Collects all garbage, and freezes what outlives a collection; make it in the event loop.

    ``cached_bytes`` returns the size of the graph cache. ``_explained`` is the number of frozen objects without those
    of the graph cache, at the start or after the last visit of all.
    """

    def __init__(self, cached_bytes: Callable[[], int] = lambda: 0) -> None:
        self._cached_bytes = cached_bytes
        self._explained = self._count()
        self._frozen = 0
        self._is_trimmed = True
        self._grown = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def observe(self, phase: str, info: Mapping[str, int]) -> None:
        """Note that the old generation has grown, after each collection of the middle one, in any thread."""
        if phase == "stop" and info["generation"] == 1:
            self._loop.call_soon_threadsafe(self._grown.set)

    async def collect_what_grows(self) -> None:
        """Run until cancelled: collect garbage after each collection of the middle generation.

        If it waited for several of them, it would hold the event loop for longer.
        """
        while True:
            await self._grown.wait()
            self._grown.clear()
            self._collect()
            self._collect_frozen(FROZEN_OBJECTS * BUSY_FACTOR)

    async def collect_when_idle(self) -> None:
        """Run until cancelled: collect garbage after an interval in which the process was nearly idle.

        Without a collection of the younger generations since the last full one, there is nothing to collect. After an
        interval with any collection, free memory is released to the operating system.
        """
        while True:
            before = time.process_time()
            await asyncio.sleep(INTERVAL_SECONDS)
            if time.process_time() - before < IDLE_SHARE * INTERVAL_SECONDS:
                if any(gc.get_count()[1:]):
                    self._collect()
                self._collect_frozen(FROZEN_OBJECTS)
            if not self._is_trimmed:
                self._is_trimmed = True
                await asyncio.to_thread(trim)  # the next collection does not wait for the side thread

    def _collect(self) -> None:
        """Collect garbage, and freeze the rest."""
        gc.collect()
        gc.freeze()
        self._frozen += MIDDLE_OBJECTS
        self._is_trimmed = False

    def _collect_frozen(self, least: int) -> None:
        """Collect the garbage among the frozen objects, if FROZEN_OBJECTS of them are unexplained.

        They are not counted before ``least`` objects may have been frozen since the last count.
        """
        if self._frozen <= least:
            return
        self._frozen = 0
        if self._count() > self._explained + FROZEN_OBJECTS:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._explained = self._count()

    def _count(self) -> int:
        """Return the number of frozen objects, without those of the graph cache."""
        return gc.get_freeze_count() - self._cached_bytes() // CACHED_BYTES


def trim() -> None:
    """Release free memory to the operating system; no effect without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
