"""The Strawberry schema with admission, execution within a budget, and without the logging of Strawberry."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, OperationType, get_operation_ast
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext

from graphql_schema.operation.admission import Admission
from graphql_schema.operation.document_cache import ANYBODY, Caller, DocumentCache
from graphql_schema.operation.execution import BudgetedExecution
from graphql_schema.operation.limits import DocumentLimits
from graphql_schema.operation.parsed_documents import ParsedDocuments


class _Step:
    """Runs a step of the admission where Strawberry would run the hooks of its extensions, and ``end`` after it."""

    def __init__(self, run: Callable[[], Awaitable[None]], end: Callable[[], None] | None = None) -> None:
        self._run, self._end = run, end

    async def __aenter__(self) -> None:
        """Run the step; raises what it raises."""
        await self._run()

    async def __aexit__(self, *_error: object) -> None:
        """Run the end of the step, if it has one."""
        if self._end is not None:
            self._end()


class _AdmissionRunner(SchemaExtensionsRunner):
    """Calls the admission of an operation directly.

    As an extension it would cost a tenth of a small operation, for a search for hooks at each step.
    """

    def __init__(self, operation: ExecutionContext, admission: Admission) -> None:
        super().__init__(operation)
        self._admission = admission

    # Strawberry only enters what these return, so it need not be its own class.
    def operation(self) -> nullcontext[None]:  # type: ignore[override]
        """Return an empty context manager."""
        return nullcontext()

    def parsing(self) -> _Step:  # type: ignore[override]
        """Return the step before a document is parsed."""
        return _Step(self._admission.parse)

    def validation(self) -> _Step:  # type: ignore[override]
        """Return the step before a document is validated."""
        return _Step(self._admission.validate)

    def executing(self) -> _Step:  # type: ignore[override]
        """Return the step around the execution of an operation."""
        return _Step(self._admission.begin, self._admission.end)


class OperationSchema(Schema):
    """A Strawberry ``Schema`` that always applies ``limits`` and executes within a budget, without extensions.

    A subclass may set other limits.
    """

    limits = DocumentLimits()

    def __init__(self, *roots: Any, **options: Any) -> None:  # noqa: ANN401 - the parameters of Strawberry's Schema
        super().__init__(*roots, **{"execution_context_class": BudgetedExecution, **options})
        assert not self.get_extensions(), "the hooks of extensions would not be called"  # noqa: S101 - for programmers
        self._documents, self._parsed = DocumentCache(), ParsedDocuments(self.limits.tokens)

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    def kept_document(self, text: str, caller: Caller = ANYBODY) -> DocumentNode | None:
        """Return the document of a text that was admitted or parsed recently for a caller; None if it is not kept."""
        known = self._documents.get(text, caller)
        return self._parsed.recent(text, caller) if known is None else known.document

    def create_extensions_runner(
        self, execution_context: ExecutionContext, _extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        """Return what runs the admission of an operation."""
        admission = Admission(execution_context, self.limits, self._documents, self._parsed)
        return _AdmissionRunner(execution_context, admission)

    async def is_mutation(self, text: str, operation_name: str | None, caller: Caller) -> bool:
        """Return whether a document of a caller executes a mutation.

        False for one that cannot be parsed or has no such operation. Among several operations ``operation_name``
        decides; without a name no operation is executed.
        """
        try:
            operation = get_operation_ast(await self._parsed.parse(text, caller), operation_name)
        except GraphQLSyntaxError:
            return False
        return operation is not None and operation.operation is OperationType.MUTATION

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing: Strawberry would log each error with the text of the document. The HTTP layer logs errors."""
