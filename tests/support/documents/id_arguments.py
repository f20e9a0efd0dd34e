"""Every input field of the schema that names other assets."""

from dataclasses import dataclass
from typing import Any, cast

from graphql import GraphQLInputObjectType, GraphQLList, get_nullable_type
from strawberry.types.base import StrawberryObjectDefinition

from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.inputs.declared_edges import allowed_target_kinds
from graphql_schema.inputs.input_fields import EDGE
from graphql_schema.inputs.values import fields_of
from graphql_schema.schema import build_schema


@dataclass(frozen=True)
class Reference:
    """A field of the input of a kind that names assets of another kind."""

    kind: str
    field: str
    far: str
    many: bool

    def item(self, urn: str, far: str, **values: Any) -> dict[str, Any]:
        """Return an item of this kind that names ``far``."""
        named = {self.field: [far] if self.many else far}
        return {f"{self.kind[0].lower()}{self.kind[1:]}": {"id": urn, **values, **named}}


def references() -> list[Reference]:
    """Return all such fields, except fields for people and vocabulary, and the parent of a version, named by its id."""
    schema = build_schema()
    inputs: dict[str, Any] = {
        each.definition.name: each.definition.origin
        for each in schema.schema_converter.type_map.values()
        if isinstance(each.definition, StrawberryObjectDefinition) and each.definition.is_input
    }
    found = []
    for kind in ASSETS:
        given = cast("GraphQLInputObjectType", schema.core.type_map[f"{kind}Input"]).fields
        for field in fields_of(inputs[f"{kind}Input"]):
            declared = field.metadata.get(EDGE)
            if declared is not None and declared.hop.relation is not VERSION_OF:
                many = isinstance(get_nullable_type(given[field.name].type), GraphQLList)
                far = [each for each in allowed_target_kinds(declared.hop, kind) if each in ASSETS]
                found += [Reference(kind, field.name, each, many) for each in far]
    return found
