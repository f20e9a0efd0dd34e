"""Domains: business areas that contain assets."""

import strawberry

from graphql_schema.catalog.relations import OWNED_BY, PART_OF
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.listing_fields import assets_where
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, DomainRef
from graphql_schema.fields.relation_fields import to_one
from graphql_schema.fields.value_types import Property
from graphql_schema.inputs.input_fields import CatalogFields, OwnerInput, attribute, reference
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.conditions import Condition, In
from graphql_schema.ports.relation_query import related


def _in_domain(urn: str) -> Condition:
    return In("domain", (urn,))


@strawberry.type(description="A business area that contains assets and gives them owners.")
class Domain(Node):
    """A business area that contains assets and gives them owners."""

    name: str = stored_field("The name of the business area.")
    description: str | None = stored_field("A description of the business area in words.")
    parent: DomainRef | None = to_one(
        related(PART_OF.out("Domain")), "The business area that contains this one; null if there is none."
    )
    properties: list[Property] | None = stored_field("Free properties, ordered by key.")
    assets: Connection[AssetRef] | None = assets_where(
        _in_domain,
        "The assets that are themselves in this business area. Being in an area inside it, or having a parent in it, "
        "does not count.",
    )


@strawberry.input(description="Registers a business area.")
class DomainInput(CatalogFields):
    """Registers a business area."""

    description: str | None = attribute("A description of the business area in words.")
    parent: strawberry.ID | None = reference(
        PART_OF.out("Domain"), "The id of the business area that contains this one."
    )
    owners: list[OwnerInput] | None = reference(
        OWNED_BY.out(),
        "The owners, who also own the assets of the business area by inheritance; the list replaces the stored one.",
    )


ENTRIES = (KindEntry(Domain, DomainInput, "Registers a business area.", Export(listing="domains")),)
