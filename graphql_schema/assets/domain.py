"""Domains: business areas."""

import strawberry

from graphql_schema.catalog.relations import OWNED_BY, PART_OF
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import own
from graphql_schema.fields.listing_fields import assets_where
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, DomainRef
from graphql_schema.fields.relation_fields import to_one
from graphql_schema.fields.value_types import Property
from graphql_schema.inputs.input_fields import CatalogFields, OwnerInput, edge, value
from graphql_schema.inputs.register_field import registers
from graphql_schema.ports.conditions import Clause
from graphql_schema.ports.relation_query import related


def _in_domain(urn: str) -> Clause:
    return ("in", "domain", (urn,))


@strawberry.type(description="A business area.")
class Domain(Node):
    """A business area."""

    name: str = own("The name.")
    description: str | None = own("What it covers, in words.")
    parent: DomainRef | None = to_one(related(PART_OF.out("Domain")), "The area that it is a part of.")
    properties: list[Property] | None = own("Free keys and values, by key.")
    assets: Connection[AssetRef] | None = assets_where(_in_domain, "Assets in it.")


@strawberry.input(description="Registers a business area.")
class DomainInput(CatalogFields):
    """Registers a business area."""

    description: str | None = value("What it covers, in words.")
    parent: strawberry.ID | None = edge(PART_OF.out("Domain"), "The id of the area that it is a part of.")
    owners: list[OwnerInput] | None = edge(
        OWNED_BY.out(), "Its owners, whom its assets inherit; the list replaces the stored one."
    )


register_domain = registers(DomainInput, "Registers a business area.")
