"""Domains: business areas."""

import strawberry

from graphql_schema.asset import Node
from graphql_schema.catalog import OWNED_BY, PART_OF
from graphql_schema.connection import Connection
from graphql_schema.fields import assets_where, own, to_one
from graphql_schema.inputs import CatalogFields, OwnerInput, edge, value
from graphql_schema.listing import Clause
from graphql_schema.refs import AssetRef, DomainRef
from graphql_schema.registers import registers
from graphql_schema.related import related
from graphql_schema.values import Property


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
