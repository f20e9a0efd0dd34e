"""Predicates: simplified, negated and compiled without a change of meaning."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from policies.attributes import PolicyAttributes
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
    negation,
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


@given(predicates)
def test_the_compiled_form_means_the_same(predicate: Predicate) -> None:
    """A predicate and its compiled function hold for the same rows."""
    assert [compiled(predicate)(row) for row in SPACE] == [meaning(predicate, row) for row in SPACE]


@given(st.lists(predicates, max_size=4))
def test_joining_simplifies_without_a_change_of_meaning(operands: list[Predicate]) -> None:
    """What conjunction, disjunction and negation build means what was asked for."""
    assert same(conjunction(operands), And(tuple(operands)))
    assert same(disjunction(operands), Or(tuple(operands)))
    assert same(negation(And(tuple(operands))), Not(And(tuple(operands))))


def test_tests_of_one_attribute_become_one() -> None:
    """Two teams are one lookup in the index; contradictions and tautologies disappear."""
    first, second = within("ownerTeam", "a"), within("ownerTeam", "b")
    assert disjunction((first, second)) == Within("ownerTeam", frozenset("ab"))
    assert conjunction((first, second)) == Nothing()
    assert disjunction((first, negation(first))) == Everything()
    assert disjunction(()) == within("ownerTeam", ()) == Nothing()
