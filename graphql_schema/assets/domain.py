"""Domains: business areas."""

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
from graphql_schema.inputs.register_field import register_field
from graphql_schema.ports.conditions import Condition, In
from graphql_schema.ports.relation_query import related


def _in_domain(urn: str) -> Condition:
    return In("domain", (urn,))


@strawberry.type(description="A business area.")
class Domain(Node):
    """A business area."""

    name: str = stored_field("The name.")
    description: str | None = stored_field("What it covers, in words.")
    parent: DomainRef | None = to_one(related(PART_OF.out("Domain")), "The area that it is a part of.")
    properties: list[Property] | None = stored_field("Free keys and values, by key.")
    assets: Connection[AssetRef] | None = assets_where(_in_domain, "Assets in it.")


@strawberry.input(description="Registers a business area.")
class DomainInput(CatalogFields):
    """Registers a business area."""

    description: str | None = attribute("What it covers, in words.")
    parent: strawberry.ID | None = reference(PART_OF.out("Domain"), "The id of the area that it is a part of.")
    owners: list[OwnerInput] | None = reference(
        OWNED_BY.out(), "Its owners, whom its assets inherit; the list replaces the stored one."
    )


register_domain = register_field(DomainInput, "Registers a business area.")
