"""The documents of `mlg export`; tests/journeys/test_round_trip.py covers what the export makes of the responses."""

from typing import Any

import pytest
from graphql import GraphQLSchema, parse, validate

from app.ingest.export.selections import NEIGHBOURS_DOCUMENT, connection_document, connections, page_document
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.inputs.input_fields import EDGE, EdgeField
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.inputs.values import fields_of
from graphql_schema.registry.entries import REGISTRY

NOT_STORED = {"source", "namespace", "name", "expectedRevision", "idempotencyKey", "dryRun"}
"""Input fields that are part of the id, or about the call alone."""

CARRIED_BY_FAR_END = {"FeatureSet.features", "Workflow.partOf", "Domain.owners"}
"""Edges that a field or link of the far end exports; no query returns the owners of a domain (docs/import.md)."""


CONNECTIONS = [connection_document(entry, name) for entry in REGISTRY.values() for name in connections(entry.export)]


@pytest.mark.parametrize("document", [*map(page_document, REGISTRY.values()), NEIGHBOURS_DOCUMENT, *CONNECTIONS])
def test_every_document_is_valid(document: str, contract: GraphQLSchema) -> None:
    """The committed schema accepts each query of the export."""
    assert validate(contract, parse(document)) == []


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_every_input_field_is_exported(entry: KindEntry) -> None:
    """No input field is missing from the export, unless it is not stored or another item carries it."""
    document, name = page_document(entry), entry.kind.name
    missing = {f"{name}.{field.name}" for field in fields_of(entry.input) if field.name not in document}
    carried = {f"{name}.{field.name}" for field in fields_of(entry.input) if is_carried(field.metadata.get(EDGE))}
    lost = missing - carried - {f"{name}.{field}" for field in NOT_STORED} - CARRIED_BY_FAR_END
    assert lost == set(), f"The export lacks {lost}: add them to Export(…) in {_file(entry)}."


def _file(entry: KindEntry) -> str:
    return f"graphql_schema/assets/{entry.kind.concept}.py"


def is_carried(edge: EdgeField | None) -> bool:
    """Whether the edges of a field become links or follow from an id, and no registration needs them."""
    return edge is not None and not edge.required and (edge.hop.relation.lineage or edge.hop.relation is VERSION_OF)


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_every_exported_field_can_be_imported(entry: KindEntry, contract: GraphQLSchema) -> None:
    """The selected own fields are fields of the input, so that an exported item is valid."""
    given: Any = contract.get_type(f"{entry.kind.name}Input")
    operation: Any = parse(f"{{ {entry.export.fields} }}").definitions[0]
    lost = {each.name.value for each in operation.selection_set.selections} - given.fields.keys()
    assert lost == set(), f"{entry.input.__name__} lacks the exported {lost}: add them to the input in {_file(entry)}."
    assert entry.export.members.keys() <= given.fields.keys()
