"""Validation of the values that an operation gives: of literals before execution, of variables if their coercion fails.

Both report the faults of :mod:`graphql_schema.operation.input_faults`, as GraphQL errors with the code INVALID. The
other rules of a document are those of graphql-core, except that for unknown types.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    KnownTypeNamesRule,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    ProvidedRequiredArgumentsRule,
    ValidationRule,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    is_input_type,
    is_non_null_type,
    is_required_argument,
    specified_rules,
    type_from_ast,
)
from graphql.language import SKIP, Visitor, VisitorAction, visit
from graphql.validation.rules.provided_required_arguments import ProvidedRequiredArgumentsOnDirectivesRule

from graphql_schema.operation.input_faults import Given, InputFault, Place, fault_steps, input_faults, missing
from graphql_schema.operation.visitors import freed_visitors

MAX_FAULTS: Final = 25
"""Maximal number of faults that are collected in variables; near names take up to 0.5 ms for each."""


class GivenValuesRule(ValidationRule):
    """Reports faults of literals in arguments and defaults of variables, and required arguments that a field lacks."""

    def enter_argument(self, node: ArgumentNode, *_: object) -> VisitorAction:
        """Report the faults of one argument."""
        argument = self.context.get_argument()
        if argument is not None:
            self._report(input_faults(node.value, argument.type, (node.name.value,)))
        return SKIP

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> VisitorAction:
        """Report the faults of the default of a variable."""
        type_ = type_from_ast(self.context.schema, node.type)
        if node.default_value is not None and is_input_type(type_):
            self._report(input_faults(node.default_value, type_, (node.variable.name.value,)))
        return None

    def leave_field(self, node: FieldNode, *_: object) -> VisitorAction:
        """Report the required arguments that a field lacks."""
        field = self.context.get_field_def()
        given = {each.name.value for each in node.arguments or ()}
        for name, argument in (field.args if field else {}).items():
            if name not in given and is_required_argument(argument):
                self._report([missing(argument.type, (name,), node)])
        return None

    def _report(self, faults: Iterable[InputFault]) -> None:
        for fault in faults:
            self.report_error(_located(fault, fault.node))


class UnknownTypesRule(KnownTypeNamesRule):
    """Reports unknown types. Only the first one has similar names: to compare one with all types takes 10 ms."""

    def report_error(self, error: GraphQLError) -> None:
        """Report an unknown type, and compare no further one with the types of the schema."""
        self.type_names = []
        super().report_error(error)


_REPLACED: Final = {
    KnownTypeNamesRule: UnknownTypesRule,
    ValuesOfCorrectTypeRule: GivenValuesRule,
    ProvidedRequiredArgumentsRule: ProvidedRequiredArgumentsOnDirectivesRule,
}

VALIDATION_RULES: Final = tuple(_REPLACED.get(rule, rule) for rule in specified_rules)
"""The rules of the GraphQL specification; those for given values, required arguments and unknown types are replaced."""


def variable_faults(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Given]
) -> Generator[None, None, list[GraphQLError]]:
    """Return an error for each fault in the variables of an operation; at most MAX_FAULTS. Pauses after each value."""
    errors: list[GraphQLError] = []
    for each in _variable_faults(schema, document, operation, variables):
        if each is None:
            yield
            continue
        errors.append(each)
        if len(errors) == MAX_FAULTS:
            break
    return errors


def _variable_faults(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Given]
) -> Iterator[GraphQLError | None]:
    """Yield an error for each fault, and None where the walk may pause."""
    uses = _first_uses(document)
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        place = uses.get(name, (name,))
        type_ = type_from_ast(schema, definition.type)
        if not is_input_type(type_):
            continue
        if name in variables:
            for fault in fault_steps(variables[name], type_, place):
                yield None if fault is None else _located(fault, definition)
        elif definition.default_value is None and is_non_null_type(type_):
            yield _located(missing(type_, place), definition)


def _located(fault: InputFault, node: Node | None) -> GraphQLError:
    error = fault.error
    return GraphQLError(error.message, node, original_error=error)


class _Uses(Visitor):
    """Finds for each variable the place in an argument where it is first used."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}

    def enter_argument(self, node: ArgumentNode, *_: object) -> VisitorAction:
        """Search the value of one argument."""
        for name, place in _places(node.value, (node.name.value,)):
            self.places.setdefault(name, place)
        return SKIP


def _first_uses(document: DocumentNode) -> dict[str, Place]:
    """Return for each variable the place in an argument where it is first used; no entry for an unused one."""
    with freed_visitors():
        uses = _Uses()
        visit(document, uses)
    return uses.places


def _places(node: ValueNode, place: Place) -> Iterator[tuple[str, Place]]:
    """Yield the variables in a literal with their places."""
    if isinstance(node, VariableNode):
        yield node.name.value, place
    elif isinstance(node, ListValueNode):
        for index, each in enumerate(node.values):
            yield from _places(each, (*place, index))
    elif isinstance(node, ObjectValueNode):
        for field in node.fields:
            yield from _places(field.value, (*place, field.name.value))
