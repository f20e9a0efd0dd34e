"""Sorts in parts, with pauses: one call that sorts tens of thousands of items would hold all threads."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from heapq import merge
from typing import Final, TypeVar

from graphql_schema.ports.record import Position

ItemT = TypeVar("ItemT")
TupleT = TypeVar("TupleT", bound=tuple[str | int, ...])
KeyT = TypeVar("KeyT", str, Position)

PART: Final = 500
"""Number of items that are sorted between two pauses: less than a millisecond."""


def sorted_in_parts(items: Sequence[ItemT], key: Callable[[ItemT], KeyT]) -> Generator[None, None, list[ItemT]]:
    """Return the items in the order of their keys; pauses after each part, and then after each item."""
    parts: list[list[ItemT]] = []
    for part in _parts(items, key):
        parts.append(part)
        yield
    if len(parts) <= 1:
        return [item for part in parts for item in part]
    found: list[ItemT] = []
    for item in merge(*parts, key=key):
        found.append(item)
        yield
    return found


def sorted_in_runs(items: Iterable[TupleT]) -> list[TupleT]:
    """Return the items in order; for the side thread, because other threads run between two parts.

    It takes about three times as long as one call.
    """
    return [*merge(*_parts([*items], None))]


def _parts(items: Sequence[ItemT], key: Callable[[ItemT], KeyT] | None) -> Iterator[list[ItemT]]:
    """Yield parts of the items, each in the order of ``key``, or of the items themselves if it is None."""
    for begin in range(0, len(items), PART):
        yield sorted(items[begin : begin + PART], key=key)  # type: ignore[type-var,arg-type]  # no key: tuples
