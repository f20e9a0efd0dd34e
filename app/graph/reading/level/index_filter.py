"""Conditions as filters of the mixed index, in the one form that JanusGraph answers by the index alone.

The form is that of :mod:`app.graph.reading.level.index_tests`: of each element of a filter at least one branch matches,
and of a branch every test. With deeper nesting, or with a negated group, JanusGraph loads every hit and filters in
memory without a warning: profiles of ``or(and(or(…)))`` show a full scan. A negation is therefore applied to the single
tests.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from math import ceil
from typing import Any, Final, assert_never

import orjson

from app.graph.reading.level.even_filter import even
from app.graph.reading.level.index_tests import Branch, IndexFilter, IndexTest
from graphql_schema.ports.conditions import (
    MAX_PREFIX_BYTES,
    PATTERNS_OF_SUBSTRING,
    Above,
    All,
    AnyOf,
    Below,
    Condition,
    Contains,
    Contaminated,
    HasWord,
    HealthIs,
    In,
    Leaf,
    MatchesPattern,
    Negated,
    SortOrder,
    StartsWith,
    UnusedFor,
    Value,
)
from policies.errors import InvalidError, LimitError

NO_VERTEX: Final[IndexFilter] = [[(("in", "urn", ()),)]]
"""The filter that no vertex matches. JanusGraph would also drop other branches next to it, so it is always alone."""

MAX_DISJUNCTS: Final = 250
"""Maximum number of branches to which one element of a filter may expand; the store refuses more than 254."""

MAX_TESTS: Final = 40_000
"""Maximum number of tests of all branches that are joined to make a filter, at 0.3 microseconds each.

To make the largest filter of one conjunction joins up to 2.7 times as many tests as the filter has.
"""

MAX_FILTER_SIZE: Final = 1024 * 1024
"""Maximum of :func:`size_of` for one filter. An index refuses lists of more than some 16,000 values."""

_VALUE_SIZE: Final = 80
"""Characters that each value of a filter counts in addition to its own: the index takes some 0.06 ms for a value."""

_NAMES: Final = frozenset({"name", "namespace", "source"})
"""The properties with texts of which callers search for prefixes and ranges."""

_TERMS: Final = frozenset({"titles", "words"})
"""The properties with the names of assets, and the words of these, for searches by people."""

_RANGES: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"below": min, "most": min, "least": max, "above": max}
"""The operators of ranges, and which of two values is the narrower bound."""

_ANYWHERE: Final = ".*"
"""The begin of the pattern of a substring; no pattern of a word begins with it."""

_FIRST_SURROGATE: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000
"""First code point after the surrogates, which are no characters: a text with one of them cannot be encoded."""


def filter_of(*conditions: Condition) -> IndexFilter:
    """Return the filter for the vertices that meet every condition.

    Raises InvalidError if no index can answer a condition, LimitError if one of the conditions, or a member of an
    :class:`All`, expands to more than :data:`MAX_DISJUNCTS` branches. Raises LimitError too if to make the filter takes
    more than :data:`MAX_TESTS`, or it has more than :data:`MAX_FILTER_SIZE`. Raises ValueError for a CallerLeaf or the
    negation of a pattern or a word.
    """
    conjuncts = dict.fromkeys(each for condition in conditions for each in _conjuncts(condition))
    normal_form = _NormalForm()
    elements = [normal_form.branches(each, negated=False) for each in conjuncts]
    if not all(elements):
        return NO_VERTEX
    filter_ = [branches for branches in elements if () not in branches]
    if size_of(filter_) > MAX_FILTER_SIZE:
        raise LimitError(
            "The filter is too large, because each alternative of an `or` repeats the conditions beside it, such as "
            "a list of ids, or your teams, who decide which fields you may filter by. The limit is "
            f"{MAX_FILTER_SIZE} bytes of JSON, with {_VALUE_SIZE} more for each value. Use shorter lists, fewer nested "
            "`or`, or several requests.",
            limit="filter",
            maximum=MAX_FILTER_SIZE,
        )
    return filter_


def even_filter_of(*conditions: Condition) -> IndexFilter:
    """Return the filter for the assets that meet every condition, whose time discloses no hidden ones.

    Conditions of callers are for this function. It is not for lists of attached records, among which are changes
    (:mod:`app.graph.reading.level.even_filter`). Raises the errors of :func:`filter_of`.
    """
    return even(filter_of(*conditions))


def size_of(filter_: IndexFilter) -> int:
    """Return the bytes that all values of a filter have as JSON, and ``_VALUE_SIZE`` for each value.

    A control character has six, and its encoding takes as long. What the alternatives repeat counts as often, and is
    measured once.
    """
    known: dict[int, int] = {}
    size = 0
    for test in chain.from_iterable(chain.from_iterable(filter_)):
        if id(test) not in known:
            known[id(test)] = _size_of_values(test[2])
        size += known[id(test)]
    return size


def _size_of_values(values: Value | Sequence[Value]) -> int:
    if isinstance(values, str | int):
        values = (values,)
    return sum(_VALUE_SIZE + (len(orjson.dumps(value)) - 2 if isinstance(value, str) else 0) for value in values)


def substrings(filter_: IndexFilter, *, ranges: bool = True) -> int:
    """Return the number of substrings that a filter searches for, each as often as the index does.

    PATTERNS_OF_SUBSTRING patterns of words count as one, and so do fewer. As many prefixes and ranges of names count as
    one, without the first few: the index goes through all names in a range. Without ``ranges`` they do not count, as in
    filters that a search tries one after the other.
    """
    found = patterns = in_ranges = 0
    for operator, key, value in chain.from_iterable(chain.from_iterable(filter_)):
        if operator == "regex":
            is_substring = str(value).startswith(_ANYWHERE)
            found += is_substring
            patterns += not is_substring
        in_ranges += key in _NAMES and (operator == "prefix" or operator in _RANGES)
    return found + ceil(patterns / PATTERNS_OF_SUBSTRING) + (in_ranges // PATTERNS_OF_SUBSTRING if ranges else 0)


def after_position(order: SortOrder, position: Sequence[Value]) -> Condition:
    """Return the condition of the vertices after a position ``(value, urn)`` of an order."""
    value, urn = position
    beyond = Below if order.descending else Above
    if order.key == "urn":
        return beyond("urn", urn)
    return AnyOf((beyond(order.key, value), All((In(order.key, (value,)), beyond("urn", urn)))))


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, All):
        for each in condition.conditions:
            yield from _conjuncts(each)
    else:
        yield condition


def _parts(condition: Condition, *, negated: bool, joins: bool) -> Iterator[tuple[Condition, bool]]:
    """Yield the parts of a condition, or of its negation, each with whether it is negated.

    With ``joins`` they are those of a conjunction, otherwise those of a disjunction. A conjunction inside a conjunction
    is taken apart as well, because each nested one would copy all branches.
    """
    match condition:
        case Negated(inner):
            yield from _parts(inner, negated=not negated, joins=joins)
        case All(conditions) if joins is not negated:
            for each in conditions:
                yield from _parts(each, negated=negated, joins=joins)
        case AnyOf(conditions) if joins is negated:
            for each in conditions:
                yield from _parts(each, negated=negated, joins=joins)
        case _:
            yield condition, negated


@dataclass(slots=True)
class _NormalForm:
    """Makes the disjunctive normal form of conditions; ``tests`` counts those of all branches joined on the way."""

    tests: int = 0

    def branches(self, condition: Condition, *, negated: bool) -> list[Branch]:
        """Return the branches of a condition, or of its negation; none if no vertex matches.

        Raises LimitError if they are more than MAX_DISJUNCTS, or ``tests`` exceeds MAX_TESTS.
        """
        match condition:
            case Negated(inner):
                return self.branches(inner, negated=not negated)
            case All() | AnyOf():
                joins = isinstance(condition, All) is not negated
                parts = _parts(condition, negated=negated, joins=joins)
                found = [self.branches(each, negated=negated) for each, negated in parts]
                return self._product(found) if joins else _union(found)
            case StartsWith("titles", text) if len(text.encode()) > MAX_PREFIX_BYTES:
                return []  # a search finds such a title by its words
            case Above(key, str(text)) if not negated and len(text.encode()) > MAX_PREFIX_BYTES:
                return _after_long_text(key, text)
            case _:
                return _negated_tests(condition) if negated else _tests(condition)

    def _product(self, parts: Sequence[list[Branch]]) -> list[Branch]:
        if not all(parts):  # else the product of the others could exceed a limit first
            return []
        branches: list[Branch] = [()]
        for part in parts:
            if len(part) != 1:
                _refuse_above_limit(len(branches) * len(part))
                branches = self._all_joined(branches, part)
        always = chain.from_iterable(part[0] for part in parts if len(part) == 1)
        return self._all_joined(branches, [tuple(always)])

    def _all_joined(self, branches: Sequence[Branch], further: Sequence[Branch]) -> list[Branch]:
        """Return each of some branches joined with each of others, as far as values are within their bounds, once."""
        self.tests += len(further) * sum(map(len, branches)) + len(branches) * sum(map(len, further))
        if self.tests > MAX_TESTS:
            raise LimitError(
                f"The alternatives of the filter have more than {MAX_TESTS} conditions, because each repeats those "
                "beside it. Use `in` lists, or fewer conditions beside an `or`."
            )
        joined = (_joined(chain.from_iterable(pair)) for pair in product(branches, further))
        return [*{tuple(map(id, branch)): branch for branch in joined if branch is not None}.values()]


def _union(parts: Sequence[list[Branch]]) -> list[Branch]:
    branches = [branch for part in parts for branch in part]
    _refuse_above_limit(len(branches))
    return [()] if () in branches else branches


def _joined(tests: Iterable[IndexTest]) -> Branch | None:
    """Return a branch of tests with the narrowest of several bounds of a property; None if no value is within them.

    So the negation of many prefixes has a branch for each gap between them, and not for each set of their two sides.
    """
    kept: dict[object, tuple[str, str, Any]] = {}
    for test in tests:
        operator, key, value = test
        narrower = _RANGES.get(operator)
        if narrower is None:
            kept[id(test)] = test
        elif (operator, key) not in kept or narrower(value, kept[operator, key][2]) == value:
            kept[operator, key] = test
    for operator, key, value in kept.values():
        below = kept.get(("below", key))
        if operator == "least" and below is not None and value >= below[2]:
            return None
    return tuple(kept.values())


def _refuse_above_limit(branches: int) -> None:
    if branches > MAX_DISJUNCTS:
        raise LimitError(
            f"The filter expands to more than {MAX_DISJUNCTS} alternatives; use `in` lists or fewer nested `or`."
        )


def _tests(leaf: Leaf) -> list[Branch]:
    value: Value | Sequence[Value]
    match leaf:
        case In(_, ()):
            return []
        case In(key, value):
            operator = "in"
        case Above(key, value):
            operator = "above"
        case Below(key, value):
            operator = "below"
        case StartsWith(key, value):
            operator = "termPrefix" if key in _TERMS else "prefix"
        case Contains(key, text):
            operator, value = "regex", f"{_ANYWHERE}{_quoted(text)}{_ANYWHERE}"
        case MatchesPattern(key, value):
            operator = "regex"
        case HasWord(key, value, prefix):
            operator = "wordPrefix" if prefix else "word"
        case UnusedFor() | Contaminated() | HealthIs():
            raise ValueError(f"the index cannot answer {type(leaf).__name__}; resolve it first")
        case _:
            assert_never(leaf)
    return [((operator, key, value),)]


def _after_long_text(key: str, text: str) -> list[Branch]:
    """Return the tests of what follows all texts that begin as a long one does: the index takes no longer lower bound.

    It is the position of a page after an asset with such a name. Others with a name that begins so are left out.
    """
    return _after_all(key, text.encode()[: MAX_PREFIX_BYTES // 2].decode(errors="ignore"))


def _negated_tests(leaf: Leaf) -> list[Branch]:
    match leaf:
        case In(key, values):
            return [(("out", key, values),)] if values else [()]
        case Above(key, bound):
            return [(("most", key, bound),)]
        case Below(key, bound):
            return [(("least", key, bound),)]
        case StartsWith(key, text):
            return [(("below", key, text),), *_after_all(key, text)]
        case Contains():
            raise InvalidError("`not` cannot be put around `contains`: no index can answer it; use `prefix` or `in`.")
        case MatchesPattern() | HasWord() | UnusedFor() | Contaminated() | HealthIs():
            raise ValueError(f"the index cannot answer the negation of {leaf}")
        case _:
            assert_never(leaf)


def _after_all(key: str, prefix: str) -> list[Branch]:
    """Return the tests of what follows all texts with a prefix, none if nothing does."""
    following = _after_prefix(prefix)
    return [(("least", key, following),)] if following else []


def _after_prefix(prefix: str) -> str:
    """Return the smallest text after every text with the prefix; empty if there is none."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    following = ord(kept[-1]) + 1 if kept else 0
    return kept[:-1] + chr(_AFTER_SURROGATES if following == _FIRST_SURROGATE else following) if kept else ""


def _quoted(text: str) -> str:
    """Return a text escaped for the regular expressions of both Lucene and Java."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
