"""The entry of a kind in the register: the parts of a kind that the schema and the export are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import strawberry

from graphql_schema.catalog.kinds import KINDS, Kind
from graphql_schema.catalog.relations import Relation
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, SchemaField
from graphql_schema.fields.node import Node
from graphql_schema.inputs.input_fields import InputValue
from graphql_schema.inputs.payloads import RegisterPayload, payload
from graphql_schema.inputs.registration import registration_steps
from graphql_schema.inputs.submit import submit_one


@dataclass(frozen=True, slots=True)
class Export:
    """The parts of the export of a kind that do not follow from its input.

    `mlg export` writes each value of the input that the type has under the same name. The kind's own fields that
    declare edges are written if they take one id. Not written are the parent of a version, and lineage edges that are
    not required. The lineage edges that leave an asset become links, and so do the edges that the following name.

    ``links``: connections of the type whose edges leave the asset, with their relation; each edge becomes a link.
    ``self_links``: connections that may contain the asset itself, with their relation. Such an edge is never among the
    neighbours, so it becomes a link of its own.
    ``members``: connections that the input takes as objects, with the field that takes the id.
    ``listing``: the field of `Query` that lists the kind.
    """

    links: Mapping[str, Relation] = field(default_factory=dict)
    self_links: Mapping[str, Relation] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    listing: str = "assets"


@dataclass(frozen=True, slots=True)
class KindEntry:
    """The GraphQL side of a kind of :data:`~graphql_schema.catalog.kinds.KINDS`.

    ``node``: the type, named as the kind.
    ``input``: the input that registers one, named ``<kind>Input``.
    ``description``: that of the mutation and of the field of `AssetInput`.
    ``export``: the parts of the export that do not follow from the input.
    ``verb``: the first word of the mutation's name.
    """

    node: type[Node]
    input: type
    description: str
    export: Export = field(default_factory=Export)
    verb: Literal["register", "record"] = "register"

    @property
    def kind(self) -> Kind:
        """The kind of the catalog."""
        return KINDS[self.node.__name__]

    @property
    def attribute(self) -> str:
        """The Python name of the field of `AssetInput`, such as ``model_version``."""
        return self.kind.code.lower()

    @property
    def key(self) -> str:
        """The GraphQL name of the field of `AssetInput`, such as `modelVersion`."""
        return self.kind.name[0].lower() + self.kind.name[1:]

    @property
    def item(self) -> SchemaField:
        """The field of `AssetInput`."""
        return strawberry.field(graphql_type=self.input | None, description=self.description, default=strawberry.UNSET)

    @property
    def mutation(self) -> tuple[str, InputValue]:
        """The Python name of the mutation, such as ``register_model_version``, and its field."""
        return f"{self.verb}_{self.attribute}", _register_field(self.input, self.description)


def _register_field(input_type: type, description: str) -> SchemaField:
    """Return the mutation field that registers one item, given as ``input_type``."""

    async def resolve(info: Info, input: InputValue) -> Resolved:
        return payload(await submit_one(info, registration_steps, input))

    resolve.__annotations__["input"] = Annotated[
        input_type,
        strawberry.argument(
            description="The item to register. If it is stored already, absent fields keep their values."
        ),
    ]
    return strawberry.field(resolver=resolve, graphql_type=RegisterPayload, description=description)
