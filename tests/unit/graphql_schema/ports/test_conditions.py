"""Conditions: the meaning of each in memory, and rewriting, which changes only the leaves."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.estates.random_conditions import KEYS, conditions, records

from graphql_schema.ports.conditions import (
    ALWAYS,
    NEVER,
    Above,
    All,
    AnyOf,
    Below,
    Condition,
    Contains,
    Contaminated,
    HasWord,
    In,
    Leaf,
    MatchesPattern,
    Negated,
    StartsWith,
    UnusedFor,
    matches,
    nodes,
    rewrite,
    without,
)

Record = dict[str, object]


def holds(condition: Condition, record: Record) -> bool:
    """Return whether a plain record meets a condition."""
    return matches(condition, record.get)  # type: ignore[arg-type]


LEAVES: dict[Condition, tuple[list[object], list[object]]] = {
    In("k", ("a", "b")): (["a", "b", ["c", "a"]], ["c", "", "ab", ["c"], [], None]),
    In("k", ("",)): (["", [""]], ["a", [], None]),
    In("k", (1, 2)): ([1, 2], [3, "1", None]),
    In("k", ()): ([], ["a", "", 1, [], None]),
    Above("k", 5): ([6, [1, 6]], [5, 4, "6", None]),
    Below("k", 5): ([4, [4, 9]], [5, 6, "4", None]),
    Above("k", "b"): (["ba", "c"], ["b", "a", "", 9, None]),
    Below("k", "b"): (["a", "", "aZ"], ["b", "ba", 0, None]),
    StartsWith("k", "ab"): (["ab", "abc", ["x", "abc"]], ["a", "Abc", "cab", 1, None]),
    Contains("k", "ab"): (["ab", "cabc", ["x", "cab"]], ["a b", "AB", 1, None]),
    MatchesPattern("k", "ab?|c.*"): (["a", "ab", "cx", ["x", "a"]], ["abc", "xa", 1, None]),
    HasWord("k", "ab"): (["ab", "x ab y"], ["abc", "xab", "AB", 1, None]),
    HasWord("k", "ab", prefix=True): (["ab", "x abc y"], ["xab", "a b", 1, None]),
}
"""For each leaf the values of its key that meet it, and those that do not; None is an absent or a hidden value."""


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_a_leaf_has_its_meaning(leaf: Condition) -> None:
    """Each kind of leaf is met by these values and by no others; a set meets it by one member."""
    met, unmet = LEAVES[leaf]
    assert [value for value in met if not holds(leaf, {"k": value})] == []
    assert [value for value in unmet if holds(leaf, {"k": value})] == []


def test_constants() -> None:
    """Without conditions, `All` is met by every record and `AnyOf` by none."""
    assert (holds(ALWAYS, {}), holds(NEVER, {})) == (True, False)


def test_usage_depends_on_the_caller() -> None:
    """No record states which usage is visible to the caller, so the condition is an error and not a result."""
    with pytest.raises(ValueError, match="UnusedFor"):
        holds(Negated(UnusedFor(30)), {})
    with pytest.raises(ValueError, match="Contaminated"):
        holds(Contaminated(wanted=True), {})


def test_what_depends_on_the_caller_is_left_out() -> None:
    """Without a leaf, a condition is met by every record that may meet it with the leaf, also inside a negation."""
    name, leaf = In("name", ("a",)), Contaminated(wanted=True)
    assert without(All((name, leaf)), Contaminated) == All((name, ALWAYS))
    assert without(Negated(AnyOf((name, leaf))), Contaminated) == Negated(AnyOf((name, NEVER)))
    assert without(leaf, UnusedFor) == leaf


@given(conditions, records)
def test_a_negation_is_the_opposite(condition: Condition, record: Record) -> None:
    """A record meets either a condition or its negation."""
    assert holds(Negated(condition), record) is not holds(condition, record)


@given(st.lists(conditions, max_size=3).map(tuple), records)
def test_de_morgan(parts: tuple[Condition, ...], record: Record) -> None:
    """`All` and `AnyOf` are each other's opposite."""
    negations = tuple(Negated(each) for each in parts)
    assert holds(Negated(All(parts)), record) is holds(AnyOf(negations), record)
    assert holds(Negated(AnyOf(parts)), record) is holds(All(negations), record)


@given(conditions)
def test_rewriting_without_a_change_gives_the_same(condition: Condition) -> None:
    """`rewrite` keeps everything but the leaves, and equal conditions have an equal `repr`, as cursors need it."""
    same = rewrite(condition, lambda leaf: leaf)
    assert same == condition
    assert repr(same) == repr(condition)


@given(conditions)
def test_every_leaf_is_rewritten_once(condition: Condition) -> None:
    """`rewrite` visits the leaves that `nodes` yields, in the same order; what replaces a leaf is not visited."""
    visited: list[Leaf] = []

    def visit(leaf: Leaf) -> Condition:
        visited.append(leaf)
        return All((leaf, In("new", ())))

    rewritten = rewrite(condition, visit)
    assert visited == [each for each in nodes(condition) if not isinstance(each, All | AnyOf | Negated)]
    assert sum(each == In("new", ()) for each in nodes(rewritten)) == len(visited)


@given(conditions, records, st.sampled_from(KEYS))
def test_a_leaf_under_a_negation_can_be_rewritten_apart(condition: Condition, record: Record, key: str) -> None:
    """Leaves replaced by `ALWAYS`, and by `NEVER` inside a negation, lose no record that met the condition."""

    def on_key(constant: Condition) -> Callable[[Leaf], Condition]:
        return lambda leaf: constant if getattr(leaf, "key", None) == key else leaf

    if holds(condition, record):
        assert holds(rewrite(condition, on_key(ALWAYS), on_key(NEVER)), record)
