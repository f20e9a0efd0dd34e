"""Frees what a large operation has read a little at a time, because to free all of it at once holds the event loop.

A reference to the rows, levels and walks of an operation is often the last one to hundreds of thousands of objects,
which CPython frees in one call. Here each object is taken apart before it is freed: what it refers to is kept on a
list, and so is freed after it. What others refer to as well, such as entries of the graph cache, is left as it is.

Between two parts, it waits for a turn as an operation does, first among those that wait. If parts were freed in each
iteration of the event loop, they would delay each operation by some 50 of them.

Containers are emptied in parts. Their rows, records and short lists are freed as they are: each leads to some thousand
objects at most, and in an ordinary estate to few.
"""

import asyncio
import gc
import sys
import time
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

from graphql_schema.ports.row import MaskedRecord
from graphql_schema.ports.turns.loop_turns import TURNS

REST_SECONDS: Final = 0.05
"""Seconds before the first object is freed: cancelled tasks of the operation end meanwhile, and refer to its rows."""

PART_SECONDS: Final = 0.001
"""Seconds in which objects are freed in one turn of the event loop, for each of up to MAX_PARTS lists that wait."""

MAX_PARTS: Final = 2
"""Number of these parts in one turn, if as many lists wait.

With three, a turn would have no time for anything else: a new operation of 8 ms took 147 ms beside eight long ones.
With two it takes 26 ms, and as much is freed.
"""

AT_ONCE: Final = 10
"""Number of objects that are freed before the time is looked at: up to 0.5 ms for each row with thousands of values."""

_OWN: Final = 2
"""References to an object that nothing else refers to: a local variable, and the argument of the function that counts.
"""


class _Tree(list[object]):
    """Mappings and lists of a response, whose other values are scalars; each is taken apart, whatever its size."""


@dataclass(slots=True)
class GradualRelease:
    """Frees objects in turns of the event loop, those first that were given first; waits as an operation does."""

    pauses: int = 0
    """Always 0, so that it continues before operations that have paused."""
    continued: int = 0
    _roots: deque[list[object]] = field(default_factory=deque)
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_done(self) -> bool:
        """Whether all that was given is freed."""
        return not self._roots

    def free(self, objects: list[object]) -> None:
        """Free what only a list refers to, directly or over other objects; the list becomes empty."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._roots = loop, deque()  # the former loop was closed
        self._roots.append(objects)
        if len(self._roots) == 1:
            loop.call_later(REST_SECONDS, self._go_on, context=Context())

    def free_response(self, data: object) -> None:
        """Free the mappings and lists of a response in turns: half a million take 60 ms. Nothing else changes."""
        self.free(_Tree([data]))

    def _go_on(self) -> None:
        """Free objects for a part of this turn, unless it is over, and go on in a later one."""
        until = time.perf_counter() + PART_SECONDS * min(len(self._roots), MAX_PARTS)
        try:
            while self._roots and not TURNS.is_over():
                if _freed(self._roots[0], AT_ONCE):
                    self._roots.popleft()
                if time.perf_counter() >= until:
                    break
        finally:  # an object that raises when it is taken apart is off the list, and the others are freed
            if self._roots:
                TURNS.call_later(self, self._go_on)


def _freed(objects: list[object], count: int) -> bool:
    """Free some of what only a list refers to, about ``count`` objects, and return whether the list is empty."""
    if isinstance(objects, _Tree):
        return _tree_is_freed(objects, count)
    while objects and count > 0:
        last = objects.pop()
        count -= 1
        if sys.getrefcount(last) != _OWN or isinstance(last, set | frozenset):
            continue
        if isinstance(last, list) and len(last) > AT_ONCE:
            objects += (last, *filter(_may_be_large, last[-AT_ONCE:]))
            del last[-AT_ONCE:]
            count -= AT_ONCE
        elif isinstance(last, dict) and len(last) > AT_ONCE:
            objects.append(last)
            objects += filter(_may_be_large, [last.popitem()[1] for _ in range(AT_ONCE)])
            count -= AT_ONCE
        else:
            objects += filter(gc.is_tracked, gc.get_referents(last))
    return not objects


def _tree_is_freed(tree: _Tree, count: int) -> bool:
    for _ in range(min(count, len(tree))):
        last = tree.pop()
        values = last.values() if isinstance(last, dict) else last if isinstance(last, list) else ()
        tree += [each for each in values if isinstance(each, dict | list)]
    return not tree


def _may_be_large(entry: object) -> bool:
    """Return whether an entry of a container may lead to more objects than a record or a row, whose keys are texts."""
    if isinstance(entry, list | tuple):
        return len(entry) > AT_ONCE or any(isinstance(each, list | tuple) for each in entry)
    if isinstance(entry, dict):
        return len(entry) > AT_ONCE and not isinstance(next(iter(entry)), str)
    return gc.is_tracked(entry) and not isinstance(entry, MaskedRecord)


RELEASE: Final = GradualRelease()
"""What the ended operations of this process have read."""
