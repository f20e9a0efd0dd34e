"""Tags: classifications of assets."""

from typing import Any

import strawberry

from graphql_schema.asset import Node
from graphql_schema.connection import Connection
from graphql_schema.enums import TagKind
from graphql_schema.fields import Parent, assets_where, own
from graphql_schema.inputs import CatalogFields, needed, value
from graphql_schema.listing import Clause
from graphql_schema.refs import AssetRef
from graphql_schema.registers import registers
from graphql_schema.values import Property


def _tagged(urn: str) -> Clause:
    return ("in", "tags", (urn,))


def _tag_kind(root: Parent) -> Any:
    return root.read("tagKind") or TagKind.FREE.name


def _propagates(root: Parent) -> bool:
    return bool(root.read("propagates"))


@strawberry.type(description="A classification of assets.")
class Tag(Node):
    """A classification of assets."""

    name: str = own("The name.")
    description: str | None = own("What it says, in words.")
    properties: list[Property] | None = own("Free keys and values, by key.")
    tag_kind: TagKind = strawberry.field(
        description="What it is for; FREE while it was only referred to.", resolver=_tag_kind
    )
    propagates: bool = strawberry.field(description="Whether it passes on along lineage.", resolver=_propagates)
    assets: Connection[AssetRef] | None = assets_where(_tagged, "Assets that carry it.")


@strawberry.input(description="Registers a tag.")
class TagInput(CatalogFields):
    """Registers a tag."""

    description: str | None = value("What it says, in words.")
    tag_kind: TagKind = needed("What it is for.")
    propagates: bool | None = value("Whether it passes on along lineage; not at first.")


register_tag = registers(TagInput, "Registers a tag.")
