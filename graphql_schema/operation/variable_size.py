"""The size of the variables of an operation, measured before their coercion.

A value counts 1, a list also 1 for each element. An object also counts 1 for each given field and for each field of
its input type, because its coercion visits these, given or not. Inner lists and objects count so in addition.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(slots=True)
class VariableSize:
    """Sizes of variables: all counted together, and the elements of the longest list of a declared variable."""

    size: int = 0
    max_length: int = 0


def variable_breaches(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object], limits: DocumentLimits
) -> list[Breach]:
    """Return the limits that the variables of an operation exceed."""
    writes = operation.operation is OperationType.MUTATION
    maximum = limits.mutation_variables if writes else limits.query_variables
    found = variable_size(schema, operation, variables, maximum)
    exceeded = (("variables", found.size, maximum), ("list", found.max_length, limits.list_elements))
    return [Breach(name, actual, limit, operation) for name, actual, limit in exceeded if actual > limit]


def variable_size(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object], maximum: int
) -> VariableSize:
    """Return the sizes of the variables of an operation; counting stops when the size exceeds ``maximum``.

    A variable that the operation does not declare counts 1 for each value in it, and no list of it is measured.
    """
    found, declared = VariableSize(), set[str]()
    for each in operation.variable_definitions or ():
        declared.add(each.variable.name.value)
        node: TypeNode = each.type
        type_ = type_from_ast(schema, node)
        if type_ is not None:
            _count(variables.get(each.variable.name.value), type_, maximum, found)
        if found.size > maximum:
            break
    _count_elements([value for name, value in variables.items() if name not in declared], maximum, found)
    return found


def _count_elements(values: list[object], maximum: int, found: VariableSize) -> None:
    """Add 1 to ``found`` for each of the values and each value in them, until ``maximum`` is exceeded."""
    stack = values
    while stack and found.size <= maximum:
        current = stack.pop()
        found.size += 1
        if isinstance(current, dict | list):
            stack.extend(current.values() if isinstance(current, dict) else current)


def _count(value: object, type_: GraphQLType, maximum: int, found: VariableSize) -> None:
    """Add the size of one value, and the length of its longest list, to ``found``.

    Visits no element after ``maximum`` is exceeded, and does not recurse.
    """
    stack: list[tuple[object, GraphQLType]] = [(value, type_)]
    while stack and found.size <= maximum:
        current, expected = stack.pop()
        found.size += 1
        if isinstance(expected, GraphQLNonNull):
            expected = expected.of_type
        if isinstance(expected, GraphQLList):
            elements = current if isinstance(current, list) else [current]
            found.size += len(elements)
            found.max_length = max(found.max_length, len(elements))
            if found.size <= maximum:
                stack.extend((element, expected.of_type) for element in elements if isinstance(element, list | dict))
        elif isinstance(expected, GraphQLInputObjectType) and isinstance(current, dict):
            found.size += len(expected.fields) + len(current)
            stack.extend(
                (element, expected.fields[name].type)
                for name, element in current.items()
                if name in expected.fields and isinstance(element, list | dict)
            )
