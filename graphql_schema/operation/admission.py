"""Admission of operations, before validation: the limits, and the choice among several operations by name.

It runs before the validation rules of graphql-core, some of which cost more than linear time, so that a document above
the limits does not reach them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode, validate
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import SchemaExtension

from graphql_schema.fields.context import Context
from graphql_schema.operation.cost import Pricing, compared, cost_breaches
from graphql_schema.operation.document_cache import DocumentCache, KnownDocument
from graphql_schema.operation.input_validation import VALIDATION_RULES
from graphql_schema.operation.limits import Breach, DocumentLimits, breaches
from graphql_schema.operation.variable_size import variable_breaches
from graphql_schema.ports.cost_report import CostReport
from policies.errors import Code, CodedError, LimitError

# graphql-core compares fields of the same name pairwise, up to this budget. With its default, 5 kB of `q{x} q{x} …`
# take 0.7 s; with 10,000 a merge of several fragments of 60 fields still passes.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 10_000


MAX_ERRORS: Final = 25
"""Errors after which the validation of a document ends."""

LONG_DOCUMENT: Final = 2_000
"""Number of characters above which a document is validated in a thread; that many take about 5 ms."""


_VALIDATOR: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="validation")
"""The thread for long documents; a single one, because threads take turns with the event loop."""


class AdmissionExtension(SchemaExtension):
    """Refuses operations that exceed ``limits``, and documents of several operations without ``operationName``.

    ``known`` are the documents that need neither parsing nor validation. A document that passes both is added.
    """

    def __init__(self, limits: DocumentLimits | None = None, known: DocumentCache | None = None) -> None:
        self.limits = limits or DocumentLimits()
        self._documents = DocumentCache() if known is None else known

    def on_operation(self) -> Iterator[None]:
        """Set the token limit, at which the parser stops."""
        self.execution_context.parse_options["max_tokens"] = self.limits.tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Take a known document instead of parsing; give the error about too many tokens the code LIMIT_EXCEEDED."""
        known = self._known
        if known is not None:
            self.execution_context.graphql_document = known.document
        yield
        for error in self.execution_context.pre_execution_errors or ():
            if error.message.endswith("Parsing aborted."):
                error.original_error = _too_many_tokens(self.limits.tokens)

    async def on_validate(self) -> AsyncIterator[None]:
        """Refuse a document before validation, validate it unless it is known, and remember it if it is valid."""
        document, known = self.execution_context.graphql_document, self._known
        errors: list[GraphQLError] = []
        if document is not None:
            errors = self._refusals(document, known=known is not None)
        if document is not None and not errors and not known:
            errors = await self._faults(document)
            if not errors:
                self._documents.add(self.execution_context.query or "", document)
        self.execution_context.pre_execution_errors = errors  # Strawberry validates only while there is no list
        yield

    def on_execute(self) -> Iterator[None]:
        """Skip the execution if the request has ``Prefer: cost=only``; else give the plans of the document to it."""
        known, context = self._known, self.execution_context.context
        if known is not None and isinstance(context, Context) and context.vectored:
            context.plans = known.plans
        report = self._cost_report
        if report is not None and report.only:
            self.execution_context.result = ExecutionResult(data=None, errors=None)
        yield

    async def _faults(self, document: DocumentNode) -> list[GraphQLError]:
        """Return the errors of the validation, at most MAX_ERRORS; LIMIT_EXCEEDED if it is aborted.

        A long document is validated in a thread, so that the event loop serves others meanwhile.
        """
        schema = self.execution_context.schema._schema  # noqa: SLF001 - Strawberry has no public name for it
        validation = partial(validate, schema, document, VALIDATION_RULES, max_errors=MAX_ERRORS)
        is_long = len(self.execution_context.query or "") > LONG_DOCUMENT
        loop = asyncio.get_running_loop()
        errors = await loop.run_in_executor(_VALIDATOR, validation) if is_long else validation()
        for error in errors:
            if error.message == "Validation aborted.":
                error.original_error = _too_repetitive()
        return errors

    @property
    def _known(self) -> KnownDocument | None:
        """The document of the request, if it is known."""
        return self._documents.get(self.execution_context.query or "")

    def _refusals(self, document: DocumentNode, *, known: bool) -> list[GraphQLError]:
        """Return the errors of a document: several operations and no `operationName`, or the exceeded limits.

        Sizes are limited for every operation of the document; those of a known document are not measured again.
        Variables and cost are limited for the operation to execute, and only tested if no size is exceeded.
        """
        # The public `operation_name` falls back to the first operation, so it does not show whether one was named.
        named = self.execution_context._provided_operation_name  # noqa: SLF001
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1 and named is None:
            return [_located(_ambiguous(len(operations)), operations[1])]
        chosen = [each for each in operations if named is None or (each.name is not None and each.name.value == named)]
        # Sizes come first: pricing recurses, and their limits bound how deep.
        schema = self.execution_context.schema._schema  # noqa: SLF001 - Strawberry has no public name for it
        exceeded = (not known and breaches(schema, document, self.limits)) or self._expensive(schema, document, chosen)
        return [
            _located(LimitError(b.message, limit=b.limit, actual=b.actual, maximum=b.maximum), b.operation)
            for b in exceeded
        ]

    def _expensive(
        self, schema: GraphQLSchema, document: DocumentNode, operations: Iterable[OperationDefinitionNode]
    ) -> list[Breach]:
        """Return the limits on variables and cost that an operation exceeds."""
        variables = self.execution_context.variables or {}
        pricing = Pricing.of(schema, document, variables)
        found: list[Breach] = []
        for operation in operations:
            cost = pricing.cost(operation)
            if self._cost_report is not None:
                self._cost_report.estimate, self._cost_report.limits = compared(cost, self.limits)
            found += variable_breaches(schema, operation, variables, self.limits)
            found += cost_breaches(cost, operation, self.limits)
        return found

    @property
    def _cost_report(self) -> CostReport | None:
        """The report of the cost, if the request wants one."""
        return getattr(self.execution_context.context, "cost_report", None)


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
    """Return the error for a document that exceeds the comparison budget of graphql-core."""
    return LimitError(
        "The document repeats or nests fields and fragments too often to be validated; select each field once.",
        limit="comparisons",
    )


def _too_many_tokens(maximum: int) -> LimitError:
    """Return the error for a document that exceeds the token limit."""
    return LimitError(
        f"The document has more than {maximum} tokens; move values into variables, or send several smaller documents.",
        limit="tokens",
        maximum=maximum,
    )
