"""Tags: classifications of assets."""

from enum import Enum
from typing import Any

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.listing_fields import assets_where
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.value_types import Property
from graphql_schema.inputs.input_fields import CatalogFields, needed
from graphql_schema.inputs.input_fields import attribute as value_input_fields
from graphql_schema.inputs.register_field import register_field
from graphql_schema.ports.conditions import Condition, In


def _tagged(urn: str) -> Condition:
    return In("tags", (urn,))


def _tag_kind(root: Parent) -> Any:
    return root.read("tagKind") or TagKind.FREE.name


def _propagates(root: Parent) -> bool:
    return bool(root.read("propagates"))


@strawberry.enum(description="What a tag is for.")
class TagKind(Enum):
    """What a tag is for."""

    FREE = value("FREE", description="Any word people find useful.")
    QUALITY = value("QUALITY", description="A statement about quality.")
    PII = value("PII", description="Personal data.")
    REGULATORY = value("REGULATORY", description="A regulation that applies.")


@strawberry.type(description="A classification of assets.")
class Tag(Node):
    """A classification of assets."""

    name: str = stored_field("The name.")
    description: str | None = stored_field("What it says, in words.")
    properties: list[Property] | None = stored_field("Free keys and values, by key.")
    tag_kind: TagKind = strawberry.field(
        description="What it is for; FREE while it was only referred to.", resolver=_tag_kind
    )
    propagates: bool = strawberry.field(description="Whether it passes on along lineage.", resolver=_propagates)
    assets: Connection[AssetRef] | None = assets_where(_tagged, "Assets that carry it.")


@strawberry.input(description="Registers a tag.")
class TagInput(CatalogFields):
    """Registers a tag."""

    description: str | None = value_input_fields("What it says, in words.")
    tag_kind: TagKind = needed("What it is for.")
    propagates: bool | None = value_input_fields("Whether it passes on along lineage; not at first.")


register_tag = register_field(TagInput, "Registers a tag.")
