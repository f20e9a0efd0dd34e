"""Coercion of the variables of an operation before its execution; large ones are coerced in the side thread, in parts.

They are coerced before a resolver examines the scope of the token, so any caller can send as many as a mutation may
have. So others have turns between the parts, and no part follows when the client has left.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.exceptions import StrawberryInputCoercionError

from graphql_schema.execution.converted_values import converted_list
from graphql_schema.execution.side_thread import run_at_once, run_in_parts
from graphql_schema.operation.divided_coercion import divided_coercion
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
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
    between: Callable[[], None] = lambda: None,
) -> CoercedVariables | list[GraphQLError]:
    """Return the variables of an operation after their coercion, or the errors if they are invalid.

    An error of ``between`` ends the coercion of large ones; it is called before each part after the first one.
    """
    arguments = (schema, document, operation, variables)
    if variable_size(schema, operation, variables, LONG_VARIABLES).size > LONG_VARIABLES:
        return await run_in_parts(_coerced_in_parts(*arguments), between=between)
    return _coerced(*arguments)


def _coerced(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> CoercedVariables | list[GraphQLError]:
    """Return what :func:`coerce` returns. Coercion ends at its second fault, because the faults have their own walk."""
    found = _found(schema, operation, variables)
    if isinstance(found, list):
        return run_at_once(variable_faults(schema, document, operation, variables)) or found
    values = {name: converted_list(value) for name, value in found.coerced.items()}
    return CoercedVariables(variables, found._replace(coerced=values))


def _coerced_in_parts(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> Generator[None, None, CoercedVariables | list[GraphQLError]]:
    """Return what :func:`_coerced` returns, with a pause after each value."""
    found = yield from divided_coercion(schema, operation.variable_definitions or (), variables)
    if found is not None:
        return CoercedVariables(variables, found)
    faults = yield from variable_faults(schema, document, operation, variables)
    return faults or _coerced(schema, document, operation, variables)


def _found(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> VariableValues | list[GraphQLError]:
    """Return the coerced variables, or at least one error if they are invalid."""
    found: VariableValues | list[GraphQLError]
    try:
        found = get_variable_values(schema, operation.variable_definitions or (), dict(variables), max_errors=1)
    except StrawberryInputCoercionError as error:  # raised for input objects, without a path
        found = [error]
    if isinstance(found, list):
        for fault in found:
            _forget_frames(fault)
    return found


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
