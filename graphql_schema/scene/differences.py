"""The differences between two states of a graph: keys that one or both of them have, compared by their members.

A calculation over plain values. A member is an id: of an asset, a version or a run, or of an edge.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

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


class Difference(NamedTuple):
    """A key with its change and its members in each state."""

    key: str
    change: LineageChange
    before: Sequence[str]
    after: Sequence[str]


def members_by(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the members of each key, from pairs of a key and a member, in order and each once."""
    found = defaultdict[str, set[str]](set)
    for key, member in pairs:
        found[key].add(member)
    return {key: sorted(members) for key, members in found.items()}


def differences(before: Members, after: Members) -> Iterator[Difference]:
    """Yield the keys that only one state has, or that have other members in the two, ordered by key."""
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, ()), after.get(key, ())
        if old and new:
            if list(old) != list(new):
                yield Difference(key, LineageChange.CHANGED, old, new)
        else:
            yield Difference(key, LineageChange.ADDED if new else LineageChange.REMOVED, old, new)


def counted(found: Sequence[Difference], before: Members, after: Members) -> dict[str, int]:
    """Return the number of differences of each change, and of equal keys, as the source of `DifferenceCounts`."""
    changes = Counter(each.change for each in found)
    return {
        "added": changes[LineageChange.ADDED],
        "removed": changes[LineageChange.REMOVED],
        "changed": changes[LineageChange.CHANGED],
        "same": len(before.keys() | after.keys()) - len(found),
    }
