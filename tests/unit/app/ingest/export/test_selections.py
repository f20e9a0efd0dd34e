"""The documents of `mlg export`; tests/journeys/test_round_trip.py covers what the export makes of the responses."""

import pytest
import strawberry
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate

from app.ingest.export.selections import NEIGHBOURS_DOCUMENT, connection_document, connections, page_document
from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.relations import CONTAINS, EVALUATED_BY, PRODUCES, RUN_OF, VERSION_OF
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.value_types import Property, PropertyInput
from graphql_schema.inputs.input_fields import EDGE, AssetFields, EdgeField, attribute, id_part, reference
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.inputs.values import fields_of
from graphql_schema.operation.cost import Pricing, cost_breaches
from graphql_schema.operation.limits import DocumentLimits
from graphql_schema.registry.entries import REGISTRY

NOT_STORED = {"source", "namespace", "name", "expectedRevision", "idempotencyKey", "dryRun", "references"}
"""Input fields that are part of the id, or about the call alone."""

NOT_REGISTERED = {"createdAt"}
"""Stored fields of teams that the server sets."""

CARRIED_BY_FAR_END = {"FeatureSet.features", "Workflow.partOf", "Domain.owners"}
"""Edges that a field or link of the far end exports; no query returns the owners of a domain (docs/import.md)."""


CONNECTIONS = [connection_document(entry, name) for entry in REGISTRY.values() for name in connections(entry.export)]


@pytest.mark.parametrize("document", [NEIGHBOURS_DOCUMENT, *CONNECTIONS])
def test_every_document_of_further_pages_is_valid(document: str, contract: GraphQLSchema) -> None:
    """The committed schema accepts each query for the next page of a list."""
    assert validate(contract, parse(document)) == []


@pytest.mark.parametrize("document", [*map(page_document, REGISTRY.values()), NEIGHBOURS_DOCUMENT, *CONNECTIONS])
def test_every_document_is_within_the_limits(document: str, contract: GraphQLSchema) -> None:
    """The cost of each query of the export is below the limits of an operation."""
    parsed = parse(document)
    [operation] = [each for each in parsed.definitions if isinstance(each, OperationDefinitionNode)]
    cost = Pricing.of(contract, parsed, {}).cost(operation)
    assert cost_breaches(cost, operation, DocumentLimits()) == []


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_every_document_is_valid(entry: KindEntry, contract: GraphQLSchema) -> None:
    """The committed schema accepts each query of the export."""
    faults = [error.message for error in validate(contract, parse(page_document(entry)))]
    assert faults == [], f"{faults}: correct type, input or Export(…) in {_file(entry)}."
    assert validate(contract, parse(NEIGHBOURS_DOCUMENT)) == []


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_every_input_field_is_exported(entry: KindEntry) -> None:
    """No input field is missing from the export, unless it is not stored or another item carries it."""
    document, name = page_document(entry), entry.kind.name
    missing = {f"{name}.{field.name}" for field in fields_of(entry.input) if field.name not in document}
    carried = {f"{name}.{field.name}" for field in fields_of(entry.input) if is_carried(field.metadata.get(EDGE))}
    lost = missing - carried - {f"{name}.{field}" for field in NOT_STORED} - CARRIED_BY_FAR_END
    assert lost == set(), f"The export lacks {lost}: add them to Export(…) in {_file(entry)}, or to the type."


def _file(entry: KindEntry) -> str:
    return f"graphql_schema/assets/{entry.kind.concept}.py"


def is_carried(edge: EdgeField | None) -> bool:
    """Whether the edges of a field become links or follow from an id, and no registration needs them."""
    return edge is not None and not edge.required and (edge.hop.relation.lineage or edge.hop.relation is VERSION_OF)


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_every_stored_field_can_be_registered(entry: KindEntry) -> None:
    """The input has each stored field of the type, so that clients can register it and an export is complete."""
    own = [each for each in fields_of(entry.node) if each.declaration.base_resolver is None]
    stored = {each.name for each in own} - {each.name for each in fields_of(Asset)} - NOT_REGISTERED
    lost = stored - {each.name for each in fields_of(entry.input)}
    assert lost == set(), f"{entry.input.__name__} lacks {lost}: add them to the input in {_file(entry)}."
    assert entry.export.members.keys() <= {each.name for each in fields_of(entry.input)}


@strawberry.type
class Model:
    """A kind with a field of each sort."""

    task: str = stored_field("A value.")
    version: str = stored_field("A part of the id.")
    params: list[Property] = stored_field("Nested values.")
    run: str = stored_field("An id of a relation of structure.")
    evaluated: str = stored_field("An id of a lineage relation that the input needs.")
    trained: str = stored_field("An id of another lineage relation.")
    model: str = stored_field("An id that follows from that of the version.")
    steps: str = stored_field("A list of ids.")
    stage: str = stored_field("A field of every asset.")


@strawberry.input
class ModelInput(AssetFields):
    """Registers such a kind."""

    task: str | None = attribute("A value.")
    version: str | None = id_part("A part of the id.")
    params: list[PropertyInput] | None = attribute("Nested values.")
    run: strawberry.ID | None = reference(RUN_OF.out(), "An id of a relation of structure.")
    evaluated: strawberry.ID | None = reference(EVALUATED_BY.into(), "A lineage relation.", required=True)
    trained: strawberry.ID | None = reference(PRODUCES.into(), "Another lineage relation.")
    model: strawberry.ID | None = reference(VERSION_OF.out(), "An id that follows from that of the version.")
    steps: list[strawberry.ID] | None = reference(CONTAINS.out(), "A list of ids.")
    hint: str | None = attribute("A value that the type does not have.")


def test_the_own_fields_follow_from_type_and_input() -> None:
    """Values and ids that no link carries are selected; lists of ids, links and fields of every asset are not."""
    document = page_document(KindEntry(Model, ModelInput, "Registers it."))  # type: ignore[arg-type]
    selected = "task version params { key value } run { id } evaluated { id }"
    assert f"... on Model {{ {selected} }}" in document
