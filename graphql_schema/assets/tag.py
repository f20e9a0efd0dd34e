"""Tags: classifications of assets, which may follow the data to other assets."""

from enum import Enum

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.listing_fields import assets_where
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.value_types import Property
from graphql_schema.inputs.input_fields import CatalogFields, attribute, needed
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.conditions import Condition, In


def _tagged(urn: str) -> Condition:
    return In("tags", (urn,))


def _tag_kind(root: Parent) -> Resolved:
    return root.read("tagKind") or TagKind.FREE.name


def _propagates(root: Parent) -> bool:
    return bool(root.read("propagates"))


@strawberry.enum(description="The purpose of a tag.")
class TagKind(Enum):
    """The purpose of a tag."""

    FREE = value("FREE", description="A free keyword.")
    QUALITY = value("QUALITY", description="A statement about quality.")
    PII = value("PII", description="Personal data.")
    REGULATORY = value("REGULATORY", description="A regulation that applies.")


@strawberry.type(description="A classification of assets.")
class Tag(Node):
    """A classification of assets."""

    name: str = stored_field("The name of the tag.")
    description: str | None = stored_field("The meaning of the tag, in words.")
    properties: list[Property] | None = stored_field("Free properties, ordered by key.")
    tag_kind: TagKind = strawberry.field(
        description="The purpose of the tag; FREE if the tag was only referenced and never registered.",
        resolver=_tag_kind,
    )
    propagates: bool = strawberry.field(description="Whether the tag propagates to other assets.", resolver=_propagates)
    assets: Connection[AssetRef] | None = assets_where(
        _tagged,
        "The assets with the tag, set directly or propagated; without those on which the tag is blocked.",
    )


@strawberry.input(description="Registers a tag.")
class TagInput(CatalogFields):
    """Registers a tag."""

    description: str | None = attribute("The meaning of the tag, in words.")
    tag_kind: TagKind = needed("The purpose of the tag.")
    propagates: bool | None = attribute("Whether the tag propagates to other assets; initially false.")


ENTRIES = (KindEntry(Tag, TagInput, "Registers a tag.", Export(listing="tags")),)
