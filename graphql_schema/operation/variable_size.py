"""The size of the variables of an operation, measured before their coercion.

The coercion of an object visits every field of its input type, given or not. So the size of a value is the number of
its elements, where an object counts the fields of its type as well.
"""

from collections.abc import Mapping

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    OperationType,
    TypeNode,
    type_from_ast,
)

from graphql_schema.operation.limits import Breach, DocumentLimits


def variable_breaches(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object], limits: DocumentLimits
) -> list[Breach]:
    """Return the exceeded limit on the variables of an operation, or nothing."""
    writes = operation.operation is OperationType.MUTATION
    maximum = limits.mutation_variables if writes else limits.query_variables
    size = variable_size(schema, operation, variables, maximum)
    return [Breach("variables", size, maximum, operation)] if size > maximum else []


def variable_size(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object], maximum: int
) -> int:
    """Return the size of the declared variables of an operation; stops counting above ``maximum``."""
    size = 0
    for each in operation.variable_definitions or ():
        node: TypeNode = each.type
        type_ = type_from_ast(schema, node)
        if type_ is not None:
            size += _size(variables.get(each.variable.name.value), type_, maximum - size)
        if size > maximum:
            break
    return size


def _size(value: object, type_: GraphQLType, maximum: int) -> int:
    """Return the size of one value; visits no element after ``maximum`` is exceeded, and does not recurse."""
    size = 0
    stack: list[tuple[object, GraphQLType]] = [(value, type_)]
    while stack and size <= maximum:
        current, expected = stack.pop()
        size += 1
        if isinstance(expected, GraphQLNonNull):
            expected = expected.of_type
        if isinstance(expected, GraphQLList):
            elements = current if isinstance(current, list) else [current]
            size += len(elements)
            if size <= maximum:
                stack.extend((element, expected.of_type) for element in elements if isinstance(element, list | dict))
        elif isinstance(expected, GraphQLInputObjectType) and isinstance(current, dict):
            size += len(expected.fields) + len(current)
            stack.extend(
                (element, expected.fields[name].type)
                for name, element in current.items()
                if name in expected.fields and isinstance(element, list | dict)
            )
    return size
