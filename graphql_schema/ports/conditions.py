"""Conditions on stored records, and the listings that they select from.

A condition is data. The store answers a condition from its index (:mod:`app.graph.reading.level.index_filter`), and
:func:`matches` evaluates it in memory. A key is a native property of
:mod:`graphql_schema.catalog.properties`; in a condition that is only evaluated in memory, a key is a field of the
record. The policy is not part of a condition from the schema: the reader adds it
(:mod:`app.graph.reading.access.row_conditions`).

Conditions are also parts of cursor scopes, so their ``repr`` must be the same in every process: they hold tuples, and
no sets.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

Value = str | int
"""A value that a condition compares with: a text, or a number such as epoch milliseconds."""

MAX_FILTER_CONDITIONS: Final = 200
"""Maximal number of values and conditions, counted together, in one filter; ids of assets have their own limit."""

MAX_FILTER_IDS: Final = 500
"""Maximal number of ids of assets in one filter: the maximal size of a page of a connection."""

MAX_FILTER_DAYS: Final = 3
"""Maximal number of different :class:`UnusedFor` in one filter: the index is queried up to three times for each."""

MAX_FILTER_TEXT_LENGTH: Final = 1_024
"""Maximal number of characters of a text that a filter compares with, as of a name; ids are shorter."""

MAX_PREFIX_BYTES: Final = 999
"""Maximal number of bytes of a prefix that an index can search for.

A bound of the index has up to 1,000. The one after all texts with a prefix can have a byte more than the prefix.
"""

PATTERNS_OF_SUBSTRING: Final = 4
"""Number of patterns that count as one substring, for which the store takes more than ten times as long as for one."""

MAX_SUBSTRING_LENGTH: Final = 100
"""Maximal number of characters of a `contains`: the index builds an automaton, whose cost grows faster than the text.

Measured: the index refuses 500 characters, and 20,000 characters keep it busy for more than 30 s.
"""


@dataclass(frozen=True, slots=True)
class In:
    """The property has one of the values, or as a set contains one of them. No record meets an empty list."""

    key: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Above:
    """The property is greater than the bound."""

    key: str
    bound: Value


@dataclass(frozen=True, slots=True)
class Below:
    """The property is less than the bound."""

    key: str
    bound: Value


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The text starts with another; case matters."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Contains:
    """The text contains another; case matters. The index cannot answer the negation."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class MatchesPattern:
    """All of the text matches a regular expression that means the same in Lucene and in Python.

    The index cannot answer the negation.
    """

    key: str
    pattern: str


@dataclass(frozen=True, slots=True)
class HasWord:
    """One of the words of the text, which spaces separate, is ``word``, or with ``prefix`` begins with it.

    The index cannot answer the negation.
    """

    key: str
    word: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class UnusedFor:
    """No use that is visible to the caller was on the last ``days`` days in UTC, today included.

    An asset without visible recorded usage must have begun before these days. An asset that hides its usage or its
    begin from the caller does not meet the condition. ``unread``, a flag: only the recorded usage of the asset itself
    counts, and not the uses of :mod:`graphql_schema.rules.asset_uses`.

    The reader replaces this condition before it queries the index (:mod:`app.graph.reading.unused_assets`).
    """

    days: int
    unread: bool = False


MAX_EXAMINED: Final = 500
"""Maximal number of evaluations that one filter examines for :class:`Contaminated`; more are an error."""


@dataclass(frozen=True, slots=True)
class Contaminated:
    """The asset is an evaluation whose contamination is DIRECT or DERIVED if ``wanted`` is true, CLEAN if it is false.

    It is the contamination that the caller sees; an evaluation that hides it does not meet the condition.

    The reader replaces this condition before it queries the index
    (:mod:`app.graph.reading.computed.contaminated_evaluations`).
    """

    wanted: bool


@dataclass(frozen=True, slots=True)
class HealthIs:
    """The health of the asset, as the caller sees it, is one of these; each is the name of a ``HealthStatus``.

    An asset does not meet the condition if the caller may not see its health or a field that the health is computed
    from.

    The reader replaces this condition before it queries the index (:mod:`app.graph.reading.computed.health_filter`).
    """

    statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every condition is met; every record meets an empty list."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition is met; no record meets an empty list."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """The condition is not met."""

    condition: "Condition"


TextLeaf = StartsWith | Contains | MatchesPattern | HasWord
"""A condition that only a text can meet."""

CallerLeaf = UnusedFor | Contaminated | HealthIs
"""A condition that no record decides by itself, because it depends on other records that the caller may see."""

Leaf = In | Above | Below | TextLeaf | CallerLeaf
"""A condition without conditions inside it."""

Condition = Leaf | All | AnyOf | Negated
"""A condition on a record; the set of classes is closed, so that each ``match`` over them can be exhaustive."""

ALWAYS: Final = All(())
"""Met by every record."""

NEVER: Final = AnyOf(())
"""Met by no record."""


@dataclass(frozen=True, slots=True)
class SortOrder:
    """An order by a native property; equal values are ordered by URN in the same direction.

    Rows that hide the property from the caller come last, by ascending URN.
    """

    key: str = "urn"
    descending: bool = False


BY_URN: Final = SortOrder()
"""The order of a listing unless the query names another one."""


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """An ordered listing of the records that meet a condition."""

    where: Condition
    order: SortOrder = BY_URN


def nodes(condition: Condition) -> Iterator[Condition]:
    """Yield the condition and every condition inside it, from left to right, each before those inside it."""
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, All | AnyOf):
            waiting.extend(reversed(node.conditions))
        elif isinstance(node, Negated):
            waiting.append(node.condition)


def rewrite(
    condition: Condition, leaf: Callable[[Leaf], Condition], negated_leaf: Callable[[Leaf], Condition] | None = None
) -> Condition:
    """Return the condition with each leaf replaced by what the function ``leaf`` returns for it.

    The function ``negated_leaf`` is called instead for the leaves inside an odd number of :class:`Negated`. If it is
    None, ``leaf`` is called for these too.
    """
    match condition:
        case All(conditions):
            return All(tuple(rewrite(each, leaf, negated_leaf) for each in conditions))
        case AnyOf(conditions):
            return AnyOf(tuple(rewrite(each, leaf, negated_leaf) for each in conditions))
        case Negated(inner):
            return Negated(rewrite(inner, negated_leaf or leaf, leaf))
        case _:
            return leaf(condition)


def without(condition: Condition, left_out: type[CallerLeaf]) -> Condition:
    """Return a wider condition without leaves of one class: every record that may meet the given one meets it."""

    def met(leaf: Leaf) -> Condition:
        return ALWAYS if isinstance(leaf, left_out) else leaf

    def never_met(leaf: Leaf) -> Condition:
        return NEVER if isinstance(leaf, left_out) else leaf

    return rewrite(condition, met, never_met)


def matches(condition: Condition, value_of: Callable[[str], Value | Sequence[Value] | None]) -> bool:
    """Return whether a record meets a condition.

    ``value_of`` returns the value of a key: a list for a set, None for an absent or hidden value. None meets no leaf,
    and therefore every negated leaf. Raises ValueError for a :data:`CallerLeaf` that would have to be evaluated.
    """
    match condition:
        case All(conditions):
            return all(matches(each, value_of) for each in conditions)
        case AnyOf(conditions):
            return any(matches(each, value_of) for each in conditions)
        case Negated(inner):
            return not matches(inner, value_of)
        case UnusedFor() | Contaminated() | HealthIs():
            raise ValueError(
                f"{type(condition).__name__} depends on what the caller may see. Before you call matches, let the "
                "module of app.graph.reading that its docstring names replace it."
            )
        case _:
            return any(_value_matches(condition, value) for value in _values(value_of(condition.key)))


def _value_matches(leaf: In | Above | Below | TextLeaf, value: Value) -> bool:
    match leaf:
        case In(_, values):
            return value in values
        case Above(_, bound):
            return _less(bound, value)
        case Below(_, bound):
            return _less(value, bound)
        case _:
            return isinstance(value, str) and _text_matches(leaf, value)


def _text_matches(leaf: TextLeaf, value: str) -> bool:
    match leaf:
        case StartsWith(_, text):
            return value.startswith(text)
        case Contains(_, text):
            return text in value
        case MatchesPattern(_, pattern):
            return re.fullmatch(pattern, value) is not None
        case HasWord(_, word, prefix):
            return any(each.startswith(word) if prefix else each == word for each in value.split())
        case _:
            assert_never(leaf)


def _values(value: Value | Sequence[Value] | None) -> Sequence[Value]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str | int) else value


def _less(left: Value, right: Value) -> bool:
    """Return whether two numbers, or two texts, are in this order; a text and a number are not comparable."""
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    return isinstance(left, str) and isinstance(right, str) and left < right
