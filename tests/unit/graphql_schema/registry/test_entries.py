"""The register of kinds agrees with the catalog, or says what is missing and where to add it."""

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType

from graphql_schema.catalog.kinds import KINDS, Kind
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.registry import entries
from graphql_schema.registry.entries import REGISTRY
from graphql_schema.schema import GraphSchema

FOUND = {name: (KINDS[name].concept, entry) for name, entry in REGISTRY.items()}


def fault(found: dict[str, tuple[str, KindEntry]]) -> str:
    """Return the message with which the register refuses these entries."""
    with pytest.raises(ValueError, match="does not agree with the catalog") as refused:
        entries._by_kind(found)  # noqa: SLF001 - runs at import
    return str(refused.value)


def test_the_register_is_in_the_order_of_the_catalog() -> None:
    """Types, mutations and items have the order of the catalog, in whatever order files are found."""
    assert list(entries._by_kind(dict(reversed(FOUND.items())))) == list(REGISTRY) == list(KINDS)  # noqa: SLF001


def test_a_kind_without_an_entry_is_named_with_its_file() -> None:
    """A kind without an entry raises an error with the file that is to hold it."""
    without = {name: each for name, each in FOUND.items() if name != "Run"}
    assert "Run has no entry: add one to ENTRIES in graphql_schema/assets/workflow.py" in fault(without)


def test_an_entry_without_a_kind_is_named_with_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry without a kind raises an error that names the catalog."""
    monkeypatch.delitem(KINDS, "Run")
    assert "Run of graphql_schema/assets/workflow.py is no kind: add it to KINDS in graphql_schema/catalog" in fault(
        FOUND
    )


def test_an_entry_in_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lazy references look for a type in the file that the catalog names, so the two must agree."""
    monkeypatch.setitem(KINDS, "Run", Kind("Run", "run", "One execution."))
    assert 'give it declared_in="workflow" in graphql_schema/catalog/kinds.py' in fault(FOUND)


def test_each_kind_has_its_mutation_item_and_types(schema: GraphSchema) -> None:
    """The schema has, for each entry, the type, the input, the field of AssetInput, and a mutation that takes it."""
    types = schema.core.type_map
    mutation, items = types["Mutation"], types["AssetInput"]
    assert isinstance(mutation, GraphQLObjectType)
    assert isinstance(items, GraphQLInputObjectType)
    assert list(items.fields) == [*(entry.key for entry in REGISTRY.values()), "link"]
    for name, entry in REGISTRY.items():
        field = mutation.fields[entry.verb + name]
        assert str(field.args["input"].type) == f"{name}Input!"
        assert str(field.type) == "RegisterPayload!"
        assert items.fields[entry.key].description == field.description == entry.description
        assert isinstance(types[name], GraphQLObjectType)
