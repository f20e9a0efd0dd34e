"""Admission of operations: the limits, the choice among several operations by name, validation, and variables.

The limits are tested before the validation rules of graphql-core, some of which cost more than linear time, so that a
document above the limits does not reach them.
"""

from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.types import ExecutionContext

from graphql_schema.execution.side_thread import run_at_once, run_in_parts
from graphql_schema.fields.context import Context
from graphql_schema.operation.coerced_variables import LONG_VARIABLES, coerce
from graphql_schema.operation.cost import Pricing, compared, cost_breaches
from graphql_schema.operation.document_cache import ANYBODY, Caller, DocumentCache, KnownDocument
from graphql_schema.operation.input_validation import VALIDATION_RULES
from graphql_schema.operation.limits import Breach, DocumentLimits, breaches
from graphql_schema.operation.parsed_documents import ParsedDocuments, is_long
from graphql_schema.operation.variable_size import has_more_elements, variable_breaches
from graphql_schema.operation.visitors import freed_visitors
from graphql_schema.ports.cost_report import CostReport
from policies.errors import Code, CodedError, LimitError

# graphql-core compares fields of the same name pairwise, up to this budget. With its default, 5 kB of `q{x} q{x} …`
# take 0.7 s; with 10,000 a merge of several fragments of 60 fields still passes.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 10_000

MAX_ERRORS: Final = 25
"""Number of errors after which the validation of a document ends."""


class Admission:
    """Refuses an operation that is invalid or exceeds ``limits``, and several without ``operationName``.

    ``operation`` is the operation as Strawberry executes it; its document, errors and coerced variables are set there.
    ``parsed`` parses documents. ``documents`` are those that need no validation; a document that passes it is added.
    """

    def __init__(
        self, operation: ExecutionContext, limits: DocumentLimits, documents: DocumentCache, parsed: ParsedDocuments
    ) -> None:
        self.limits = limits
        self._operation = operation
        self._documents = documents
        self._parsed = parsed
        self._known: KnownDocument | None = None

    async def parse(self) -> None:
        """Take a known document, or parse the text in a turn of the caller; raises as :meth:`ParsedDocuments.parse`."""
        text = self._operation.query
        if text:
            self._known = self._documents.get(text, self._caller)
            self._operation.graphql_document = self._known.document if self._known else await self._parse(text)

    async def _parse(self, text: str) -> DocumentNode:
        async with self._turn():
            return await self._parsed.parse(text, self._caller)

    async def validate(self) -> None:
        """Refuse a document, or validate it unless it is known, and coerce its variables unless it is only priced."""
        document = self._operation.graphql_document
        errors = [] if document is None else await self._errors(document)
        self._operation.pre_execution_errors = errors  # Strawberry validates only while there is no list

    async def begin(self) -> None:
        """Report the admission, and set the plans of the document in the context.

        Skip the execution for a request with ``Prefer: cost=only``.
        """
        context = self._operation.context
        on_admission = getattr(context, "on_admission", None)
        if on_admission is not None:
            on_admission()
        if self._known is not None and isinstance(context, Context) and context.vectored:
            context.plans = self._known.plans
        report = self._cost_report
        if report is not None and report.only:
            self._operation.result = ExecutionResult(data=None, errors=None)

    def end(self) -> None:
        """Count what the execution has added to the plans of the document."""
        self._documents.count_growth(self._operation.query or "", self._caller)

    async def _errors(self, document: DocumentNode) -> list[GraphQLError]:
        """Return the errors of a document and its variables; remember a valid document.

        A long document is examined in the side thread, so that the event loop serves others meanwhile. So is one with
        many variables, whose sizes are counted. So is an unknown one of any length, one after the other for each
        caller: the names that are near 12 unknown ones take 25 ms, in 150 characters. Others have turns between the
        parts, and the end of the operation ends them, such as when its client leaves.
        """
        text = self._operation.query or ""
        is_large = has_more_elements(self._operation.variables or {}, LONG_VARIABLES)
        if self._known is not None:
            steps = self._document_errors(document, known=True)
            errors = await self._aside(steps) if is_large or is_long(text) else run_at_once(steps)
        else:
            async with self._turn():
                # Another request may have made it known meanwhile.
                known = self._documents.get(text, self._caller) is not None
                aside = is_large or not known or is_long(text)
                steps = self._document_errors(document, known=known)
                errors = await self._aside(steps) if aside else run_at_once(steps)
                if not errors and not known:
                    self._documents.add(text, document, self._caller)
            self._known = self._documents.get(text, self._caller)
        is_executed = self._cost_report is None or not self._cost_report.only
        return await self._variable_errors(document) if is_executed and not errors else errors

    async def _aside(self, steps: Generator[None, None, list[GraphQLError]]) -> list[GraphQLError]:
        """Return the errors that are found in parts in the side thread."""
        return await run_in_parts(steps, between=self._check)

    def _document_errors(self, document: DocumentNode, *, known: bool) -> Generator[None, None, list[GraphQLError]]:
        """Return the errors of :meth:`_refusals`, else those of the validation, which ends after MAX_ERRORS.

        If graphql-core aborts the validation because fields or fragments repeat or nest too often, the error has the
        code LIMIT_EXCEEDED.
        """
        refusals = yield from self._refusals(document, known=known)
        if refusals or known:
            return refusals
        yield
        with freed_visitors():
            errors = validate(self._schema, document, VALIDATION_RULES, max_errors=MAX_ERRORS)
        for error in errors:
            if error.message == "Validation aborted.":
                error.original_error = _too_repetitive()
        return errors

    async def _variable_errors(self, document: DocumentNode) -> list[GraphQLError]:
        """Coerce the variables of the operation to execute, if there is one; return their errors."""
        operation = get_operation_ast(document, self._operation.operation_name)
        if operation is None:
            return []
        found = await coerce(self._schema, document, operation, self._operation.variables or {}, self._check)
        if isinstance(found, list):
            return found
        self._operation.variables = found
        return []

    def _check(self) -> None:
        """Raise the error that ended the operation, if it has ended."""
        context = self._operation.context
        if isinstance(context, Context):
            context.budget.check()

    def _turn(self) -> AbstractAsyncContextManager[None]:
        """Return the turn of the caller, in which an unknown document is examined."""
        context = self._operation.context
        return context.document_turn() if isinstance(context, Context) else nullcontext()

    @property
    def _caller(self) -> Caller:
        """The tenant and the subject of the caller."""
        context = self._operation.context
        return (context.principal.tenant, context.principal.subject) if isinstance(context, Context) else ANYBODY

    @property
    def _schema(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._operation.schema._schema  # noqa: SLF001 - Strawberry has no public name for it

    def _refusals(self, document: DocumentNode, *, known: bool) -> Generator[None, None, list[GraphQLError]]:
        """Return the errors of a document: several operations and no `operationName`, or the exceeded limits.

        The limits of sizes, such as depth, are those of each operation of the document, and the errors are those of the
        first operation that exceeds one. A ``known`` document is within them. The limits of variables and cost are
        those of the operation to execute, and are tested last.
        """
        # The public `operation_name` falls back to the first operation, so it does not show whether one was named.
        named = self._operation._provided_operation_name  # noqa: SLF001
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1 and named is None:
            return [_located(_ambiguous(len(operations)), operations[1])]
        # Sizes come first: pricing recurses, and their limits bound how deep.
        exceeded = [] if known else breaches(self._schema, document, self.limits)
        executed = get_operation_ast(document, named)  # the first of equal names, which the validation refuses
        if executed is not None and not exceeded:
            yield
            exceeded = yield from self._expensive(document, executed)
        return [
            _located(LimitError(b.message, limit=b.limit, actual=b.actual, maximum=b.maximum), b.operation)
            for b in exceeded
        ]

    def _expensive(
        self, document: DocumentNode, operation: OperationDefinitionNode
    ) -> Generator[None, None, list[Breach]]:
        """Return the limits on variables and cost that one operation exceeds; set its cost in the cost report, if any.

        Only one operation of a document is examined, because each takes time for its variables, however short it is.
        """
        schema, known = self._schema, self._known
        variables = self._operation.variables or {}
        pricing = Pricing.of(schema, document, variables)
        cost = pricing.cost(operation) if known is None else known.costs.cost(document, operation, pricing)
        if self._cost_report is not None:
            self._cost_report.estimate, self._cost_report.limits = compared(cost, self.limits)
        yield
        found = yield from variable_breaches(schema, operation, variables, self.limits, document)
        return [*found, *cost_breaches(cost, operation, self.limits)]

    @property
    def _cost_report(self) -> CostReport | None:
        """The report of the cost, if the request wants one."""
        return getattr(self._operation.context, "cost_report", None)


def _located(error: CodedError, operation: OperationDefinitionNode) -> GraphQLError:
    """Return a GraphQL error with the position of an operation in the document."""
    return GraphQLError(error.message, operation, original_error=error)


def _ambiguous(count: int) -> CodedError:
    """Return the error for several operations without ``operationName``."""
    return CodedError(
        f"The document has {count} operations and no `operationName`; send the name of the operation to execute.",
        Code.BAD_REQUEST,
    )


def _too_repetitive() -> LimitError:
    """Return the error for a document whose validation graphql-core aborts: by a budget, or by its nesting."""
    return LimitError(
        "The document repeats or nests fields and fragments too often to be validated; select each field once.",
        limit="comparisons",
    )
