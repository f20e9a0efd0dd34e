"""The Strawberry schema with the gate in front of every operation, and silent where Strawberry would log documents."""

from graphql import GraphQLError
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext

from graphql_schema.operation.admission import AdmissionExtension
from graphql_schema.operation.limits import DocumentLimits


class OperationSchema(Schema):
    """A Strawberry ``Schema`` that cannot be built without limits; a subclass may set other ``limits``."""

    limits = DocumentLimits()

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:  # noqa: FBT001 - Strawberry's signature
        """Put the gate first, before the extensions that were given."""
        return [AdmissionExtension(self.limits), *super().get_extensions(sync)]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing: Strawberry would print each error with the document's text; the HTTP boundary logs faults."""
