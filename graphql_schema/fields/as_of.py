"""Read time of an operation (``asOf``): one instant for all fields, because clients cache objects by id."""

from functools import partial
from typing import Annotated

import strawberry
from graphql import (
    DirectiveNode,
    FieldNode,
    GraphQLBoolean,
    GraphQLInputType,
    GraphQLResolveInfo,
    SelectionNode,
    VariableNode,
    coerce_input_literal,
)

from graphql_schema.catalog.instants import is_ahead
from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.selected_fields import selected_fields
from graphql_schema.ports.record import Json
from policies.errors import InvalidError

ARGUMENT = "asOf"
TIMELESS = frozenset({"viewer", "__typename", "__schema", "__type"})
"""Fields of Query that do not depend on the read time."""

AsOf = Annotated[
    Instant | None,
    strawberry.argument(
        description="The instant at which edges must have been valid and assets must have existed, by the records of "
        "today; default: the present. Field values are the present ones, but later deletions, later resolutions of "
        "incidents and aliases that were set later are left out. All top-level fields except `viewer` and those of "
        "introspection need the same value, so fields without this argument cannot be combined with an instant."
    ),
]


def set_read_time(info: Info, as_of: int | None) -> None:
    """Set the read time of the operation; None is the present.

    Raises InvalidError if the fields of the operation have different values, or if the instant is more than
    MAX_AHEAD_MS in the future.
    """
    context = info.context
    if context.instants is None:
        context.instants = _instants(info)
    if len(context.instants) > 1:
        raise InvalidError(
            "The fields of the operation have different values of `asOf`, or some have none; give all of them the "
            "same, or split the operation."
        )
    _refuse_future(context, as_of)
    context.read_at(as_of)


def read_time_of_field(context: Context, as_of: int | None) -> int | None:
    """Return the read time of one field: ``as_of``, by default that of the operation; None is the present.

    Raises InvalidError if ``as_of`` is later than the read time of the operation, or more than MAX_AHEAD_MS in the
    future.
    """
    if as_of is not None and context.as_of is not None and as_of > context.as_of:
        raise InvalidError("`asOf` of the field is later than that of the operation; give an earlier instant.")
    _refuse_future(context, as_of)
    return context.as_of if as_of is None else as_of


def _refuse_future(context: Context, as_of: int | None) -> None:
    if as_of is not None and is_ahead(as_of, context.clock()):
        raise InvalidError("`asOf` is more than five minutes in the future; give a past instant.")


def _instants(info: Info) -> frozenset[int | None]:
    """Return the values of ``asOf`` in the top-level fields, except those in TIMELESS; None for a field without it."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry offers the operation nowhere else
    found: set[int | None] = set()
    for node in selected_fields(raw.operation.selection_set, raw.fragments, partial(_is_included, raw)):
        field = raw.parent_type.fields.get(node.name.value)
        if field is not None and node.name.value not in TIMELESS:
            instant = field.args.get(ARGUMENT)
            found.add(None if instant is None else _argument(raw, node, ARGUMENT, instant.type))
    return frozenset(found)


def _is_included(raw: GraphQLResolveInfo[object], node: SelectionNode) -> bool:
    """Return whether neither `@skip` nor `@include` removes a selection."""
    conditions = {
        directive.name.value: _argument(raw, directive, "if", GraphQLBoolean) for directive in node.directives or ()
    }
    return conditions.get("include", True) and not conditions.get("skip", False)


def _argument(
    raw: GraphQLResolveInfo[object], node: FieldNode | DirectiveNode, name: str, type_: GraphQLInputType
) -> Json:
    """Return the value of an argument, None if it is absent."""
    value = next((each.value for each in node.arguments or () if each.name.value == name), None)
    if isinstance(value, VariableNode):
        variables: Json = raw.variable_values  # a plain mapping, despite its annotation
        return variables.get(value.name.value)
    return None if value is None else coerce_input_literal(value, type_)
