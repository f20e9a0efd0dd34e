"""Reading the graph as it was: one instant for a whole operation, since clients keep what they read by id."""

from collections.abc import Iterator
from typing import Annotated, Any

import strawberry
from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLInputType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    coerce_input_literal,
)

from graphql_schema.fields.context import Info
from graphql_schema.fields.scalars import Instant
from policies.errors import InvalidError

MAX_CLOCK_SKEW_MS = 300_000
"""Milliseconds that the clock of whoever asks may be ahead."""

ARGUMENT = "asOf"
TIMELESS = frozenset({"viewer", "__typename", "__schema", "__type"})
"""Fields of the query that are about no instant."""

AsOf = Annotated[
    Instant | None,
    strawberry.argument(
        description="Read the graph as it was valid at this instant, as far as it is recorded now; now when absent. "
        "Every field of the query must say the same, but for `viewer`."
    ),
]


def set_read_time(info: Info, as_of: int | None) -> None:
    """Let the operation read the graph as it was at an instant.

    Raises InvalidError when the fields of the operation do not agree on it, or when it lies ahead.
    """
    context = info.context
    if context.instants is None:
        context.instants = _instants(info)
    if len(context.instants) > 1:
        raise InvalidError(
            "An operation reads at one instant: give each of its fields the same `asOf`, and leave out those that "
            "have none, or split the operation."
        )
    if as_of is not None and as_of > context.clock() + MAX_CLOCK_SKEW_MS:
        raise InvalidError("`asOf` lies ahead; give an instant that has passed.")
    context.read_at(as_of)


def _instants(info: Info) -> frozenset[int | None]:
    """The instants that the fields of the operation are about."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry offers the operation nowhere else
    found: set[int | None] = set()
    for node in _selected(raw, raw.operation.selection_set):
        field = raw.parent_type.fields.get(node.name.value)
        if field is not None and node.name.value not in TIMELESS:
            instant = field.args.get(ARGUMENT)
            found.add(None if instant is None else _argument(raw, node, ARGUMENT, instant.type))
    return frozenset(found)


def _selected(raw: GraphQLResolveInfo[Any], selection: SelectionSetNode) -> Iterator[FieldNode]:
    """The fields that an operation begins with."""
    for node in selection.selections:
        if not _included(raw, node):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _selected(raw, node.selection_set)
        elif isinstance(node, FragmentSpreadNode):
            yield from _selected(raw, raw.fragments[node.name.value].selection_set)


def _included(raw: GraphQLResolveInfo[Any], node: SelectionNode) -> bool:
    conditions = {
        directive.name.value: _argument(raw, directive, "if", GraphQLBoolean) for directive in node.directives or ()
    }
    return conditions.get("include", True) and not conditions.get("skip", False)


def _argument(raw: GraphQLResolveInfo[Any], node: FieldNode | DirectiveNode, name: str, type_: GraphQLInputType) -> Any:
    """The value of an argument; None where it is not given."""
    value = next((each.value for each in node.arguments or () if each.name.value == name), None)
    if isinstance(value, VariableNode):
        variables: Any = raw.variable_values  # a plain mapping, whatever its annotation says
        return variables.get(value.name.value)
    return None if value is None else coerce_input_literal(value, type_)
