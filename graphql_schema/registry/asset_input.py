"""The input `AssetInput`: one item to register, of any kind, or an edge."""

from collections.abc import Mapping
from dataclasses import dataclass

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

from graphql_schema.inputs.input_size import is_long
from graphql_schema.inputs.values import fields_of
from graphql_schema.lineage.link_mutations import LinkInput
from graphql_schema.registry.entries import item_fields


@strawberry.input(
    one_of=True, description="One item to register: exactly one field is given, named as the kind, or `link`."
)
class AssetInput:
    """One item: a field per kind of the register, and ``link``. The resolver gets it as :class:`GivenItem`."""

    vars().update(item_fields())
    link = strawberry.field(graphql_type=LinkInput | None, description="Declares one edge.", default=strawberry.UNSET)


@dataclass(frozen=True, slots=True)
class GivenItem:
    """The JSON object of an item, which :meth:`converted` turns into an :class:`AssetInput`.

    Strawberry converts all arguments before the resolver, and needs 0.2 ms for an item. With 1,000 items, all other
    callers would wait meanwhile, so the resolver converts one item after the other.
    """

    value: Mapping[str, object]
    context: InputContext

    @property
    def is_long(self) -> bool:
        """Whether the lists of the item have so many elements that its conversion belongs in the side thread."""
        return is_long(self.value)

    def converted(self) -> AssetInput:
        """Return the item with the classes of the schema, such as a ``DatasetInput``."""
        ((name, value),) = self.value.items()  # graphql-core has validated that one field is given
        field = _FIELDS[name]
        return AssetInput(**{field.attribute: self.context.convert(value, field.nested or dict, name)})


def _unconverted(_: type, value: Mapping[str, object], context: InputContext) -> GivenItem:
    return GivenItem(value, context)


get_object_definition(AssetInput, strict=True).from_input = _unconverted
_FIELDS = {field.name: field for field in fields_of(AssetInput)}
