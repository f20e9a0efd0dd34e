"""One item of a registration: the input of any one kind, or an edge."""

import strawberry

from graphql_schema.assets.registry import item_fields
from graphql_schema.lineage.link_mutations import LinkInput


@strawberry.input(one_of=True, description="One item: exactly one field is given, and names the kind.")
class AssetInput:
    """One item: a field for each kind of the register, and ``link``."""

    vars().update(item_fields())
    link = strawberry.field(graphql_type=LinkInput | None, description="Registers an edge.", default=strawberry.UNSET)
