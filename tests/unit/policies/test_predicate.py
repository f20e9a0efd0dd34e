"""Predicates: simplified, negated and compiled without changing their result."""

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
    evaluated_in_part,
    negation,
    remaining,
    within,
)

SPACE = [
    PolicyAttributes("K", owner, visibility, "S", stage, "S") for owner, visibility, stage in product("ab", "ab", "ab")
]

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


def evaluated(predicate: Predicate, row: PolicyAttributes) -> bool:
    """Return the result by definition; the oracle of these tests."""
    match predicate:
        case Within(attribute, values):
            return row.named()[attribute] in values
        case Not(operand):
            return not evaluated(operand, row)
        case And(operands):
            return all(evaluated(operand, row) for operand in operands)
        case Or(operands):
            return any(evaluated(operand, row) for operand in operands)
    return isinstance(predicate, Everything)


def same(left: Predicate, right: Predicate) -> bool:
    """Return whether two predicates have equal results for all rows."""
    return all(evaluated(left, row) == evaluated(right, row) for row in SPACE)


@given(predicates)
def test_the_compiled_form_is_equivalent(predicate: Predicate) -> None:
    """A predicate and its compiled function have equal results for all rows."""
    assert [compiled(predicate)(row) for row in SPACE] == [evaluated(predicate, row) for row in SPACE]


@given(st.lists(predicates, max_size=4))
def test_simplified_forms_are_equivalent(operands: list[Predicate]) -> None:
    """Conjunction, disjunction and negation simplify their operands without changing the result."""
    assert same(conjunction(operands), And(tuple(operands)))
    assert same(disjunction(operands), Or(tuple(operands)))
    assert same(negation(And(tuple(operands))), Not(And(tuple(operands))))


@given(predicates, st.frozensets(st.sampled_from(["ownerTeam", "visibility", "stage"])))
def test_a_partial_evaluation_looks_at_known_attributes_only(predicate: Predicate, unknown: frozenset[str]) -> None:
    """What remains of a predicate is the same for all rows that agree in the known attributes, and correct for each."""
    left: dict[tuple[str, ...], Predicate] = {}
    for row in SPACE:
        found = evaluated_in_part(predicate, row, unknown)
        known = tuple(value for name, value in row.named().items() if name not in unknown)
        assert left.setdefault(known, found) == found
        assert evaluated(found, row) == evaluated(predicate, row)
        assert unknown or isinstance(found, Everything | Nothing)


@given(predicates, predicates)
def test_what_remains_matches_the_same_of_the_known_rows(predicate: Predicate, known: Predicate) -> None:
    """Together with what is known, it is the predicate; of the known one and a second, the second remains."""
    found = remaining(predicate, known)
    for row in SPACE:
        if evaluated(known, row):
            assert evaluated(found, row) is evaluated(predicate, row)
    own, active = within("ownerTeam", "a"), within("stage", "a")
    both = disjunction((own, within("visibility", "a")))
    assert remaining(conjunction((both, active)), both) == active
    assert remaining(conjunction((both, own, active)), conjunction((both, own))) == active
    assert remaining(disjunction((both, active)), negation(both)) == disjunction((both, active))


def test_conditions_on_one_attribute_are_merged() -> None:
    """Two teams become one lookup in the index; a contradiction becomes Nothing, a tautology Everything."""
    first, second = within("ownerTeam", "a"), within("ownerTeam", "b")
    assert disjunction((first, second)) == Within("ownerTeam", frozenset("ab"))
    assert conjunction((first, second)) == Nothing()
    assert disjunction((first, negation(first))) == Everything()
    assert disjunction(()) == within("ownerTeam", ()) == Nothing()
