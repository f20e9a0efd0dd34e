"""The order of the versions of an asset that have the same time.

A successor by `PRECEDES` is newer, then the version whose name is greater (:func:`name_key`), then the smaller id comes
first.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable
from functools import lru_cache
from heapq import heappop, heappush, merge
from itertools import islice
from operator import itemgetter
from typing import Final

from packaging.version import InvalidVersion, Version

from graphql_schema.catalog.urn import parse_urn

NameKey = tuple[bool, Version, tuple[tuple[bool, int, str], ...]]
"""The place of a name of a version in the natural order; a greater key is newer."""

_NO_VERSION = Version("0")

_PART: Final = 200
"""Number of names that are put in order between two pauses: about a millisecond."""


@lru_cache(maxsize=16_384)
def name_key(name: str) -> NameKey:
    """Return the place of a name in the natural order.

    A name that PEP 440 parses has the place of PEP 440. Other names are older than these. They are compared from left
    to right, with their digits as numbers; a number is older than a text.
    """
    try:
        return True, Version(name), ()
    except InvalidVersion:
        parts = re.findall(r"\d+|\D+", name)
        return False, _NO_VERSION, tuple((not part.isdecimal(), _number(part), part) for part in parts)


def _number(part: str) -> int:
    return int(part) if part.isdecimal() else 0


@lru_cache(maxsize=16_384)
def _key_of(urn: str) -> NameKey:
    return name_key(parse_urn(urn).version or "")


def newest_first(urns: Iterable[str], precedes: Collection[tuple[str, str]]) -> Generator[None, None, list[str]]:
    """Return the URNs of versions of the same time, newest first; pauses after some of them.

    ``precedes`` are pairs of an older and a newer version; a pair with a URN not in ``urns`` is ignored. If the pairs
    form a circle, none of them counts.
    """
    by_name = yield from _by_name(urns)
    if not precedes:
        return by_name
    rank = {urn: place for place, urn in enumerate(by_name)}
    older: dict[str, list[str]] = defaultdict(list)
    newer = dict.fromkeys(by_name, 0)
    """For each version the number of its successors that are not in the result yet."""
    for predecessor, successor in set(precedes):
        if predecessor in rank and successor in rank:
            older[successor].append(predecessor)
            newer[predecessor] += 1
    found: list[str] = []
    ready = [rank[urn] for urn, count in newer.items() if not count]
    while ready:
        found.append(urn := by_name[heappop(ready)])
        for predecessor in older.get(urn, ()):
            newer[predecessor] -= 1
            if not newer[predecessor]:
                heappush(ready, rank[predecessor])
        yield
    return found if len(found) == len(by_name) else by_name


def _by_name(urns: Iterable[str]) -> Generator[None, None, list[str]]:
    """Return URNs by name, the greatest first, then by id; the keys of names are compared part by part."""
    remaining, parts = iter(sorted(urns)), []
    while part := [(_key_of(urn), urn) for urn in islice(remaining, _PART)]:
        parts.append(sorted(part, key=itemgetter(0), reverse=True))
        yield
    found: list[str] = []
    for _, urn in merge(*parts, key=itemgetter(0), reverse=True):
        found.append(urn)
        yield
    return found
