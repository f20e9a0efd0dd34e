"""The input `AssetInput`: one item to register, of any kind, or an edge."""

import strawberry

from graphql_schema.lineage.link_mutations import LinkInput
from graphql_schema.registry.entries import item_fields


@strawberry.input(
    one_of=True, description="One item to register: exactly one field is given, named as the kind, or `link`."
)
class AssetInput:
    """One item: a field per kind of the register, and ``link``."""

    vars().update(item_fields())
    link = strawberry.field(graphql_type=LinkInput | None, description="Declares one edge.", default=strawberry.UNSET)
