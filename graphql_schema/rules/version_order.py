"""The order of the versions of an asset that have the same time.

A successor by `PRECEDES` is newer, then the version whose name is greater (:func:`name_key`), then the smaller id comes
first.
"""

import heapq
import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter

from packaging.version import InvalidVersion, Version

from graphql_schema.catalog.urn import parse_urn

NameKey = tuple[bool, Version, tuple[tuple[bool, int, str], ...]]
"""The place of a name of a version in the natural order; a greater key is newer."""

_NO_VERSION = Version("0")


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


def newest_first(urns: Iterable[str], precedes: Collection[tuple[str, str]]) -> list[str]:
    """Return the URNs of versions of the same time, newest first.

    ``precedes`` are pairs of an older and a newer version; a pair with a URN not in ``urns`` is ignored. If the pairs
    form a circle, none of them counts.
    """
    by_name = sorted(sorted(urns), key=_key_of, reverse=True)
    if not precedes:
        return by_name
    rank = {urn: place for place, urn in enumerate(by_name)}
    newer: dict[str, set[str]] = {urn: set() for urn in by_name}
    for older, successor in precedes:
        if older in rank and successor in rank:
            newer[older].add(successor)
    sorter = TopologicalSorter(newer)
    try:
        sorter.prepare()
    except CycleError:
        return by_name
    found: list[str] = []
    ready = [rank[urn] for urn in sorter.get_ready()]
    heapq.heapify(ready)
    while ready:
        urn = by_name[heapq.heappop(ready)]
        found.append(urn)
        sorter.done(urn)
        for freed in sorter.get_ready():
            heapq.heappush(ready, rank[freed])
    return found
