"""Frees graphql-core's visitors of a document when they have visited it.

A visitor keeps its own methods in its cache ``enter_leave_map``, so it is in a cycle of references. The visitors of one
validation are some 900 objects, and refer to the document. Without this module they would wait for the garbage
collector, and those that are alive during a collection would be kept for long (:mod:`app.runtime.gc_tuning`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from graphql.language import Visitor

_made: Final = ContextVar[list[Visitor] | None]("made", default=None)
_init = Visitor.__init__


def _recorded_init(visitor: Visitor) -> None:
    """Initialize a visitor, and record it for :func:`freed_visitors`."""
    _init(visitor)
    made = _made.get()
    if made is not None:
        made.append(visitor)


Visitor.__init__ = _recorded_init  # type: ignore[method-assign,assignment]  # validation makes visitors that it does not return


@contextmanager
def freed_visitors() -> Iterator[None]:
    """Empty the caches of all visitors that are made inside, at exit."""
    made: list[Visitor] = []
    token = _made.set(made)
    try:
        yield
    finally:
        _made.reset(token)
        for visitor in made:
            visitor.enter_leave_map.clear()
