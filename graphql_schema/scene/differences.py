"""The differences between two states of a graph: keys that one or both of them have, compared by their members.

A calculation over plain values. A member is an id: of an asset, a version or a run, or of an edge.
"""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from enum import Enum
from itertools import chain
from typing import Final, Generic, NamedTuple, TypeVar

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts


@strawberry.enum(description="How something differs between two states.")
class LineageChange(Enum):
    """How something differs between two states."""

    ADDED = value("ADDED", description="Only the state `to` has it.")
    REMOVED = value("REMOVED", description="Only the state `from` has it.")
    CHANGED = value("CHANGED", description="Both states have the asset or edge, with other versions or runs.")


Key = TypeVar("Key", bound=str | tuple[str, str, str])
"""The key of an asset; of an edge, those of its ends with the relation between them, as in its id."""

Members = Mapping[Key, Sequence[str]]
"""Ids of the members by key; a key has at least one."""


_UNORDERED: Final = 1_000
"""Number of differences that are kept before all but the first ones are left out."""


class Difference(NamedTuple, Generic[Key]):
    """A key with its change and its members in each state."""

    key: Key
    change: LineageChange
    before: Sequence[str]
    after: Sequence[str]


class Comparison(NamedTuple, Generic[Key]):
    """The first differences by key, and the number of all by change, and of equal keys: `DifferenceCounts`."""

    first: Sequence[Difference[Key]]
    counts: Mapping[str, int]


def members_by(pairs: Iterable[tuple[Key, str]]) -> Generator[None, None, dict[Key, list[str]]]:
    """Return the members of each key, from pairs of a key and a member, in order and each once; pauses after each.

    All edges between the versions of two models have one key, so their members are put in order in parts.
    """
    found = defaultdict[Key, list[str]](list)
    for key, member in pairs:
        found[key].append(member)
        yield
    for key, members in found.items():
        if len(members) > 1:
            found[key] = yield from sorted_in_parts([*dict.fromkeys(members)], str)
        yield
    return found


def differences(before: Members[Key], after: Members[Key], limit: int) -> Generator[None, None, Comparison[Key]]:
    """Return the keys that only one state has, or that have other members in the two, at most ``limit`` of them.

    Pauses after each key. No long list is put in order, because that cannot be divided.
    """
    found: list[Difference[Key]] = []
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
