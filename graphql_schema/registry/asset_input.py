"""The input `AssetInput`: one item to register, of any kind, or an edge."""

from collections.abc import Mapping
from dataclasses import dataclass

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition

from graphql_schema.inputs.input_fields import InputValue
from graphql_schema.inputs.values import fields_of
from graphql_schema.lineage.link_mutations import LinkInput
from graphql_schema.registry.entries import item_fields


@strawberry.input(
    one_of=True, description="One item to register: exactly one field is given, named as the kind, or `link`."
)
class AssetInput:
    """One item: a field per kind of the register, and ``link``. Resolvers get it as :class:`GivenItem`."""

    vars().update(item_fields())
    link = strawberry.field(graphql_type=LinkInput | None, description="Declares one edge.", default=strawberry.UNSET)


@dataclass(frozen=True, slots=True)
class GivenItem:
    """The JSON object of an item, which :meth:`input` converts into classes of the schema.

    Strawberry converts all arguments before the resolver, and needs 0.2 ms for an item. With 1,000 items, all other
    callers would wait meanwhile, so the resolver converts each item when it uses it.
    """

    name: str
    """The field of `AssetInput` that is given."""
    value: Mapping[str, object]
    context: InputContext

    def input(self) -> InputValue:
        """Return the input object in the field, such as a ``DatasetInput``."""
        return self.context.convert(self.value, _CLASSES[self.name], self.name)


def _given(_: type, value: Mapping[str, Mapping[str, object]], context: InputContext) -> GivenItem:
    """Return an item whose one field graphql-core has validated."""
    ((name, given),) = value.items()
    return GivenItem(name, given, context)


_DEFINITION = get_object_definition(AssetInput, strict=True)
_DEFINITION.from_input = _given
_CLASSES = {field.name: field.nested or dict for field in fields_of(AssetInput)}
