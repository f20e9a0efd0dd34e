"""Spread conditions: equal to the given ones, and without an alternative that has a long condition beside others."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.estates.random_conditions import conditions, indexable, positive, records

from app.graph.reading.access.spread_conditions import MAX_ALTERNATIVES, MAX_SPREAD, spread
from app.graph.reading.level.even_filter import NO_CHANGES, even
from app.graph.reading.level.index_filter import filter_of
from graphql_schema.ports.conditions import (
    Above,
    All,
    AnyOf,
    Below,
    Condition,
    Contains,
    HasWord,
    In,
    MatchesPattern,
    Negated,
    StartsWith,
    matches,
    nodes,
)
from graphql_schema.ports.record import Record
from policies.errors import LimitError

GUESS, OTHER, KIND = In("urn", ("x",)), In("name", ("y",)), In("kind", ("z",))
LONG, LONGER = Contains("name", "a"), StartsWith("name", "b")


@given(conditions, records)
def test_the_same_records_meet_it(condition: Condition, record: Record) -> None:
    """However conditions are nested and negated."""
    try:
        found = spread(condition)
    except LimitError:
        assume(False)  # noqa: FBT003 - there is nothing to compare
    assert matches(found, record.__getitem__) is matches(condition, record.__getitem__)


@given(conditions)
def test_no_alternative_has_a_long_condition_beside_others(condition: Condition) -> None:
    """A conjunction inside of a disjunction has no long condition, and a negation is that of a single condition."""
    try:
        found = spread(condition)
    except LimitError:
        assume(False)  # noqa: FBT003 - there is nothing to examine
    if not any(is_long(each) for each in nodes(condition)):
        assert found is condition
        return
    for disjunction in nodes(found):
        if isinstance(disjunction, Negated):
            assert not isinstance(disjunction.condition, All | AnyOf | Negated)
        for alternative in disjunction.conditions if isinstance(disjunction, AnyOf) else ():
            for inside in nodes(alternative):
                if isinstance(inside, All) and any(map(is_long, nodes(inside))):
                    assert sum(not isinstance(each, All | AnyOf | Negated) for each in nodes(inside)) == 1


def is_long(condition: Condition) -> bool:
    """Return whether the index compares many terms with a condition, by its class alone."""
    begins = isinstance(condition, HasWord) and condition.prefix
    return begins or isinstance(condition, Above | Below | Contains | MatchesPattern | StartsWith)


@given(st.one_of(indexable, positive))
def test_a_long_condition_has_long_tests(leaf: Condition) -> None:
    """Otherwise what is spread is not what the filter makes in all parts of the index, or the reverse."""
    tests = [test for element in filter_of(leaf) for branch in element for test in branch]
    assume(bool(tests))
    is_even = even([[tuple(tests)], [(("in", "urn", ("x",)),)]])[-1:] == [NO_CHANGES]
    assert is_even is (spread(AnyOf((All((leaf, GUESS)), OTHER))) != AnyOf((All((leaf, GUESS)), OTHER)))


def test_alternatives_are_spread() -> None:
    """By the law of distribution; what has no long condition stays together, and so does what is no guess."""
    assert spread(AnyOf((All((GUESS, LONG)), OTHER))) == All((AnyOf((LONG, OTHER)), AnyOf((GUESS, OTHER))))
    together, of_kind = All((GUESS, OTHER)), All((LONG, KIND))
    assert spread(AnyOf((together, LONG))) == All((AnyOf((together, LONG)),))
    assert spread(AnyOf((LONG, LONGER))) == All((AnyOf((LONG, LONGER)),))
    assert spread(AnyOf((of_kind, OTHER))) == All((AnyOf((of_kind, OTHER)),))
    both = All((LONG, KIND, LONGER))
    assert spread(AnyOf((both, OTHER))) == All((AnyOf((of_kind, OTHER)), AnyOf((All((LONGER, KIND)), OTHER))))


def test_too_many_are_refused() -> None:
    """Each further alternative of this form doubles what the index has to evaluate."""
    most = MAX_SPREAD.bit_length() - 1
    mixed = tuple(All((In("urn", (str(number),)), Contains("name", str(number)))) for number in range(most + 1))
    found = spread(AnyOf(mixed[:most]))
    assert isinstance(found, All)
    assert len(found.conditions) == MAX_SPREAD
    with pytest.raises(LimitError, match="outside of `or`") as caught:
        spread(AnyOf(mixed))
    assert caught.value.extensions == {"limit": "alternatives", "maximum": MAX_SPREAD}


def test_all_disjunctions_of_a_filter_count() -> None:
    """Also if each of them would become few, and so do their alternatives: each takes time when the filter is made."""
    mixed = All((GUESS, LONG))
    few = AnyOf((mixed, mixed, OTHER))
    most = MAX_SPREAD // 4
    assert spread(All((few,) * most)) != All((few,) * most)
    with pytest.raises(LimitError):
        spread(All((few,) * (most + 1)))
    with pytest.raises(LimitError):
        spread(AnyOf((All((few,) * (most + 1)), OTHER)))
    others = (OTHER,) * (MAX_ALTERNATIVES // 2 - 1)
    assert spread(AnyOf((mixed, *others)))
    with pytest.raises(LimitError):
        spread(AnyOf((mixed, *others, OTHER)))
    assert spread(All((LONG, *(AnyOf((GUESS, OTHER)) for _ in range(2 * MAX_SPREAD)))))
