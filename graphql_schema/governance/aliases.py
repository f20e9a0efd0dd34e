"""Aliases: names of a model that stand for one of its versions, such as `champion`."""

from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.urn import parent_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.refs import ModelVersionRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.gate_report import MODEL, GateReport
from graphql_schema.inputs.input_fields import reason_field
from graphql_schema.inputs.payloads import MutationError, payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, checked_reason, require_kind
from graphql_schema.ports.commands import ANY, SetAliasCommand
from graphql_schema.ports.relation_query import ONE
from graphql_schema.ports.row import Row
from policies.gates import NAME

ALIASES = "aliases"
"""The field, and the key of a model's record, that holds them by name."""


@strawberry.type(description="A name of a model that stands for one of its versions.")
class ModelAlias:
    """A name of a model that stands for one of its versions."""

    name: str = stored_field("The name, such as `champion`.")
    version: ModelVersionRef | None = stored_field("The version that it stands for.")
    protected: bool = stored_field("Whether only a version that passes its gate may take it.")
    since: Instant | None = stored_field("Since when it stands for this version.")
    set_by: str | None = stored_field("The subject of the token that let it stand for this version.")


async def aliases_of(model: Row, info: Info) -> list[dict[str, Any]]:
    """The aliases of a model by name, as sources; those that stand for what the viewer may not know of are not there.

    Nor are those of a deleted version: nothing leads there.
    """
    stored = sorted(_standing(model, info).items())
    rows = await info.context.reader.nodes([alias["version"] for _, alias in stored]) if stored else []
    return [
        {**alias, "name": name, "version": row}
        for (name, alias), row in zip(stored, rows, strict=True)
        if row is not None and not row.deleted
    ]


def _standing(model: Row, info: Info) -> dict[str, dict[str, Any]]:
    """The aliases of a model; at an instant of the past those that stand for the same version ever since."""
    as_of, stored = info.context.as_of, model.visible_value(ALIASES) or {}
    return {name: alias for name, alias in stored.items() if as_of is None or alias["since"] <= as_of}


async def version_by_alias(model: Row, info: Info, name: str) -> Row | None:
    """The version that an alias stands for; None where there is none, or none that the viewer may know of."""
    found: list[Row] = [alias["version"] for alias in await aliases_of(model, info) if alias["name"] == name]
    return found[0] if found else None


async def names_of(version: Row, info: Info) -> list[str] | None:
    """The aliases that stand for a version; None where its model does not show them."""
    models = (await info.context.reader.related(version, MODEL, ONE)).items
    if not models or ALIASES in models[0].row.access.hidden:
        return None
    stored = _standing(models[0].row, info)
    return sorted(name for name, alias in stored.items() if alias["version"] == version.urn)


@strawberry.input(description="Lets a name of a model stand for one of its versions.")
class SetAliasInput:
    """Lets a name of a model stand for one of its versions."""

    model: strawberry.ID = strawberry.field(description="The id of the model.")
    alias: str = strawberry.field(description="The name: up to 64 letters, digits, dots, dashes and underscores.")
    version: strawberry.ID = strawberry.field(description="The id of the version that it is to stand for.")
    expected_version: strawberry.ID | None = strawberry.field(
        description="Refuse with CONFLICT unless it stands for this version now; null: unless it stands for none.",
        default=strawberry.UNSET,
    )
    protected: bool | None = strawberry.field(
        description="Whether only a version that passes its gate may take it; as it was when absent, not at first. "
        "Taking protection away takes the right to approve.",
        default=None,
    )
    reason: str | None = reason_field()


async def _alias(root: Parent, info: Info) -> Any:
    model = await info.context.reader.node(root["urn"]) if root["urn"] else None
    found = [] if model is None else await aliases_of(model, info)
    return next((alias for alias in found if alias["name"] == root["name"]), None)


@strawberry.type(description="What came of setting an alias.")
class SetAliasPayload:
    """What came of setting an alias."""

    alias: ModelAlias | None = strawberry.field(
        description="The alias as it is now, as the viewer may see it.", resolver=_alias
    )
    changed: bool = stored_field("Whether anything was written.")
    gate: GateReport | None = stored_field(
        "What the gate of this alias says of the version; null where nothing was judged."
    )
    errors: list[MutationError] = stored_field("Why it was not written; empty when it was.")


AliasInputArg = Annotated[SetAliasInput, strawberry.argument(description="The alias and its version.")]


async def _set_alias(info: Info, input: AliasInputArg) -> Any:
    result = await submit_one(info, lambda: _setting(input))
    return {**payload(result, urn=input.model), "name": input.alias}


set_alias = strawberry.field(
    description="Lets a name of a model stand for one of its versions. A protected one moves only to a version that "
    "passes its gate; else GATE_BLOCKED, and `gate` says what is missing.",
    resolver=_set_alias,
)


def _setting(given: SetAliasInput) -> SetAliasCommand:
    require_kind(given.model, ("Model",), "model")
    checked_name(given.alias, "alias")
    for urn, field in ((given.version, "version"), (given.expected_version, "expectedVersion")):
        if urn is not strawberry.UNSET and urn is not None:
            require_kind(urn, ("ModelVersion",), field)
            if parent_urn(urn) != given.model:
                raise InputError(f"{urn} is no version of {given.model}; name one of its own.", field)
    expected = ANY if given.expected_version is strawberry.UNSET else given.expected_version
    reason = checked_reason(given.reason)
    return SetAliasCommand(given.model, given.alias, given.version, expected, given.protected, reason)


def checked_name(name: str, field: str) -> str:
    """The name of an alias or a gate; raises InputError when it cannot be one."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"`{field}` is {name[:80]!r}; write 1 to 64 letters, digits, dots, dashes and underscores.", field
        )
    return name
