"""The Strawberry schema with admission, execution within a budget, and without the logging of Strawberry."""

from typing import Any

from graphql import GraphQLError
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext

from graphql_schema.operation.admission import AdmissionExtension
from graphql_schema.operation.document_cache import DocumentCache
from graphql_schema.operation.execution import BudgetedExecution
from graphql_schema.operation.limits import DocumentLimits


class OperationSchema(Schema):
    """A Strawberry ``Schema`` that always applies ``limits`` and executes within a budget.

    A subclass may set other limits.
    """

    limits = DocumentLimits()

    def __init__(self, *roots: Any, **options: Any) -> None:  # noqa: ANN401 - the parameters of Strawberry's Schema
        super().__init__(*roots, **{"execution_context_class": BudgetedExecution, **options})
        self._documents = DocumentCache()

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:  # noqa: FBT001 - Strawberry's signature
        """Return the given extensions with admission in front."""
        return [AdmissionExtension(self.limits, self._documents), *super().get_extensions(sync)]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing: Strawberry would log each error with the text of the document. The HTTP layer logs errors."""
