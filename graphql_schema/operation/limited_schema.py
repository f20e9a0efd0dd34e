"""The Strawberry schema with admission, execution within a budget, and without the logging of Strawberry."""

from typing import Any

from graphql import GraphQLError, GraphQLSchema, GraphQLSyntaxError, OperationType, get_operation_ast
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext

from graphql_schema.operation.admission import AdmissionExtension
from graphql_schema.operation.document_cache import DocumentCache
from graphql_schema.operation.execution import BudgetedExecution
from graphql_schema.operation.limits import DocumentLimits
from graphql_schema.operation.parsed_documents import ParsedDocuments


class OperationSchema(Schema):
    """A Strawberry ``Schema`` that always applies ``limits`` and executes within a budget.

    A subclass may set other limits.
    """

    limits = DocumentLimits()

    def __init__(self, *roots: Any, **options: Any) -> None:  # noqa: ANN401 - the parameters of Strawberry's Schema
        super().__init__(*roots, **{"execution_context_class": BudgetedExecution, **options})
        self._documents, self._parsed = DocumentCache(), ParsedDocuments(self.limits.tokens)

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:  # noqa: FBT001 - Strawberry's signature
        """Return the given extensions with admission in front."""
        return [AdmissionExtension(self.limits, self._documents, self._parsed), *super().get_extensions(sync)]

    async def is_mutation(self, text: str, operation_name: str | None) -> bool:
        """Return whether a document executes a mutation; false for one that cannot be parsed or has no such operation.

        Among several operations ``operation_name`` decides; without a name no operation is executed.
        """
        try:
            operation = get_operation_ast(await self._parsed.parse(text), operation_name)
        except GraphQLSyntaxError:
            return False
        return operation is not None and operation.operation is OperationType.MUTATION

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing: Strawberry would log each error with the text of the document. The HTTP layer logs errors."""
