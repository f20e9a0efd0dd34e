"""Index filters: the one form that the index answers, with the meaning of the conditions that they are made from."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.documents.filter_samples import conditions as sampled_conditions
from support.estates.random_conditions import conditions, indexable, records, texts

from app.graph.reading.level import index_filter
from app.graph.reading.level.index_filter import (
    MAX_DISJUNCTS,
    MAX_FILTER_SIZE,
    NO_VERTEX,
    after_position,
    filter_of,
    size_of,
    substrings,
)
from app.graph.reading.level.index_tests import Branch, IndexFilter, IndexTest
from app.graph.records.native.vertex_values import native_values
from app.graph.records.vertex_record import attached_record, stub
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.conditions import (
    ALWAYS,
    MAX_PREFIX_BYTES,
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
    MatchesPattern,
    Negated,
    SortOrder,
    StartsWith,
    UnusedFor,
    matches,
    nodes,
)
from graphql_schema.schema import build_schema
from policies.errors import InvalidError, LimitError

Record = Mapping[str, Any]

OPERATORS: Mapping[str, Any] = {
    "in": lambda value, wanted: value in wanted,
    "above": lambda value, bound: value > bound,
    "below": lambda value, bound: value < bound,
    "least": lambda value, bound: value >= bound,
    "most": lambda value, bound: value <= bound,
    "prefix": lambda value, text: value.startswith(text),
    "regex": lambda value, pattern: re.fullmatch(pattern, value) is not None,
    "word": lambda value, word: word in value.split(),
    "wordPrefix": lambda value, word: any(each.startswith(word) for each in value.split()),
}
"""The predicates of the level statement, as its store evaluates them on one value; `out` is about all values."""


def finds(filter_: IndexFilter, record: Record) -> bool:
    """Return whether the index would find a record: the oracle, written from the description of the form alone."""
    return all(any(all(_passes(test, record) for test in branch) for branch in branches) for branches in filter_)


def _passes(test: Sequence[Any], record: Record) -> bool:
    operator, key, wanted = test
    values = record[key] if isinstance(record.get(key), list) else [record[key]] if key in record else []
    if operator == "out":
        return bool(values) and not any(value in wanted for value in values)
    return any(OPERATORS[operator](value, wanted) for value in values)


@given(st.lists(conditions, max_size=3), records)
def test_the_index_and_memory_agree(given_: list[Condition], record: Record) -> None:
    """A filter finds the records that meet all its conditions, however they are nested and negated.

    No asset has an action, and a kind alone excludes none: these are for tests that take the index long.
    """
    try:
        found = finds(filter_of(*given_), {"kind": "ds", **record})
    except (InvalidError, LimitError, ValueError):
        assume(False)  # noqa: FBT003 - there is no filter to compare
    assert found is matches(All(tuple(given_)), record.__getitem__)


@given(st.recursive(indexable, lambda inner: st.builds(Negated, inner)))
def test_every_exact_leaf_can_be_negated(condition: Condition) -> None:
    """Equality, bounds and prefixes have a negation that the index answers: there is always a filter."""
    assert isinstance(filter_of(condition), list)


@given(st.lists(conditions, max_size=3))
def test_the_form(given_: list[Condition]) -> None:
    """No element is empty or always true; conditions that no vertex can meet become the one filter for that."""
    try:
        found = filter_of(*given_)
    except (InvalidError, LimitError, ValueError):
        return
    assert found == NO_VERTEX or all(branches and () not in branches for branches in found)
    assert all(len(branches) <= MAX_DISJUNCTS for branches in found)


def test_constants() -> None:
    """A condition that is always met adds nothing to a filter; one that is never met leaves no vertex."""
    one = In("name", ("a",))
    assert filter_of(ALWAYS, one, Negated(NEVER), Negated(In("name", ()))) == filter_of(one)
    assert filter_of(one, NEVER) == filter_of(In("name", ())) == filter_of(Negated(ALWAYS)) == NO_VERTEX
    two, three = Above("updatedAt", 1), Below("updatedAt", 9)
    assert filter_of(AnyOf((All((AnyOf((ALWAYS, one)), two)), three))) == filter_of(AnyOf((two, three)))
    assert filter_of(AnyOf((one, NEVER))) == filter_of(AnyOf((one, In("name", ())))) == filter_of(one)


def test_a_filter_has_the_size_of_what_it_expands_to() -> None:
    """Each value counts its characters and 80 more, a number 80, as often as the alternatives repeat it."""
    ids, either = In("urn", ("ab", "c")), AnyOf((In("name", ("d",)), In("name", ("e",))))
    assert size_of(filter_of(ids, Above("updatedAt", 5))) == 82 + 81 + 80
    assert size_of(filter_of(AnyOf((All((ids, either)), NEVER)))) == 2 * (82 + 81) + 2 * 81
    assert size_of(filter_of(StartsWith("name", "fgh"))) == 83


def test_alternatives_multiply_no_long_list() -> None:
    """A list of 500 long ids passes; beside seven pairs of alternatives it would be repeated 128 times."""
    ids = In("urn", tuple("x" * 1_000 + str(number) for number in range(500)))
    pairs = [AnyOf((In("name", (f"a{number}",)), In("name", (f"b{number}",)))) for number in range(7)]
    assert size_of(filter_of(ids, *pairs)) < MAX_FILTER_SIZE
    for once in (pairs[:1], pairs):
        beside = AnyOf((All((ids, *once)), In("urn", ())))
        with pytest.raises(LimitError, match="fewer nested `or`") as caught:
            filter_of(beside)
        assert caught.value.extensions == {"limit": "filter", "maximum": MAX_FILTER_SIZE}


def test_equal_conditions_are_sent_once() -> None:
    """The same condition from a filter and from the policy is one element of the filter."""
    one, two = In("name", ("a",)), In("stage", ("ACTIVE",))
    assert filter_of(one, All((two, one)), two) == filter_of(one, two)


@pytest.mark.parametrize("text", ["a.b*c", "[a]{1}", "x|y", "^a$", "a\\b", "#@&<>~\"'"])
def test_a_substring_is_quoted(text: str) -> None:
    """Characters with a meaning in a regular expression match themselves."""
    condition = Contains("name", text)
    assert finds(filter_of(condition), {"name": f"x{text}y"})
    assert not finds(filter_of(condition), {"name": "xay"})


@given(texts, texts)
def test_a_prefix_can_be_negated(prefix: str, value: str) -> None:
    """The texts without a prefix are those below it and those after all texts with it, at the ends of Unicode too."""
    condition = Negated(StartsWith("name", prefix))
    assert finds(filter_of(condition), {"name": value}) is not value.startswith(prefix)
    filter_of(condition)[0][-1][0][2].encode()  # type: ignore[union-attr]  # a half of a character could not be sent


def test_a_condition_that_no_index_supports_is_refused() -> None:
    """`not` around `contains` is an error of the caller and names the alternatives; the others are internal errors."""
    with pytest.raises(InvalidError, match=r"`not` .* `contains`.*use `prefix` or `in`"):
        filter_of(Negated(AnyOf((ALWAYS, Contains("name", "a")))))
    for leaf in (MatchesPattern("words", "a"), HasWord("prose", "a"), UnusedFor(3)):
        with pytest.raises(ValueError, match=type(leaf).__name__):
            filter_of(Negated(leaf))
    for unresolved in (UnusedFor(3), Contaminated(wanted=True)):
        with pytest.raises(ValueError, match=type(unresolved).__name__):
            filter_of(unresolved)


def test_too_many_alternatives_are_refused() -> None:
    """The alternatives of one condition are bounded, in a disjunction and in a product of disjunctions."""
    two = AnyOf((In("name", ("a",)), In("stage", ("b",))))
    factors = MAX_DISJUNCTS.bit_length() - 1
    filter_of(AnyOf((All((two,) * factors),)))
    with pytest.raises(LimitError, match=f"more than {MAX_DISJUNCTS} alternatives"):
        filter_of(AnyOf((All((two,) * (factors + 1)),)))
    several = tuple(Above("updatedAt", number) for number in range(MAX_DISJUNCTS + 1))
    filter_of(AnyOf(several[:-1]), All(several))
    with pytest.raises(LimitError, match="use `in` lists"):
        filter_of(Negated(All(several)))


@given(st.lists(records, min_size=2, max_size=6), st.sampled_from(("urn", "name", "updatedAt")), st.booleans())
def test_positions_cut_an_order(found: list[Record], key: str, descending: bool) -> None:  # noqa: FBT001
    """The condition after the position of a record finds exactly the records behind it; ties are ordered by URN."""
    order = SortOrder(key, descending)
    unique = {record["urn"]: record for record in found}
    ordered = sorted(unique.values(), key=lambda record: (record[key], record["urn"]), reverse=descending)
    for number, record in enumerate(ordered):
        after = filter_of(after_position(order, (record[key], record["urn"])))
        assert [each for each in ordered if finds(after, each)] == ordered[number + 1 :]


async def test_a_filtered_property_is_never_absent() -> None:
    """Each record has a value of each property that a filter of the schema uses: an absent one would pass a `not`."""
    urns = [
        make_urn(kind.slug, "test", "", "a", "1" if kind.versioned else None) for kind in KINDS.values() if kind.asset
    ]
    natives = {"AssetFilter": [native_values(stub("default", urn, "ada", 1)) for urn in urns]}
    changed = {"subject": urns[0], "subjectKind": "DATASET", "actor": "ada", "action": "LINKED"}
    natives["ChangeFilter"] = [native_values(attached_record("default", "mlg://change/test//a", "ada", 1, **changed))]
    received = {"subject": urns[0], "actor": "ada", "source": "dbt", "state": "PARTIAL"}
    natives["IngestionFilter"] = [
        native_values(attached_record("default", "mlg://ingestion/test//a", "ada", 1, **received))
    ]
    queued = {**received, "state": "PENDING", "dueAt": 1}
    natives["ThinEventFilter"] = [
        native_values(attached_record("default", "mlg://thin-event/test//a", "ada", 1, **queued))
    ]
    async for sample, condition in sampled_conditions(build_schema()):
        keys = {key for node in nodes(condition) if (key := getattr(node, "key", None))}
        for values, sets in natives[sample.filter]:
            assert keys <= values.keys() | sets.keys(), sample


@pytest.mark.parametrize(("text", "size"), [("aaa", 3), ('"""', 6), ("\x01\x01", 12), ("\u00e9", 2), ("\U0001f600", 4)])
def test_a_value_counts_as_its_json(text: str, size: int) -> None:
    """A control character takes six bytes of each request, and the encoder as long as sixty others."""
    assert size_of(filter_of(In("name", (text,)))) == 80 + size


def test_the_negation_of_many_prefixes_has_an_alternative_for_each_gap() -> None:
    """It would have one for each set of their sides: 128 of seven bounds each, for which thirty lists search."""
    prefixes = [f"c{number}" for number in range(9)]
    (branches,) = filter_of(Negated(AnyOf(tuple(StartsWith("name", prefix) for prefix in prefixes))))
    assert branches == [(("below", "name", "c0"),), (("least", "name", "c9"),)]
    (branches,) = filter_of(Negated(AnyOf((StartsWith("name", "a"), StartsWith("name", "c")))))
    assert {frozenset(branch) for branch in branches} == {
        frozenset({("below", "name", "a")}),
        frozenset({("least", "name", "b"), ("below", "name", "c")}),
        frozenset({("least", "name", "d")}),
    }


def alternatives(key: str, count: int) -> AnyOf:
    """Return some values of a property as alternatives."""
    return AnyOf(tuple(In(key, (f"{key}{number}",)) for number in range(count)))


def test_nested_conjunctions_are_made_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each level of 50 copied 240 alternatives of many conditions twice: 0.2 s in one callback of the event loop."""
    joined = list[object]()

    def noted(tests: Iterable[IndexTest]) -> Branch:
        joined.append(each := tuple(tests))
        return each

    monkeypatch.setattr(index_filter, "_joined", noted)
    flat: list[Condition] = [
        alternatives("kind", 15),
        alternatives("name", 16),
        *(In("source", (f"{number}",)) for number in range(9)),
    ]
    nested: Condition = All(tuple(flat))
    for _ in range(25):
        nested = Negated(AnyOf((Negated(All((nested,))),)))
    assert filter_of(AnyOf((nested,))) == filter_of(AnyOf((All(tuple(flat)),)))
    assert len(joined) == 2 * (15 + 15 * 16 + 15 * 16)


def test_a_part_without_matches_ends_a_conjunction() -> None:
    """Its other parts are not multiplied, so many alternatives beside an empty list are no error."""
    empty = All((alternatives("kind", 20), All((alternatives("name", 20), In("source", ())))))
    assert filter_of(AnyOf((empty, In("source", ("a",))))) == filter_of(In("source", ("a",)))


def test_alternatives_that_are_nested_in_conjunctions_are_bounded() -> None:
    """Each level joins all of them with its own conditions; those of the last level may be few, and still fit."""
    nested: Condition = AnyOf((All((alternatives("kind", 10), alternatives("name", 20))),))
    for number in range(10):
        nested = AnyOf((All((nested, In("source", (f"{number}",)))), In("namespace", (f"{number}",))))
    assert len(filter_of(nested)[0]) == 210
    for number in range(30):
        nested = AnyOf((All((nested, In("source", (f"b{number}",)))), In("namespace", (f"b{number}",))))
    with pytest.raises(LimitError, match="have more than 40000 conditions"):
        filter_of(nested)


@pytest.mark.parametrize(("count", "counted"), [(3, 0), (4, 1), (80, 20), (84, 21)])
def test_prefixes_and_ranges_of_texts_count_as_substrings(count: int, counted: int) -> None:
    """The index goes through all names that begin so, or are in a range; numbers are found without that."""
    texts = [f"a{number:02}z" for number in range(count)]
    for leaf in (StartsWith, Above, Below):
        assert substrings(filter_of(AnyOf(tuple(leaf("name", text) for text in texts)))) == counted
    assert substrings(filter_of(AnyOf(tuple(Above("updatedAt", number) for number in range(count))))) == 0


def test_a_page_continues_after_a_long_name() -> None:
    """The index takes no lower bound of 1,000 bytes: the page continues after all names that begin as this one does."""
    long = "a" * 999 + "\u3042" * 2
    assert filter_of(Above("name", long)) == [[(("least", "name", "a" * 498 + "b"),)]]
    assert filter_of(Below("name", long)) == [[(("below", "name", long),)]]
    assert filter_of(Above("name", long[:999])) == [[(("above", "name", long[:999]),)]]
    assert filter_of(Above("name", "\U0010ffff" * 250)) == [[(("in", "urn", ()),)]]  # no text follows, so no page does


@pytest.mark.parametrize("last", ["\x7f", "\u07ff", "\uffff", "b"])
def test_the_bounds_of_a_negated_prefix_have_at_most_1_000_bytes(last: str) -> None:
    """The store fails with longer ones; the character after some others has a byte more than these."""
    prefix = "b" * (MAX_PREFIX_BYTES - len(last.encode())) + last
    (((lower,), (upper,)),) = filter_of(Negated(StartsWith("name", prefix)))
    assert len(str(lower[2]).encode()) == MAX_PREFIX_BYTES
    assert len(str(upper[2]).encode()) in {MAX_PREFIX_BYTES, 1_000}


def test_a_search_for_a_long_title_is_one_for_its_words() -> None:
    """The index builds no automaton of more than 1,000 bytes; a filter with such a prefix is refused before."""
    assert filter_of(AnyOf((StartsWith("titles", "a" * 1_001), In("name", ("b",))))) == filter_of(In("name", ("b",)))
