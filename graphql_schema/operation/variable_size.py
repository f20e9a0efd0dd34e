"""The size of the variables of an operation, and of the arguments that use them, measured before their coercion.

A value counts 1, a list also 1 for each element. An object also counts 1 for each given field and for each field of
its input type, because its coercion visits these, given or not. Inner lists and objects count so in addition.

A literal can have a variable many times. Its argument counts the variable each time, because a resolver visits it so.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLType,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeNode,
    ValueNode,
    VariableNode,
    type_from_ast,
    value_from_ast_untyped,
)

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.operation.limits import Breach, DocumentLimits

PART_SIZE: Final = 500
"""Size that is counted without a pause: some 0.2 ms."""

_USE_TOKENS: Final = 2
"""Number of tokens of a document that one use of a variable has."""


@dataclass(slots=True)
class VariableSize:
    """Sizes of variables: all together, of each declared one, and of the longest list and the longest text of these.

    The longest text may be the name of a field: graphql-core compares an unknown one with all others, which takes the
    longer, the longer it is. ``characters`` are those of all texts in declared variables, without such names.
    """

    size: int = 0
    max_length: int = 0
    max_text: int = 0
    characters: int = 0
    each: dict[str, int] = field(default_factory=dict)


def variable_breaches(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
    limits: DocumentLimits,
    document: DocumentNode,
) -> Generator[None, None, list[Breach]]:
    """Return the limits that the variables of an operation exceed, or an argument in it or in a fragment.

    An argument has the limit of all variables. Pauses as :func:`variable_size_steps`.
    """
    writes = operation.operation is OperationType.MUTATION
    maximum = limits.mutation_variables if writes else limits.query_variables
    found = yield from variable_size_steps(schema, operation, variables, maximum)
    size = found.size
    if maximum < size * (limits.tokens // _USE_TOKENS) and size <= maximum:
        fragments = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
        size = max(size, _max_argument([operation, *fragments], found.each))
    exceeded = (
        ("variables", size, maximum),
        ("list", found.max_length, limits.list_elements),
        ("text", found.max_text, limits.text),
        ("texts", 0 if writes else found.characters, limits.query_characters),
    )
    return [Breach(name, actual, limit, operation) for name, actual, limit in exceeded if actual > limit]


def variable_size(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object], maximum: int
) -> VariableSize:
    """Return the sizes of the variables of an operation; counting stops when the size exceeds ``maximum``.

    Counts all at once, so ``maximum`` is small; :func:`variable_size_steps` pauses.
    """
    return run_at_once(variable_size_steps(schema, operation, variables, maximum))


def variable_size_steps(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, object], maximum: int
) -> Generator[None, None, VariableSize]:
    """Return what :func:`variable_size` returns. Pauses after each PART_SIZE, and the list or object in it.

    An absent variable counts as its default. One that the operation does not declare counts 1 for each value in it, and
    no list of it is measured. One that is declared again counts by its first declaration; the validation refuses it.
    """
    found, declared = VariableSize(), set[str]()
    for each in operation.variable_definitions or ():
        name, before = each.variable.name.value, found.size
        if name in declared:
            continue
        declared.add(name)
        node: TypeNode = each.type
        type_ = type_from_ast(schema, node)
        value = variables.get(name)
        if name not in variables and each.default_value is not None:
            value = value_from_ast_untyped(each.default_value)
        stack = [] if type_ is None else [(value, type_)]
        _count(stack, maximum, found)
        while stack and found.size <= maximum:
            yield
            _count(stack, maximum, found)
        found.each[name] = found.size - before
        if found.size > maximum:
            break
    _count_elements([value for name, value in variables.items() if name not in declared], maximum, found)
    return found


def has_more_elements(variables: Mapping[str, object], maximum: int) -> bool:
    """Return whether variables have more than ``maximum`` values, all lists and objects in them included.

    The time is that for ``maximum`` values, however large the variables are.
    """
    found = VariableSize()
    _count_elements([*variables.values()], maximum, found)
    return found.size > maximum


def _count_elements(values: list[object], maximum: int, found: VariableSize) -> None:
    """Add 1 to ``found`` for each of the values and each value in them, until ``maximum`` is exceeded."""
    stack = values
    while stack and found.size <= maximum:
        current = stack.pop()
        found.size += 1
        if isinstance(current, dict | list):
            stack.extend(islice(current.values() if isinstance(current, dict) else current, maximum + 1))


def _count(stack: list[tuple[object, GraphQLType]], maximum: int, found: VariableSize) -> None:
    """Add the sizes of values with their types, and the lengths of lists and texts in them, to ``found``.

    Ends when it has added PART_SIZE; what is left is in the ``stack``. Visits no element after ``maximum`` is exceeded,
    and does not recurse.
    """
    end = min(maximum, found.size + PART_SIZE)
    while stack and found.size <= end:
        current, expected = stack.pop()
        found.size += 1
        if isinstance(expected, GraphQLNonNull):
            expected = expected.of_type
        if isinstance(current, str):
            _count_texts([current], found)
        if isinstance(expected, GraphQLList):
            elements = current if isinstance(current, list) else [current]
            found.size += len(elements)
            found.max_length = max(found.max_length, len(elements))
            if found.size <= maximum:
                _count_texts(elements, found)
                stack.extend((element, expected.of_type) for element in elements if isinstance(element, list | dict))
        elif isinstance(expected, GraphQLInputObjectType) and isinstance(current, dict):
            found.size += len(expected.fields) + len(current)
            found.max_text = max(found.max_text, max(map(len, current), default=0))
            _count_texts(current.values(), found)
            stack.extend(
                (element, expected.fields[name].type)
                for name, element in current.items()
                if name in expected.fields and isinstance(element, list | dict)
            )


def _count_texts(values: Iterable[object], found: VariableSize) -> None:
    """Add the lengths of the texts among some values, and the largest one, to ``found``."""
    lengths = [len(value) for value in values if isinstance(value, str)]
    found.characters += sum(lengths)
    found.max_text = max(found.max_text, *lengths, 0)


def _max_argument(definitions: Iterable[ExecutableDefinitionNode], sizes: Mapping[str, int]) -> int:
    """Return the size of the largest argument of the fields in definitions, by the sizes of variables; 0 without any.

    Each variable counts its size as often as it is in the argument.
    """
    return max(
        (sum(sizes.get(name, 0) for name in _variables(each.value)) for each in _arguments(definitions)),
        default=0,
    )


def _arguments(definitions: Iterable[ExecutableDefinitionNode]) -> Iterator[ArgumentNode]:
    """Yield the arguments of all fields of operations and fragments; does not recurse."""
    stack: list[SelectionSetNode] = [each.selection_set for each in definitions]
    while stack:
        for each in stack.pop().selections:
            if isinstance(each, FieldNode):
                yield from each.arguments or ()
            if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set is not None:
                stack.append(each.selection_set)


def _variables(value: ValueNode) -> Iterator[str]:
    """Yield the name of each variable in a value, as often as it is there; does not recurse."""
    stack: list[ValueNode] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
        elif isinstance(node, ListValueNode):
            stack.extend(node.values)
        elif isinstance(node, ObjectValueNode):
            stack.extend(each.value for each in node.fields)
