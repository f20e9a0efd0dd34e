"""The differences between two states of a graph: keys that one or both of them have, compared by their members.

A calculation over plain values. A member is an id: of an asset, a version or a run, or of an edge.
"""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from enum import Enum
from itertools import chain
from typing import Final, NamedTuple

import strawberry

from graphql_schema.catalog.enums import value


@strawberry.enum(description="How something differs between two states.")
class LineageChange(Enum):
    """How something differs between two states."""

    ADDED = value("ADDED", description="Only the state `to` has it.")
    REMOVED = value("REMOVED", description="Only the state `from` has it.")
    CHANGED = value("CHANGED", description="Both states have the asset or edge, with other versions or runs.")


Members = Mapping[str, Sequence[str]]
"""Ids of the members by key; a key has at least one."""


_UNORDERED: Final = 1_000
"""Number of differences that are kept before all but the first ones are left out."""


class Difference(NamedTuple):
    """A key with its change and its members in each state."""

    key: str
    change: LineageChange
    before: Sequence[str]
    after: Sequence[str]


class Comparison(NamedTuple):
    """The first differences by key, and the number of all by change, and of equal keys: `DifferenceCounts`."""

    first: Sequence[Difference]
    counts: Mapping[str, int]


def members_by(pairs: Iterable[tuple[str, str]]) -> Generator[None, None, dict[str, list[str]]]:
    """Return the members of each key, from pairs of a key and a member, in order and each once; pauses after each."""
    found = defaultdict[str, list[str]](list)
    for key, member in pairs:
        found[key].append(member)
        yield
    for key, members in found.items():
        if len(members) > 1:
            found[key] = sorted({*members})
        yield
    return found


def differences(before: Members, after: Members, limit: int) -> Generator[None, None, Comparison]:
    """Return the keys that only one state has, or that have other members in the two, at most ``limit`` of them.

    Pauses after each key. No long list is put in order, because that cannot be divided.
    """
    found: list[Difference] = []
    counts = Counter[LineageChange | None]()
    for key in chain(before, (key for key in after if key not in before)):
        old, new = before.get(key, ()), after.get(key, ())
        change = _change(old, new)
        counts[change] += 1
        if change is not None:
            found.append(Difference(key, change, old, new))
        if len(found) > 2 * limit + _UNORDERED:
            found = sorted(found)[:limit]
        yield
    return Comparison(
        sorted(found)[:limit],
        {
            "added": counts[LineageChange.ADDED],
            "removed": counts[LineageChange.REMOVED],
            "changed": counts[LineageChange.CHANGED],
            "same": counts[None],
        },
    )


def _change(old: Sequence[str], new: Sequence[str]) -> LineageChange | None:
    """Return how the members of a key differ; None if they are equal."""
    if not old:
        return LineageChange.ADDED
    if not new:
        return LineageChange.REMOVED
    return None if list(old) == list(new) else LineageChange.CHANGED
