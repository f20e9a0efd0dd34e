"""Coercion of the variables of an operation before its execution; large ones are coerced in the side thread."""

from collections.abc import Mapping
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.exceptions import StrawberryInputCoercionError

from graphql_schema.execution.converted_values import converted_list
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.operation.input_validation import variable_faults
from graphql_schema.operation.variable_size import variable_size

LONG_VARIABLES: Final = 1_000
"""Size, by :func:`variable_size`, above which variables are coerced in the side thread: some 2 ms of coercion."""


class CoercedVariables(dict[str, object]):
    """The variables as sent, with ``coerced``, the values that the execution uses."""

    def __init__(self, sent: Mapping[str, object], coerced: VariableValues) -> None:
        super().__init__(sent)
        self.coerced = coerced


async def coerce(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> CoercedVariables | list[GraphQLError]:
    """Return the variables of an operation after their coercion, or the errors if they are invalid."""
    arguments = (schema, document, operation, variables)
    if variable_size(schema, operation, variables, LONG_VARIABLES).size > LONG_VARIABLES:
        return await run_aside(_coerced, *arguments)
    return _coerced(*arguments)


def _coerced(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> CoercedVariables | list[GraphQLError]:
    """Return what :func:`coerce` returns. Coercion ends at its second fault, because the faults have their own walk."""
    found: VariableValues | list[GraphQLError]
    try:
        found = get_variable_values(schema, operation.variable_definitions or (), dict(variables), max_errors=1)
    except StrawberryInputCoercionError as error:  # raised for input objects, without a path
        found = [error]
    if isinstance(found, list):
        for fault in found:
            _forget_frames(fault)
        return variable_faults(schema, document, operation, variables) or found
    values = {name: converted_list(value) for name, value in found.coerced.items()}
    return CoercedVariables(variables, found._replace(coerced=values))


def _forget_frames(fault: Exception | None) -> None:
    """Remove the tracebacks of a fault and of its origin: the frames refer to the fault, in a cycle."""
    while fault is not None:
        fault.__traceback__ = None
        fault = fault.original_error if isinstance(fault, GraphQLError) else None


def without_variables(document: DocumentNode) -> DocumentNode:
    """Return a document whose operations declare no variables, so that graphql-core does not coerce them again."""
    return DocumentNode(
        definitions=tuple(
            OperationDefinitionNode(
                operation=each.operation, name=each.name, directives=each.directives, selection_set=each.selection_set
            )
            if isinstance(each, OperationDefinitionNode)
            else each
            for each in document.definitions
        )
    )
