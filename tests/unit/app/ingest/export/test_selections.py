"""The documents of `mlg export`; tests/journeys/test_round_trip.py covers what the export makes of the responses."""

import pytest
from graphql import GraphQLSchema, parse, validate

from app.ingest.export.selections import NEIGHBOURS_DOCUMENT, page_document
from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.inputs.input_fields import EDGE, EdgeField
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.inputs.values import fields_of
from graphql_schema.registry.entries import REGISTRY

NOT_STORED = {"source", "namespace", "name", "expectedRevision", "idempotencyKey", "dryRun"}
"""Input fields that are part of the id, or about the call alone."""

NOT_REGISTERED = {"createdAt"}
"""Stored fields of teams that the server sets."""

OWN = {
    "Model": "task riskTier intendedUse",
    "Feature": "dataType expression freshnessSla featureSet { id }",
    "ExperimentCell": "experiment { id } cell allocation",
    "DatasetVersion": "version location contentDigest rowCount",
    "Run": "workflow { id } parentRun { id } startedBy { id } state startedAt endedAt codeVersion params { key value } "
    "metrics { name value slice } error costUsd",
}
"""The selection of own fields of some kinds, written by hand."""

CARRIED_BY_FAR_END = {"FeatureSet.features", "Workflow.partOf", "Domain.owners"}
"""Edges that a field or link of the far end exports; no query returns the owners of a domain (docs/import.md)."""


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
    assert lost == set(), (
        f"The export lacks {lost}: give the type fields of these names, or add them to Export(…), in {_file(entry)}."
    )


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


def test_the_own_fields_follow_from_the_input() -> None:
    """Values, nested values, and ids that no link carries are selected; edges of lineage and common fields are not."""
    own = {name: page_document(REGISTRY[name]).partition(f"... on {name} {{ ")[2].partition(" }\n")[0] for name in OWN}
    assert own == OWN
