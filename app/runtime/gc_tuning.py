"""Tunes the garbage collector: small collections under load, a full one while the process is idle.

A collection holds the event loop, so it must be short. One of CPython takes 0.1 to 1.3 microseconds for each object
that it visits, and the response of a long list has some 100,000. With the defaults a long query visits the schema, the
policy and every module several times. Start-up objects are therefore frozen, and both younger generations are small.
Full collections run only in :class:`Collector`, while the process is idle, and as soon as the old generation has grown.
So each has little to visit, also while one operation reads millions of objects. Nearly all cycles become garbage soon
after their creation, and the rows of an operation are in no cycle.

A collection of the youngest generation begins after a number of net allocations. So while a process frees as many old
objects as it makes, none begins, and that generation grows without a bound. If it is large when a collection begins,
all generations are frozen first, unvisited. So they are if long records were decoded since the last collection. A few
of these may have lists with a million values, which are no allocations, and are visited one by one.

What outlives a full collection is frozen, too: the graph cache may have a million objects, and to visit them takes half
a second. They are freed as before, except for cycles. So what lives as long as a request must be in no cycle when it
ends (:func:`graphql_schema.operation.execution.BudgetedExecution.build`), and so must a connection. If the memory of
the process has grown by FROZEN_BYTES more than the graph cache and the running operations explain, all are visited
nevertheless, while no operation runs. In a process that is always busy they are visited if it is five times as much.
Free memory is released before, and counts no more. So callers who let the process grow cause no visit, unless what they
hold is in memory then, and one in VISIT_SECONDS at most.
"""

import asyncio
import ctypes
import gc
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

YOUNG_THRESHOLD: Final = 2_500
"""Net allocations between two collections of the youngest generation; the default of Python 3.11 is 700.

The entries of records and lists are visited one by one: a full collection of those of tens of entries takes 25 ms.
"""

MAX_YOUNG_OBJECTS: Final = 4 * YOUNG_THRESHOLD
"""Number of objects of the youngest generation above which no collection visits them; it takes 10 ns to count one."""

MAX_DECODED: Final = 2 * 1024 * 1024
"""Number of characters of records decoded since a collection, above which the next one visits nothing.

These have up to half a million short texts, which takes 25 ms. Ordinary records of YOUNG_THRESHOLD objects have less.
"""

MIDDLE_THRESHOLD: Final = 2
"""Collections of the youngest generation between two of the middle one."""

_NEVER: Final = 2**31 - 1
INTERVAL_SECONDS: Final = 1.0
"""Length of the intervals in which the CPU time of the process is measured."""

IDLE_SHARE: Final = 0.1
"""Share of an interval that a process may use a CPU and still count as idle."""

STATM: Final = Path("/proc/self/statm")
"""The sizes of the memory of this process in pages; the second one is what is resident."""

FROZEN_BYTES: Final = 256 * 1024 * 1024
"""Growth of the memory of the process, as far as it is unexplained, above which all frozen objects are visited.

Unexplained is what neither the graph cache nor the running operations have by estimate. Objects are not counted: few
of them may have megabytes of text, and CPython goes through all of them to count them, 70 ms for a million.
"""

BUSY_FACTOR: Final = 5
"""Factor of this number while the process is busy or an operation runs."""


VISIT_SECONDS: Final = 600.0
"""Seconds between two visits of all frozen objects at least: for half a second or more, no caller is served."""


def _none() -> int:
    return 0


@asynccontextmanager
async def short_collections(
    cached_bytes: Callable[[], int] = _none,
    operation_bytes: Callable[[], int] = _none,
    decoded_characters: Callable[[], int] = _none,
) -> AsyncIterator[None]:
    """Exclude all objects that exist now from collections, and keep collections short until exit.

    Enter once, when the process is ready to serve. The functions are those of :class:`Collector`.
    """
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD, _NEVER)
    collector = Collector(cached_bytes, operation_bytes, decoded_characters)
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

    ``cached_bytes`` returns the size of the graph cache, ``operation_bytes`` that of all that running operations have
    read from the store, and ``decoded_characters`` how many of records were ever decoded. ``_resident`` and ``_cached``
    are the bytes of the process and of the graph cache when they were least since the last visit of all, while no
    operation ran.
    """

    def __init__(
        self,
        cached_bytes: Callable[[], int] = _none,
        operation_bytes: Callable[[], int] = _none,
        decoded_characters: Callable[[], int] = _none,
    ) -> None:
        self._cached_bytes = cached_bytes
        self._operation_bytes = operation_bytes
        self._decoded_characters = decoded_characters
        self._decoded = decoded_characters()
        self._measure()
        self._is_trimmed = True
        self._visit_from = float("-inf")
        self._grown = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def observe(self, phase: str, info: Mapping[str, int]) -> None:
        """Freeze all before a collection if it would be long; note after a middle one that the old generation grew.

        CPython calls this in any thread.
        """
        if phase == "start":
            decoded, self._decoded = self._decoded, self._decoded_characters()
            if self._decoded - decoded > MAX_DECODED or _young_objects() > MAX_YOUNG_OBJECTS:
                gc.freeze()
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

    async def collect_when_idle(self) -> None:
        """Run until cancelled: collect garbage after an interval in which the process was nearly idle.

        Without a collection of the younger generations since the last full one, there is nothing to collect. After an
        interval with any collection, free memory is released to the operating system, and no longer looks like growth.
        Frozen objects wait for the end of all operations: these also use no CPU while they wait for the store, and a
        visit would delay them.
        """
        while True:
            before = time.process_time()
            await asyncio.sleep(INTERVAL_SECONDS)
            is_idle = time.process_time() - before < IDLE_SHARE * INTERVAL_SECONDS
            if is_idle and any(gc.get_count()[1:]):
                self._collect()
            if not self._is_trimmed:
                self._is_trimmed = True
                await asyncio.to_thread(trim)  # the next collection does not wait for the side thread
            if self._loop.time() >= self._visit_from and self._has_grown(is_idle=is_idle):
                await asyncio.to_thread(trim)
                if self._has_grown(is_idle=is_idle):
                    await self._visit_all()

    def _collect(self) -> None:
        """Collect garbage, and freeze the rest."""
        gc.collect()
        gc.freeze()
        self._is_trimmed = False

    async def _visit_all(self) -> None:
        """Collect the garbage among the frozen objects, and release its memory."""
        self._collect_frozen()
        await asyncio.to_thread(trim)
        self._measure()
        self._visit_from = self._loop.time() + VISIT_SECONDS

    def _collect_frozen(self) -> None:
        gc.freeze()  # else a large young generation would be frozen at the start of the collection, with all others
        self._decoded = self._decoded_characters()  # for the same reason
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _has_grown(self, *, is_idle: bool) -> bool:
        """Return whether the memory of the process has grown by FROZEN_BYTES that nothing explains.

        It is BUSY_FACTOR times as much unless the process is idle and no operation runs. What the graph cache and
        operations have may be a small part of their estimates. So growth counts from what the process had without
        operations. What the cache no longer has explains no growth, and is none.
        """
        reading = self._operation_bytes()
        growth = resident_bytes() - self._resident - max(0, self._cached_bytes() - self._cached)
        if growth < 0 and not reading:
            self._measure()
        return growth - reading > (1 if is_idle and not reading else BUSY_FACTOR) * FROZEN_BYTES

    def _measure(self) -> None:
        """Let growth of memory count from now on."""
        self._resident, self._cached = resident_bytes(), self._cached_bytes()


def _young_objects() -> int:
    """Return the number of objects of the youngest generation.

    The list of them is made, measured and freed within one call of C, so that no other thread runs meanwhile. A tuple
    that another thread makes from an iterator is among them, and CPython raises SystemError there if the list has it.
    """
    return next(map(len, map(gc.get_objects, (0,))))


def resident_bytes() -> int:
    """Return the bytes of memory that the process has; 0 without the files of Linux."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def trim() -> None:
    """Release free memory to the operating system; no effect without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
