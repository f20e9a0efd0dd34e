"""Predicates: simplified, negated, compiled and written as JSON without a change of meaning."""

import json
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.attributes import PolicyAttributes
from policies.errors import InvalidError
from policies.predicate import (
    And,
    Everything,
    Not,
    Nothing,
    Or,
    Predicate,
    Within,
    compiled,
    conjunction,
    disjunction,
    from_data,
    negation,
    normal_form,
    to_data,
    within,
)

SPACE = [PolicyAttributes("K", owner, visibility, "S", stage) for owner, visibility, stage in product("ab", "ab", "ab")]

leaves = st.one_of(
    st.just(Everything()),
    st.just(Nothing()),
    st.builds(
        Within, st.sampled_from(["ownerTeam", "visibility", "stage"]), st.frozensets(st.sampled_from("abc"), min_size=1)
    ),
)
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.tuples(inner, inner)),
        st.builds(Or, st.tuples(inner, inner, inner)),
    ),
    max_leaves=12,
)


def meaning(predicate: Predicate, row: PolicyAttributes) -> bool:
    """Evaluate by definition: the oracle."""
    match predicate:
        case Within(attribute, values):
            return row.named()[attribute] in values
        case Not(operand):
            return not meaning(operand, row)
        case And(operands):
            return all(meaning(operand, row) for operand in operands)
        case Or(operands):
            return any(meaning(operand, row) for operand in operands)
    return isinstance(predicate, Everything)


def same(left: Predicate, right: Predicate) -> bool:
    """Whether two predicates hold for the same rows."""
    return all(meaning(left, row) == meaning(right, row) for row in SPACE)


def negated(predicate: Predicate) -> Iterator[Predicate]:
    """Find what stands under a ``Not``."""
    match predicate:
        case Not(operand):
            yield operand
            yield from negated(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from negated(operand)


@given(predicates)
def test_the_compiled_form_means_the_same(predicate: Predicate) -> None:
    """A predicate and its compiled function hold for the same rows."""
    assert [compiled(predicate)(row) for row in SPACE] == [meaning(predicate, row) for row in SPACE]


@given(predicates)
def test_negations_are_pushed_to_the_leaves(predicate: Predicate) -> None:
    """The normal form means the same and negates nothing but single tests."""
    pushed = normal_form(predicate)
    assert same(pushed, predicate)
    assert all(isinstance(operand, Within) for operand in negated(pushed))


@given(st.lists(predicates, max_size=4))
def test_joining_simplifies_without_a_change_of_meaning(operands: list[Predicate]) -> None:
    """What conjunction, disjunction and negation build means what was asked for."""
    assert same(conjunction(operands), And(tuple(operands)))
    assert same(disjunction(operands), Or(tuple(operands)))
    assert same(negation(And(tuple(operands))), Not(And(tuple(operands))))


@given(predicates)
def test_json_gives_the_predicate_back(predicate: Predicate) -> None:
    """A simplified predicate survives JSON unchanged, and any predicate keeps its meaning."""
    simple = normal_form(predicate)
    assert from_data(json.loads(json.dumps(to_data(simple)))) == simple
    assert same(from_data(to_data(predicate)), predicate)


def test_tests_of_one_attribute_become_one() -> None:
    """Two teams are one lookup in the index; contradictions and tautologies disappear."""
    first, second = within("ownerTeam", "a"), within("ownerTeam", "b")
    assert disjunction((first, second)) == Within("ownerTeam", frozenset("ab"))
    assert conjunction((first, second)) == Nothing()
    assert disjunction((first, negation(first))) == Everything()
    assert disjunction(()) == within("ownerTeam", ()) == Nothing()


def test_json_form() -> None:
    """The form that other packages render is fixed: one key, sorted values, constants as booleans."""
    open_or_mine = disjunction((within("visibility", ["ORG"]), negation(within("ownerTeam", "ba"))))
    assert to_data(open_or_mine) == {
        "or": [
            {"within": {"attribute": "visibility", "values": ["ORG"]}},
            {"not": {"within": {"attribute": "ownerTeam", "values": ["a", "b"]}}},
        ]
    }
    assert (to_data(Everything()), to_data(Nothing())) == (True, False)


@pytest.mark.parametrize("data", [None, {}, {"within": {"attribute": "secret", "values": []}}, {"or": 1}, [True]])
def test_other_json_is_refused(data: object) -> None:
    """What is no predicate is never read as one that holds."""
    with pytest.raises(InvalidError, match="is no predicate"):
        from_data(data)
