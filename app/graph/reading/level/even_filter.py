"""Filters whose time does not disclose whether something hidden meets one of their tests.

A substring, a pattern or a beginning takes the index long: it is compared with all terms of a property, also with those
that the caller made for this purpose. The index has parts, and Lucene passes a part in which one test of a
conjunction has no match. So a long test beside a guess took long only if some asset met the guess, although the policy
kept this asset from the result.

Each element of a filter with a long test therefore gets one more branch, IN_ALL_PARTS, with a match in nearly every
part. A last element excludes what only this branch matches.

A branch with a long test and others would be passed as well, so the conditions of callers make none
(:mod:`app.graph.reading.access.spread_conditions`). What the policy adds to a branch is about the caller's own rights.
"""

from itertools import chain
from typing import Final

from app.graph.reading.level.index_tests import Branch, IndexFilter, IndexTest
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import ATTACHED_KINDS

IN_ALL_PARTS: Final[Branch] = (("in", "action", (ChangeAction.REGISTERED.name,)),)
"""Matched by the change of each registration, which the index gets together with the registered asset."""

NO_CHANGES: Final[list[Branch]] = [(("out", "kind", (ATTACHED_KINDS["Change"].code,)),)]
"""Matched by all vertices but changes."""

_LONG: Final = frozenset({"regex", "prefix", "termPrefix", "wordPrefix"})
_RANGES: Final = frozenset({"above", "below", "least", "most"})


def even(filter_: IndexFilter) -> IndexFilter:
    """Return a filter that the same assets match, and whose long tests are made in all parts of the index.

    It is the given one if it has no long test, or no other element.
    """
    tests = chain.from_iterable(chain.from_iterable(filter_))
    if len(filter_) == 1 or not any(map(_is_long, tests)):
        return filter_
    return [*([*element, IN_ALL_PARTS] for element in filter_), NO_CHANGES]


def _is_long(test: IndexTest) -> bool:
    """Return whether the index compares many terms: also for a range of texts, and not for one of numbers."""
    operator, _, value = test
    return operator in _LONG or (operator in _RANGES and isinstance(value, str))
