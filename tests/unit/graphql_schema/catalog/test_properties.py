"""Native properties: what the store itself filters and orders by."""

import pytest

from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.properties import FIELD_OF, NATIVE_EDGE_PROPERTIES, NATIVE_PROPERTIES, TIME_FIELDS
from graphql_schema.schema import GraphSchema


def test_names_of_native_properties_are_unique() -> None:
    """A property of the store has one declaration; vertices and edges share only the record."""
    names = [stored.name for stored in NATIVE_PROPERTIES]
    edges = [stored.name for stored in NATIVE_EDGE_PROPERTIES]
    assert len(names) == len({*names})
    assert len(edges) == len({*edges})
    assert {*names} & {*edges} == {"record"}


@pytest.mark.parametrize(
    ("stored", "field"),
    [
        ("urn", "id"),
        ("stage", "stage"),
        ("titles", "displayName"),
        ("words", "displayName"),
        ("prose", "description"),
        ("begins", "sourceCreatedAt"),
        ("usedAt", "usage"),
        ("servedAt", "usage"),
        ("lastUsedAt", "usage"),
        ("pairs", "properties"),
        ("codePaths", "codeRef"),
        ("dataPaths", "location"),
        ("cost", "costUsd"),
        ("riskTier", "riskTier"),
    ],
)
def test_a_filter_follows_the_policy_of_the_field_that_shows_the_value(stored: str, field: str) -> None:
    """A property under another name is hidden together with its field, or a filter would disclose the value."""
    assert FIELD_OF[stored] == field


WITHOUT_FIELD = {"tenant", "subjectKind", "record"}
"""Properties that no field shows, because no client filters or orders by them."""


def test_the_field_of_a_property_exists(schema: GraphSchema) -> None:
    """A filter by a property whose field is misspelt would have no mask, and would disclose hidden values."""
    shown = {field for kind in ALL_KINDS for field in getattr(schema.core.type_map.get(kind), "fields", ())}
    missing = {name: field for name, field in FIELD_OF.items() if name not in WITHOUT_FIELD and field not in shown}
    assert missing == {}, f"No type has the fields of {missing}: name them in graphql_schema/catalog/properties.py."


def test_the_record_is_not_searched() -> None:
    """The index holds single values of a record and never the JSON text, which contains hidden ones."""
    assert {stored.name for stored in (*NATIVE_PROPERTIES, *NATIVE_EDGE_PROPERTIES) if stored.index}.isdisjoint(
        {"record", "revision", "through"}
    )


def test_the_time_of_something_is_the_most_exact_one_it_has() -> None:
    """Observation before start, start before the time of the source, and the time of registration last."""
    assert TIME_FIELDS == ("observedAt", "startedAt", "sourceCreatedAt", "createdAt")
