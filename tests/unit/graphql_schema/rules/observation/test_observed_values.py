"""The fold of observed values against a plain last-writer-wins map, and what other clients registered."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.ports.commands import ObservedValue
from graphql_schema.rules.observation.observed_values import MAX_PARTS, Entries, digest_of, fold, is_observed, part_of

OBSERVED = st.builds(
    ObservedValue, st.sampled_from(["description", "format"]), st.sampled_from("abc"), st.tuples(st.integers(0, 3))
)


def described(value: str, at: int) -> ObservedValue:
    """Return a description."""
    return ObservedValue("description", value, (at,))


def pair(key: str, value: str, at: int) -> ObservedValue:
    """Return a property."""
    return ObservedValue("properties", {"key": key, "value": value}, (at,), key)


def folded(*values: ObservedValue, record: Any = None) -> tuple[dict[str, Any], Entries]:
    """Return the record after the values were folded into it one by one, and the evidence."""
    stored, entries = dict(record or {}), Entries()
    for value in values:
        done = fold(stored, entries, [value])
        stored, entries = {**stored, **done.values}, done.entries
    return stored, entries


@given(st.lists(OBSERVED, max_size=8))
def test_the_greatest_order_remains(values: list[ObservedValue]) -> None:
    """The record has, for each field, the value of the greatest order; between equal ones the digest decides."""
    expected: dict[str, Any] = {}
    for each in sorted(values, key=lambda value: (value.order, digest_of(value.value))):
        expected[each.field] = each.value
    assert folded(*values)[0] == expected


def test_a_value_of_another_client_is_kept() -> None:
    """A stored value without evidence, or another one than the evidence has, is not replaced."""
    done = fold({"description": "hand"}, {}, [described("event", 1)])
    assert (done.values, done.kept) == ({}, {"description"})
    assert fold({"description": "same"}, {}, [described("same", 1)]).kept == set()
    _, entries = folded(described("a", 1))
    later = fold({"description": "hand"}, entries, [described("b", 2)])
    assert (later.values, later.kept, later.outdated) == ({}, {"description"}, set())
    old = fold({"description": "a"}, entries, [described("b", 0)])
    assert (old.values, old.outdated, old.accepted) == ({}, {"description"}, set())


def test_the_state_of_a_run_is_never_kept() -> None:
    """A state that a client recorded gives place to that of an event."""
    done = fold({"state": "RUNNING"}, {}, [ObservedValue("state", "COMPLETE", (3, 1))])
    assert done.values == {"state": "COMPLETE"}


def test_hidden_values_are_not_compared() -> None:
    """With a hidden field, every event gives the same result, whatever is stored and whatever was observed."""
    _, entries = folded(described("a", 5))
    done = [
        fold(record, known, [described("b", 1)], {"description"})
        for record in ({}, {"description": "x"})
        for known in ({}, entries)
    ]
    assert {(tuple(each.values.items()), *each.kept, *each.outdated) for each in done} == {((("description", "b"),),)}


def test_properties_are_folded_key_by_key() -> None:
    """Keys of other clients remain, and are not replaced; a later value of a key replaces the earlier one."""
    hand = {"properties": [{"key": "a", "value": "hand"}, {"key": "z", "value": "hand"}]}
    done = fold(hand, {}, [pair("a", "1", 1), pair("b", "2", 1)])
    assert done.kept == {"properties.a"}
    assert done.values["properties"] == [*hand["properties"][:1], {"key": "b", "value": "2"}, hand["properties"][1]]
    record, entries = folded(pair("b", "2", 1), pair("b", "3", 2), pair("b", "1", 0))
    assert record["properties"] == [{"key": "b", "value": "3"}]
    assert entries["properties"]["b"]["order"] == [2]
    assert part_of("metrics", {"name": "auc", "slice": None}) == "auc"


def test_at_most_a_hundred_keys_remain() -> None:
    """Those with the least order are left out, in every order of arrival; a key of another client never is."""
    values = [pair(f"k{number:03d}", "x", number) for number in range(MAX_PARTS + 5)]
    hand = {"properties": [{"key": "hand", "value": "x"}]}
    kept = folded(*values, record=hand)[0]["properties"]
    assert [each["key"] for each in kept] == ["hand", *(f"k{number:03d}" for number in range(5, MAX_PARTS + 5))]
    assert folded(*values[::-1], record=hand)[0]["properties"] == kept


@given(st.lists(OBSERVED, max_size=8))
def test_values_of_events_alone_are_observed(values: list[ObservedValue]) -> None:
    """Each field that events gave is observed, and no longer when a client has given another value."""
    record, entries = folded(*values)
    for name, value in record.items():
        assert is_observed(name, value, entries[name])
        assert not is_observed(name, value, {})
        assert not is_observed(name, "by hand", entries[name])


def test_a_part_or_a_column_of_a_client_is_not_observed() -> None:
    """One property, column or description of a column by hand is enough."""
    record, entries = folded(pair("a", "1", 1), pair("b", "2", 1))
    assert is_observed("properties", record["properties"], entries["properties"])
    assert not is_observed("properties", [{"key": "a", "value": "hand"}], entries["properties"])
    assert not is_observed("properties", [{"key": "c", "value": "1"}], entries["properties"])
    columns = [{"name": "a", "dataType": "INT"}, {"name": "b", "dataType": "INT"}]
    record, entries = folded(ObservedValue("columns", columns, (1,), "schema"))
    assert is_observed("columns", record["columns"], entries["columns"])
    for column in ({"name": "a", "dataType": "INT", "description": "hand"}, {"name": "hand", "dataType": "INT"}):
        assert not is_observed("columns", [*columns[1:], column], entries["columns"])


def test_a_registered_source_is_not_observed_by_an_earlier_release() -> None:
    """A client who gave the columns learns by no merge whether the guess is among sources of an earlier release."""
    sources = [{"dataset": "d", "column": "right"}]
    parts = {"one": {"order": [1], "digest": "", "value": {"z": sources}, "by": "ci"}}
    stored = [{"name": "z", "derivedFrom": sources}]
    assert is_observed("columns", stored, parts)
    assert not is_observed("columns", stored, parts, is_mixed=False)
