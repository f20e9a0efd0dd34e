"""Commands that update an asset that exists already."""

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.inputs.declared_edges import MAX_REFERENCES
from graphql_schema.inputs.input_fields import InputValue
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.record import JsonObject
from policies.vocabulary import WriteAction


def update_command(
    given: InputValue,
    action: ChangeAction,
    right: WriteAction,
    *edges: DeclaredEdges,
    values: JsonObject | None = None,
    reason: str | None = None,
) -> RegisterCommand:
    """Return the command that changes the asset ``given.asset``, with its audit action and the right that it needs."""
    return RegisterCommand(
        given.asset,
        values or {},
        edges,
        expected_revision=given.expected_revision,
        action=action,
        right=right.value,
        id_path="asset",
        reason=reason,
    )


def require_bounded(targets: JsonObject, name: str) -> JsonObject:
    """Return the targets of a field; raises InputError if there are too many."""
    if len(targets) > MAX_REFERENCES:
        raise InputError(
            f"The call names {len(targets)} different ids; use at most {MAX_REFERENCES} in one call.", name
        )
    return targets
