"""Faults of given values: the same place and message for a literal as for the value of a variable."""

import json
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse_value

from graphql_schema.operation.input_faults import MAX_SHOWN, InputFault, input_faults

SMALL = build_schema(
    """
    enum Stage { DRAFT ACTIVE RETIRED }
    scalar Day
    input Dataset { id: ID! stage: Stage rows: Float tags: [String!] day: Day }
    input Model { id: ID! }
    input Item @oneOf { dataset: Dataset model: Model }
    input Items { items: [Item!]! dryRun: Boolean = false count: Int }
    type Query { put(input: Items!): Int }
    """
)

LITERAL_AND_VALUE: dict[str, tuple[str, Any, str]] = {
    "an unknown value of an enum": (
        "{items: [{model: {id: 1}}, {dataset: {id: 1, stage: ACTVE}}]}",
        {"items": [{"model": {"id": 1}}, {"dataset": {"id": 1, "stage": "ACTVE"}}]},
        "`input.items[1].dataset.stage` is `ACTVE`; use a value of the enum `Stage`. Did you mean `ACTIVE`?",
    ),
    "a number for an enum": (
        "{items: [{dataset: {id: 1, stage: 3}}]}",
        {"items": [{"dataset": {"id": 1, "stage": 3}}]},
        "`input.items[0].dataset.stage` is `3`; use a value of the enum `Stage`.",
    ),
    "no member": (
        "{items: [{}]}",
        {"items": [{}]},
        "`input.items[0]` has no field; give exactly one field of `Item`.",
    ),
    "two members": (
        "{items: [{model: {id: 1}, dataset: {id: 1}}]}",
        {"items": [{"model": {"id": 1}, "dataset": {"id": 1}}]},
        "`input.items[0]` has 2 fields (`model`, `dataset`); give exactly one field of `Item`.",
    ),
    "a member without a value": (
        "{items: [{model: null}]}",
        {"items": [{"model": None}]},
        "`input.items[0].model` is null; give the one field of `Item` a value.",
    ),
    "a misspelt member": (
        "{items: [{modle: {id: 1}}]}",
        {"items": [{"modle": {"id": 1}}]},
        "`input.items[0].modle` is unknown: `Item` has no such field. Did you mean `model`?",
    ),
    "a field without a resembling name": (
        "{items: [], zzz: 1}",
        {"items": [], "zzz": 1},
        "`input.zzz` is unknown: `Items` has no such field.",
    ),
    "a missing field": (
        "{items: [{dataset: {rows: 1}}]}",
        {"items": [{"dataset": {"rows": 1}}]},
        "`input.items[0].dataset.id` is missing. Its type is `ID!`; give a value.",
    ),
    "a null for a required field": (
        "{items: [{dataset: {id: null}}]}",
        {"items": [{"dataset": {"id": None}}]},
        "`input.items[0].dataset.id` is null. Its type is `ID!`; give a value.",
    ),
    "a null in a list": (
        '{items: [{dataset: {id: 1, tags: ["a", null]}}]}',
        {"items": [{"dataset": {"id": 1, "tags": ["a", None]}}]},
        "`input.items[0].dataset.tags[1]` is null. Its type is `String!`; give a value.",
    ),
    "a text for an object": (
        '{items: [{model: "x"}]}',
        {"items": [{"model": "x"}]},
        '`input.items[0].model` is `"x"`; give an object of the type `Model`.',
    ),
    "a text for a number": (
        '{items: [{dataset: {id: 1, rows: "x"}}]}',
        {"items": [{"dataset": {"id": 1, "rows": "x"}}]},
        '`input.items[0].dataset.rows` is `"x"`, which is no `Float`; give a finite number.',
    ),
    "a number beyond a Float": (
        "{items: [{dataset: {id: 1, rows: -1e999}}]}",
        {"items": [{"dataset": {"id": 1, "rows": float("-inf")}}]},
        "`input.items[0].dataset.rows` is beyond the range of `Float`; give a finite number.",
    ),
    "an object for a text": (
        "{items: [{dataset: {id: 1, tags: [{a: 1}]}}]}",
        {"items": [{"dataset": {"id": 1, "tags": [{"a": 1}]}}]},
        "`input.items[0].dataset.tags[0]` is an object, which is no `String`; give a text.",
    ),
    "a list for an id": (
        "{items: [{model: {id: [1]}}]}",
        {"items": [{"model": {"id": [1]}}]},
        "`input.items[0].model.id` is a list, which is no `ID`; give a text.",
    ),
    "a fraction": (
        "{items: [], count: 1.5}",
        {"items": [], "count": 1.5},
        "`input.count` is `1.5`, which is no `Int`; give a whole number from -2147483648 to 2147483647.",
    ),
    "a number for a flag": (
        "{items: [], dryRun: 1}",
        {"items": [], "dryRun": 1},
        "`input.dryRun` is `1`, which is no `Boolean`; give `true` or `false`.",
    ),
}


def found(given: Any, schema: GraphQLSchema = SMALL) -> list[InputFault]:
    """Return the faults of the argument `input`."""
    assert schema.query_type is not None
    return list(input_faults(given, schema.query_type.fields["put"].args["input"].type, ("input",)))


@pytest.mark.parametrize("name", LITERAL_AND_VALUE)
def test_one_fault_has_one_message(name: str) -> None:
    """A literal and a variable with the same mistake have the same message, without words of Python."""
    literal, value, message = LITERAL_AND_VALUE[name]
    assert [fault.error.message for fault in found(parse_value(literal))] == [message]
    assert [fault.error.message for fault in found(json.loads(json.dumps(value)))] == [message]
    assert not any(word in message for word in ("None", "dict", "<class", "inf"))


def test_a_fault_has_its_place_in_parts() -> None:
    """`inputPath` has the place as the errors of a payload have it: names of fields, and indexes as text."""
    (fault,) = found({"items": [{"model": {}}]})
    assert fault.error.extensions == {"inputPath": ["input", "items", "0", "model", "id"]}
    assert fault.error.code == "INVALID"


@pytest.mark.parametrize(
    "literal",
    [
        "{items: []}",
        "{items: {model: {id: 1}}}",
        "{items: [{dataset: {id: 1, rows: 1e308, stage: DRAFT}}], count: null}",
        "{items: $i, count: $c}",
    ],
)
def test_valid_values_have_no_fault(literal: str) -> None:
    """Valid values have no fault: one value counts as a list of it, and variables are checked elsewhere."""
    assert found(parse_value(literal)) == []


def test_a_text_in_quotes_for_an_enum() -> None:
    """A literal in quotes is no value of an enum, and the message says that the quotes are the fault."""
    (fault,) = found(parse_value('{items: [{dataset: {id: 1, stage: "ACTIVE"}}]}'))
    assert fault.text == 'is `"ACTIVE"`; write the value of the enum `Stage` without quotes.'


def test_long_values_are_cut() -> None:
    """A message quotes at most MAX_SHOWN characters of a value."""
    (fault,) = found({"items": [], "count": "x" * 10_000})
    assert len(fault.text) < MAX_SHOWN + 100


def test_another_scalar_describes_its_own_fault() -> None:
    """A scalar of the schema itself accepts texts alone, and describes a text that it does not accept."""

    def parse(text: object) -> object:
        raise ValueError(text)

    schema = build_schema("scalar Day type Query { put(input: Day): Int }")
    schema.type_map["Day"].coerce_input_value = parse  # type: ignore[attr-defined]
    assert [fault.text for fault in found("x", schema)] == ['is `"x"`, which is no `Day`; give another value.']
    assert [fault.text for fault in found({}, schema)] == ["is an object, which is no `Day`; give a text."]
