"""Validation of given values: literals and variables, required arguments, and where variables are used."""

from collections.abc import Collection
from typing import Annotated, Any

import pytest
import strawberry
from graphql.language import visit
from graphql.pyutils import suggestion_list
from graphql.validation.rules import known_type_names

from graphql_schema.operation import input_validation
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import CodedError


@strawberry.input(one_of=True)
class Item:
    """One of two members."""

    a: int | None = strawberry.UNSET
    b: int | None = strawberry.UNSET


@strawberry.input
class Items:
    """A list of items."""

    items: list[Item]


@strawberry.type
class Query:
    """A field for each form of an argument."""

    @strawberry.field
    def put(self, given: Annotated[Items, strawberry.argument(name="input")], text: str | None = None) -> int:
        """Return the number of items."""
        del text
        return len(given.items)

    @strawberry.field
    def ratio(self, of: float) -> float:
        """Return the number."""
        return of


async def errors(document: str, **variables: Any) -> list[tuple[str, object]]:
    """Return code and path of each error."""
    result = await OperationSchema(Query).execute(document, variable_values=variables)
    causes = [error.original_error for error in result.errors or []]
    return [(str(c.code), c.extensions.get("inputPath")) if isinstance(c, CodedError) else ("", None) for c in causes]


@pytest.mark.parametrize(
    ("document", "variables", "path"),
    [
        ("{ put(input: {items: [{a: 1}, {}]}) }", {}, ["input", "items", "1"]),
        ("query ($input: Items!) { put(input: $input) }", {"input": {"items": [{}]}}, ["input", "items", "0"]),
        ("query ($some: [Item!]!) { put(input: {items: $some}) }", {"some": [{}]}, ["input", "items", "0"]),
        ("query ($one: Item!) { put(input: {items: [{a: 1}, $one]}) }", {"one": {}}, ["input", "items", "1"]),
        ("query ($one: Item!) { ...F } fragment F on Query { put(input: {items: [$one]}) }", {"one": {}}, None),
        ("query ($n: Float!) { ratio(of: $n) }", {}, ["of"]),
        ("query ($n: Float!) { ratio(of: $n) }", {"n": float("nan")}, ["of"]),
        ("query ($n: Float! = 1e999) { ratio(of: $n) }", {}, ["n"]),
        ("{ ratio }", {}, ["of"]),
        ("{ ratio(of: 1e999) }", {}, ["of"]),
        ("{ ratio(of: 1) @skip(if: 3) }", {}, ["if"]),
    ],
)
async def test_a_fault_is_invalid_at_its_place(
    document: str, variables: dict[str, Any], path: list[str] | None
) -> None:
    """Each fault is one error INVALID with the path of the argument, also if a variable has another name than it."""
    assert await errors(document, **variables) == [("INVALID", path or ["input", "items", "0"])]


async def test_two_faults_are_two_errors() -> None:
    """Each fault of a value is reported, in the order of the fields."""
    document = "query ($input: Items!) { put(input: $input) }"
    faults = await errors(document, input={"items": [{"a": "x"}, {"c": 1}]})
    assert [path for _, path in faults] == [["input", "items", "0", "a"], ["input", "items", "1", "c"]]


@pytest.mark.parametrize("document", ["{ ratio(off: 1, of: 1) }", "query ($n: Item) { put(input: {items: [$n]}) }"])
async def test_a_fault_of_the_document_is_none_of_a_value(document: str) -> None:
    """An unknown argument and a variable of another type are mistakes of the document, without a path."""
    assert await errors(document) == [("", None)]


async def test_valid_values_are_executed() -> None:
    """Valid literals and variables reach the resolver."""
    result = await OperationSchema(Query).execute("query ($i: Items!) { put(input: $i) }", {"i": {"items": [{"a": 1}]}})
    assert (result.data, result.errors) == ({"put": 1}, None)


async def test_the_document_is_searched_once_for_all_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work does not grow with the number of variables times the size of the document."""
    visits: list[object] = []

    def counted(*arguments: Any) -> Any:
        visits.append(arguments)
        return visit(*arguments)

    monkeypatch.setattr(input_validation, "visit", counted)
    names = [f"v{number}" for number in range(25)]
    fields = " ".join(f"{name}: ratio(of: ${name})" for name in names)
    text = f"query ({' '.join(f'${name}: Float!' for name in names)}) {{ {fields} }}"
    assert len(await errors(text, **dict.fromkeys(names, "x"))) == 25
    assert len(visits) == 1


async def test_few_unknown_types_are_compared_with_all_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short document of very many unknown types is as fast as one: only the first has names that are similar."""
    compared: list[str] = []

    def noted(name: str, names: Collection[str]) -> list[str]:
        compared.extend(names)
        return suggestion_list(name, names)

    monkeypatch.setattr(known_type_names, "suggestion_list", noted)
    schema = OperationSchema(Query)
    result = await schema.execute("{ " + " ".join(f"... on Querry{number} {{ ratio }}" for number in range(20)) + " }")
    messages = [error.message for error in result.errors or ()]
    assert messages == ["Unknown type 'Querry0'. Did you mean 'Query'?"] + [
        f"Unknown type 'Querry{number}'." for number in range(1, 20)
    ]
    assert sorted(compared) == sorted(schema.core.type_map)
