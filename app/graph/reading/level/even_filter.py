"""Filters whose time does not disclose whether something hidden meets one of their tests.

A substring, a pattern or a beginning takes the index long: it is compared with all terms of a property, also with those
that the caller made for this purpose. So does a range, of which all assets are collected. The index has parts, and
Lucene passes a part in which one test of a conjunction has no match. So a long test beside a guess took long only if
some asset met the guess, although the policy kept this asset from the result. In such a filter:

- Long tests come first. The Lucene of the embedded store makes them before it finds that another test has no match.
- Each element has a further branch, because JanusGraph passes elements of one branch to the index before others.

Elasticsearch begins with the tests that match least. For it, the further branch is CHANGES, and a last element excludes
what only this branch matches. A part with an asset that was written has its change as well. One may have none if usage
was recorded since, which is no change. For the embedded index it is NOTHING, which takes no time.

A branch with a long test beside a guess would be passed as well, so the conditions of callers make none
(:mod:`app.graph.reading.access.spread_conditions`). What the policy adds to a branch is about the caller's own rights.
"""

from itertools import chain
from typing import Final

from app.graph.reading.level.index_tests import Branch, IndexFilter, IndexTest
from graphql_schema.catalog.kinds import ATTACHED_KINDS

_CHANGE: Final = (ATTACHED_KINDS["Change"].code,)

CHANGES: Final[Branch] = (("in", "kind", _CHANGE),)
"""Matched by all changes; the index gets each of them together with the changed asset."""

NO_CHANGES: Final[list[Branch]] = [(("out", "kind", _CHANGE),)]
"""Matched by all vertices but changes."""

NOTHING: Final[Branch] = (("in", "kind", ("NOTHING",)),)
"""Matched by no vertex: the level statement has it in place of CHANGES for the embedded index."""

_LONG: Final = frozenset({"regex", "prefix", "termPrefix", "wordPrefix"})
_RANGES: Final = frozenset({"above", "below", "least", "most"})


def even(filter_: IndexFilter) -> IndexFilter:
    """Return a filter that the same assets match, and whose long tests are made in all parts of the index.

    It is the given one if it has no long test, or no other element.
    """
    if len(filter_) == 1 or not any(map(_has_long, filter_)):
        return filter_
    ordered = sorted((_long_first(element) for element in filter_), key=_has_long, reverse=True)
    return [*([*element, CHANGES] for element in ordered), NO_CHANGES]


def listed(part: object) -> object:
    """Return a part of a filter as the level statement gets it: with lists in place of tuples."""
    return [*map(listed, part)] if isinstance(part, list | tuple) else part


def _long_first(element: list[Branch]) -> list[Branch]:
    """Return an element whose branches have their long tests first, and come first if they have one."""
    branches = [tuple(sorted(branch, key=_is_long, reverse=True)) for branch in element]
    return sorted(branches, key=lambda branch: any(map(_is_long, branch)), reverse=True)


def _has_long(element: list[Branch]) -> bool:
    return any(map(_is_long, chain.from_iterable(element)))


def _is_long(test: IndexTest) -> bool:
    """Return whether the index compares many terms, or collects all vertices in a range before others are excluded.

    The range of `deletedAt` is in each filter of assets, and is no longer than the list of all assets.
    """
    operator, key, _ = test
    return operator in _LONG or (operator in _RANGES and key != "deletedAt")
