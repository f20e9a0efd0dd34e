"""The gate every operation passes before validation: the static limits, and that it is clear which operation is meant.

It stands before graphql-core's rules, not among them, so that a hostile document is refused before rules that cost
more than linear time see it.
"""

from collections.abc import Iterator

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import SchemaExtension

from graphql_schema.operation.limits import DocumentLimits, breaches
from policies.errors import Code, CodedError, LimitError

# graphql-core compares same-named fields pairwise and has this attribute assigned to bound it: its default lets
# 5 kB of `q{x} q{x} …` take 0.7 s; at 10,000 a merge of several 60-field fragments still passes.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 10_000


class AdmissionExtension(SchemaExtension):
    """Refuses what goes over ``limits``, and a document of several operations that names none."""

    def __init__(self, limits: DocumentLimits | None = None) -> None:
        self.limits = limits or DocumentLimits()

    def on_operation(self) -> Iterator[None]:
        """Let the parser stop at the token limit."""
        self.execution_context.parse_options["max_tokens"] = self.limits.tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Give the parser's refusal of too many tokens the code of a limit."""
        yield
        for error in self.execution_context.pre_execution_errors or ():
            if error.message.endswith("Parsing aborted."):
                error.original_error = _too_many_tokens(self.limits.tokens)

    def on_validate(self) -> Iterator[None]:
        """Refuse before validation; errors that are already there make Strawberry skip its rules."""
        document = self.execution_context.graphql_document
        if document is not None and (errors := self._refusals(document)):
            self.execution_context.pre_execution_errors = errors
        yield
        for error in self.execution_context.pre_execution_errors or ():
            if error.message == "Validation aborted.":
                error.original_error = _too_repetitive()

    def _refusals(self, document: DocumentNode) -> list[GraphQLError]:
        # The public `operation_name` hides whether the caller named one: it falls back on the first operation.
        named = self.execution_context._provided_operation_name is not None  # noqa: SLF001
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1 and not named:
            return [_located(_ambiguous(len(operations)), operations[1])]
        return [
            _located(LimitError(b.message, limit=b.limit, actual=b.actual, maximum=b.maximum), b.operation)
            for b in breaches(document, self.limits)
        ]


def _located(error: CodedError, operation: OperationDefinitionNode) -> GraphQLError:
    return GraphQLError(error.message, operation, original_error=error)


def _ambiguous(count: int) -> CodedError:
    return CodedError(
        f"The document holds {count} operations and no `operationName` says which one to run. Send its name.",
        Code.BAD_REQUEST,
    )


def _too_repetitive() -> LimitError:
    return LimitError(
        "The document repeats or nests its fields and fragments too much to be checked. Select each field once.",
        limit="comparisons",
    )


def _too_many_tokens(maximum: int) -> LimitError:
    return LimitError(
        f"The document has more than {maximum} tokens. Move values into variables, or split it into several requests.",
        limit="tokens",
        maximum=maximum,
    )
