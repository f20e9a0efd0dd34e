"""Conditions of callers without an alternative that has a condition on a text beside a guess.

``(a and b) or c`` is ``(a or c) and (b or c)``. The index evaluates the second form in the same time whatever meets
``b``, if ``a`` is a condition that takes it long (:mod:`app.graph.reading.level.even_filter`). The condition ``b`` may
stay beside ``a`` if it is no guess: that there are assets of a kind or a stage needs not be hidden.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from graphql_schema.ports.conditions import (
    Above,
    All,
    AnyOf,
    Below,
    CallerLeaf,
    Condition,
    Contains,
    HasWord,
    Leaf,
    MatchesPattern,
    Negated,
    StartsWith,
    nodes,
)
from policies.errors import LimitError

MAX_SPREAD: Final = 32
"""Maximal number of disjunctions that take the place of others; the limit of substrings ends most filters before."""

MAX_ALTERNATIVES: Final = 250
"""Maximal number of alternatives in these disjunctions together: to make a filter takes 40 µs for each."""

NO_GUESS: Final = frozenset({"kind", "stage"})
"""Properties by whose values no asset is guessed."""


def spread(condition: Condition) -> Condition:
    """Return an equal condition in which no alternative of a disjunction has a long condition beside a guess.

    Raises LimitError if more than MAX_SPREAD disjunctions, with MAX_ALTERNATIVES, would take the place of others.
    """
    if not any(map(_is_long, nodes(condition))):
        return condition
    return All(tuple(_Spreading().conjuncts(condition, negated=False)))


@dataclass(slots=True)
class _Spreading:
    """The disjunctions, and their alternatives, that have taken the place of others in a condition."""

    disjunctions: int = 0
    alternatives: int = 0

    def conjuncts(self, condition: Condition, *, negated: bool) -> Iterator[Condition]:
        """Yield the conditions that all must be met, so that the given one, or its negation, is."""
        match condition:
            case Negated(inner):
                yield from self.conjuncts(inner, negated=not negated)
            case All(conditions) | AnyOf(conditions):
                parts = [[*self.conjuncts(each, negated=negated)] for each in conditions]
                if isinstance(condition, AnyOf) is negated:
                    for part in parts:
                        yield from part
                else:
                    yield from self._disjunctions(parts)
            case _:
                yield Negated(condition) if negated else condition

    def _disjunctions(self, parts: Sequence[Sequence[Condition]]) -> Iterator[Condition]:
        """Yield the disjunctions that are all met exactly if all conditions of one part are."""
        factors = [_factors(part) for part in parts]
        count = prod(map(len, factors))
        if count > 1:
            self._count(count, count * len(factors))
        for chosen in product(*factors):
            yield AnyOf(chosen)

    def _count(self, disjunctions: int, alternatives: int) -> None:
        self.disjunctions += disjunctions
        self.alternatives += alternatives
        if self.disjunctions > MAX_SPREAD or self.alternatives > MAX_ALTERNATIVES:
            raise LimitError(
                "Too many alternatives of the filter have a condition on a part of a text, such as `contains`, or on a "
                "range, beside others. Put what they have in common outside of `or`, or send a request for each "
                "alternative.",
                limit="alternatives",
                maximum=MAX_SPREAD,
            )


def _factors(part: Sequence[Condition]) -> list[Condition]:
    """Return conditions equal to those of a part: each long one with those that are no guess, and all others as one."""
    long, free, guesses = list[Condition](), list[Condition](), list[Condition]()
    for each in part:
        (long if any(map(_is_long, nodes(each))) else free if _is_no_guess(each) else guesses).append(each)
    if not long:
        return [_joined(part)]
    return [*(_joined([each, *free]) for each in long), *([_joined(guesses)] if guesses else [])]


def _joined(conditions: Sequence[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))


def _is_no_guess(condition: Condition) -> bool:
    return all(isinstance(each, All | AnyOf | Negated) or _key(each) in NO_GUESS for each in nodes(condition))


def _key(leaf: Leaf) -> str:
    return "" if isinstance(leaf, CallerLeaf) else leaf.key


def _is_long(condition: Condition) -> bool:
    """Return whether the index compares many terms with a condition, or collects all assets in a range."""
    match condition:
        case Contains() | MatchesPattern() | StartsWith() | Above() | Below():
            return True
        case HasWord(_, _, prefix):
            return prefix
        case _:
            return False
