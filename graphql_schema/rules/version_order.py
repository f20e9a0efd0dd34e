"""The order of the versions of an asset that have the same time.

A successor by `PRECEDES` is newer, then the version whose name is greater (:func:`name_key`), then the smaller id comes
first.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from functools import lru_cache
from heapq import heappop, heappush, merge
from itertools import islice
from operator import itemgetter
from typing import Final, TypeVar
from urllib.parse import unquote

from packaging.version import InvalidVersion, Version

ItemT = TypeVar("ItemT")

NameKey = str
"""The place of a name of a version in the natural order; a greater key is newer.

It is one text, because a tuple of the parts of a name takes many times its memory, and is compared part by part. A
number in it begins with the number of its digits. A part of variable length ends with a character less than its own.
"""

MAX_KEPT: Final = 64
"""Maximal number of characters of a name whose key is kept: name and key take at most 2 KB."""

_PART: Final = 200
"""Number of names that are put in order between two pauses: less than a millisecond."""

_NUMBERS: Final = re.compile(r"(\d+)")


def name_key(name: str) -> NameKey:
    """Return the place of a name in the natural order; its time grows with the length of the name.

    A name that PEP 440 parses has the place of PEP 440. Other names are older than these. They are compared from left
    to right, with their digits as numbers; a number is older than a text.
    """
    return _kept_key(name) if len(name) <= MAX_KEPT else _kept_key.__wrapped__(name)


@lru_cache(maxsize=16_384)
def _kept_key(name: str) -> NameKey:
    try:
        return "\1" + _pep_440(Version(name))
    except InvalidVersion:
        return "\0" + _natural(name)


def _pep_440(version: Version) -> str:
    """Return a text that is compared as the version is by `packaging`: epoch, release, pre, post, dev, local."""
    release = "".join("\1" + _number(each) for each in _without_zeros(version.release))
    is_dev_alone = version.pre is None and version.post is None and version.dev is not None
    pre = "".join((version.pre[0], _number(version.pre[1]))) if version.pre else "\0" if is_dev_alone else "~"
    post = "\0" if version.post is None else "\1" + _number(version.post)
    dev = "\1" if version.dev is None else "\0" + _number(version.dev)
    local = "\0" if version.local is None else "".join(map(_segment, version.local.split(".")))
    return f"{_number(version.epoch)}{release}\0{pre}{post}{dev}{local}"


def _without_zeros(release: Sequence[int]) -> Sequence[int]:
    """Return the numbers of a release up to the last one that is not 0."""
    return release[: next((at for at in range(len(release), 0, -1) if release[at - 1]), 0)]


def _segment(text: str) -> str:
    """Return a segment of a local version as it is compared: a text is older than a number."""
    return "\2" + _number(int(text)) if text.isdecimal() else "\1" + text


def _natural(name: str) -> str:
    r"""Return a text that is compared as the numbers and texts of a name are.

    A number begins and ends with ``\0``, so that it is less than a text. Its digits are repeated as they are given,
    because they decide between equal numbers, such as 1 and 01. In a text, ``\0`` and ``\1`` are made greater.
    """
    parts = _NUMBERS.split(name.replace("\1", "\1\2").replace("\0", "\1\1"))
    for at in range(1, len(parts), 2):
        parts[at] = f"\0{_number(int(parts[at]))}{parts[at]}\0"
    return "".join(parts)


def _number(value: int) -> str:
    """Return a number as it is compared: by the number of its digits, then by these."""
    digits = str(value)
    return chr(len(digits)) + digits


def _key_of(urn: str) -> NameKey:
    return name_key(unquote(urn.rpartition("@")[2]))


def newest_first(urns: Iterable[str], successors: Mapping[str, Collection[str]]) -> Generator[None, None, list[str]]:
    """Return the URNs of versions of the same time, newest first; pauses after each of them.

    ``successors`` has the URNs of newer versions by that of an older one; URNs not in ``urns`` are ignored. If the
    versions form a circle, none of their successors counts.
    """
    by_name = yield from _by_name(urns)
    if not successors:
        return by_name
    rank = {urn: place for place, urn in enumerate(by_name)}
    older: dict[str, list[str]] = defaultdict(list)
    newer = dict.fromkeys(by_name, 0)
    """For each version the number of its successors that are not in the result yet."""
    for predecessor in by_name:
        for successor in rank.keys() & successors.get(predecessor, ()):
            older[successor].append(predecessor)
            newer[predecessor] += 1
        yield
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
    """Return URNs by name, the greatest first, then by id."""
    named: list[tuple[NameKey, str]] = []
    for urn in (yield from _in_order(urns, key=str)):
        named.append((_key_of(urn), urn))
        yield
    return [urn for _, urn in (yield from _in_order(named, key=itemgetter(0), reverse=True))]


def _in_order(
    items: Iterable[ItemT], *, key: Callable[[ItemT], str], reverse: bool = False
) -> Generator[None, None, list[ItemT]]:
    """Return the items in order, equal ones as they are given; pauses after each part and each item."""
    remaining, parts = iter(items), list[list[ItemT]]()
    while part := list(islice(remaining, _PART)):
        parts.append(sorted(part, key=key, reverse=reverse))
        yield
    found: list[ItemT] = []
    for item in merge(*parts, key=key, reverse=reverse):
        found.append(item)
        yield
    return found
