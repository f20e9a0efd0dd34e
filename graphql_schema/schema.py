"""The built schema, and the files made from it; ``python -m graphql_schema.schema`` writes the files.

They are the SDL, the Cedar schema of the policy, and the picture in the README.
"""

import re
from pathlib import Path
from typing import cast

from graphql import GraphQLError, GraphQLInputObjectType, GraphQLObjectType, GraphQLResolveInfo, GraphQLType
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import ExecutionContext

from graphql_schema.catalog.lineage_picture import lineage_picture
from graphql_schema.fields.context import Context
from graphql_schema.fields.scalars import SCALARS
from graphql_schema.inputs.converted_inputs import convert_inputs
from graphql_schema.mutation import Mutation
from graphql_schema.operation.field_guards import governed_fields, install_field_guards
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.query import Query
from graphql_schema.registry.entries import node_types
from graphql_schema.subscription import Subscription
from policies.errors import CodedError
from policies.labels import load_labels
from policies.policy import SHIPPED
from policies.vocabulary import cedar_schema

SDL = Path(__file__).with_name("schema.graphql")
"""The committed schema."""


CEDAR = SHIPPED / "policies.cedarschema"
"""The committed Cedar schema, for editors and reviewers of rules; the product makes its own at start-up."""


README = SDL.parents[1] / "README.md"
"""The page with the picture; a working tree has it, an installed package does not."""


class GraphSchema(OperationSchema):
    """The schema with admission checks; errors in a response have the code of their CodedError."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Write ``{code, **extensions}`` of every CodedError into its error."""
        super().process_errors(errors, execution_context)
        for error in errors:
            cause = error.original_error
            if isinstance(cause, CodedError):
                error.extensions = {"code": cause.code.value, **cause.extensions}


def build_schema() -> GraphSchema:
    """Return the schema with the guards of its fields."""
    schema = GraphSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=node_types(),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    install_field_guards(schema.core)
    convert_inputs(schema.core, schema.schema_converter)
    cast("GraphQLObjectType", schema.core.type_map["__Type"]).fields["isOneOf"].resolve = _is_one_of
    return schema


def _is_one_of(type_: GraphQLType, _info: GraphQLResolveInfo[Context]) -> bool | None:
    """Return `isOneOf` of a type: null unless it is an input object. The resolver of Strawberry fails for lists."""
    if not isinstance(type_, GraphQLInputObjectType):
        return None
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition is not None and bool(definition.is_one_of)


def sdl() -> str:
    """Return the SDL of the built schema."""
    return print_schema(build_schema()) + "\n"


def cedar_sdl() -> str:
    """Return the Cedar schema for rules, from the built schema and the shipped labels."""
    return cedar_schema(load_labels(SHIPPED / "labels.toml", governed_fields(build_schema().core)))


def readme() -> str:
    """Return the text of the README with the picture of the present catalog."""
    return re.sub(r"(?s)(?<=```mermaid\n).*?(?=\n```)", lineage_picture(), README.read_text())


if __name__ == "__main__":
    SDL.write_text(sdl())
    CEDAR.write_text(cedar_sdl())
    README.write_text(readme())
