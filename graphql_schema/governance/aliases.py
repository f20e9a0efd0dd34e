"""Aliases: names of a model that point at one of its versions, such as `champion`."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.urn import parent_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.refs import ModelVersionRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.gate_report import MODEL, GateReport
from graphql_schema.inputs.input_fields import dry_run_field, reason_field
from graphql_schema.inputs.payloads import MutationError, payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, checked_reason, require_kind
from graphql_schema.ports.commands import ANY, RemoveAliasCommand, SetAliasCommand
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ONE
from graphql_schema.ports.row import Row
from policies.installation.gates import NAME

ALIASES = "aliases"
"""The field, and the record key of a model, that holds its aliases by name."""


@strawberry.type(description="A name of a model that points at one of its versions.")
class ModelAlias:
    """A name of a model that points at one of its versions."""

    name: str = stored_field("The name, such as `champion`.")
    version: ModelVersionRef | None = stored_field("The version that the alias points at.")
    protected: bool = stored_field(
        "Whether the alias moves only to versions that pass the gates. This also binds a caller who may not see its "
        "version, and who otherwise sets the alias as if it were new."
    )
    since: Instant | None = stored_field("The instant since when the alias points at this version.")
    set_by: str | None = stored_field(
        "The caller who pointed the alias at this version, in the form of `Change.actor`."
    )


async def aliases_of(model: Row, info: Info) -> list[JsonObject]:
    """Return the sources of a model's aliases, ordered by name.

    Aliases of deleted or hidden versions are left out, with ``asOf`` also those that were set or moved afterwards.
    """
    stored = sorted(aliases_at_read_time(model, info).items())
    rows = await info.context.reader.nodes([alias["version"] for _, alias in stored], constant_time=True)
    return [
        {**alias, "name": name, "version": row}
        for (name, alias), row in zip(stored, rows, strict=True)
        if row is not None and not row.deleted
    ]


def aliases_at_read_time(model: Row, info: Info) -> dict[str, JsonObject]:
    """Return the stored aliases of a model by name, none if they are hidden.

    With ``asOf``, leave out those set or moved after that instant.
    """
    as_of, stored = info.context.as_of, model.visible_value(ALIASES) or {}
    return {name: alias for name, alias in stored.items() if as_of is None or alias["since"] <= as_of}


async def version_by_alias(model: Row, info: Info, name: str) -> Row | None:
    """Return the version of the alias with a name, None if :func:`aliases_of` does not return the alias."""
    found: list[Row] = [alias["version"] for alias in await aliases_of(model, info) if alias["name"] == name]
    return found[0] if found else None


async def names_of(version: Row, info: Info) -> list[str] | None:
    """Return the sorted names of the aliases that point at a version.

    None if its model is hidden or deleted, or hides its aliases.
    """
    models = (await info.context.reader.related(version, MODEL, ONE)).items
    if not models or ALIASES in models[0].row.access.hidden:
        return None
    stored = aliases_at_read_time(models[0].row, info)
    return sorted(name for name, alias in stored.items() if alias["version"] == version.urn)


@strawberry.input(description="Points an alias of a model at one of its versions.")
class SetAliasInput:
    """Points an alias of a model at one of its versions."""

    model: strawberry.ID = strawberry.field(description="The id of the model.")
    alias: str = strawberry.field(description="The name: up to 64 letters, digits, dots, dashes and underscores.")
    version: strawberry.ID = strawberry.field(description="The id of the version.")
    expected_version: strawberry.ID | None = strawberry.field(
        description="The id of the version that the alias must point at before, null for no version; otherwise the "
        "result is CONFLICT. Default: no condition.",
        default=strawberry.UNSET,
    )
    protected: bool | None = strawberry.field(
        description="Whether the alias moves only to versions that pass the gates; default: as before, false for a new "
        "alias. Removing the protection needs the right to approve the model, and you must neither have registered it "
        "nor have made or requested a version of it.",
        default=None,
    )
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


async def _alias(root: Parent, info: Info) -> Resolved:
    model = await info.context.reader.node(root["urn"]) if root["urn"] else None
    found = [] if model is None else await aliases_of(model, info)
    return next((alias for alias in found if alias["name"] == root["name"]), None)


@strawberry.type(description="The result of setting an alias.")
class SetAliasPayload:
    """The result of setting an alias."""

    alias: ModelAlias | None = strawberry.field(
        description="The alias as it is now; null if it is not set or hidden, or if the version is hidden or deleted.",
        resolver=_alias,
    )
    changed: bool = stored_field("Whether the alias or its protection changed, or would without `dryRun`.")
    gate: GateReport | None = stored_field(
        "The gate report of the version for this alias; null if the call was rejected before the gates were evaluated."
    )
    errors: list[MutationError] = stored_field("The errors; empty unless the call was rejected.")


AliasInputArg = Annotated[
    SetAliasInput, strawberry.argument(description="The alias, and the version to which it shall point.")
]


async def _set_alias(info: Info, input: AliasInputArg) -> Resolved:
    result = await submit_one(info, _alias_command, input, dry_run=input.dry_run)
    return {**payload(result, urn=input.model), "name": input.alias}


set_alias = strawberry.field(
    description="Points an alias of a model at one of its versions. To move a protected alias, or to protect one, the "
    "version must pass the gates; otherwise the error is GATE_BLOCKED, and `gate` lists what is missing.",
    resolver=_set_alias,
)


def _alias_command(given: SetAliasInput) -> SetAliasCommand:
    require_kind(given.model, ("Model",), "model")
    checked_name(given.alias, "alias")
    for urn, field in ((given.version, "version"), (given.expected_version, "expectedVersion")):
        if urn is not strawberry.UNSET and urn is not None:
            _require_version_of(given.model, urn, field)
    expected = ANY if given.expected_version is strawberry.UNSET else given.expected_version
    reason = checked_reason(given.reason)
    return SetAliasCommand(given.model, given.alias, given.version, expected, given.protected, reason)


@strawberry.input(description="Removes an alias of a model.")
class RemoveAliasInput:
    """Removes an alias of a model."""

    model: strawberry.ID = strawberry.field(description="The id of the model.")
    alias: str = strawberry.field(description="The name of the alias.")
    expected_version: strawberry.ID | None = strawberry.field(
        description="The id of the version that the alias must point at; otherwise the result is CONFLICT. "
        "Default: no condition.",
        default=None,
    )
    set_by_me: bool | None = strawberry.field(
        description="Whether the result is CONFLICT unless the caller pointed the alias at its version; default: "
        "false. A program removes with it what it has set, and nothing else.",
        default=None,
    )
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


RemovedAliasArg = Annotated[RemoveAliasInput, strawberry.argument(description="The alias.")]


async def _remove_alias(info: Info, input: RemovedAliasArg) -> Resolved:
    return payload(await submit_one(info, _removal, input, dry_run=input.dry_run), urn=input.model)


remove_alias = strawberry.field(
    description="Removes an alias of a model. Needs the right to promote the model and the version. An alias that is "
    "not set remains so without an error; a protected one is a CONFLICT.",
    resolver=_remove_alias,
)


def _removal(given: RemoveAliasInput) -> RemoveAliasCommand:
    require_kind(given.model, ("Model",), "model")
    checked_name(given.alias, "alias")
    if given.expected_version is not None:
        _require_version_of(given.model, given.expected_version, "expectedVersion")
    own = bool(given.set_by_me)
    return RemoveAliasCommand(given.model, given.alias, given.expected_version, own, checked_reason(given.reason))


def _require_version_of(model: str, urn: str, field: str) -> None:
    """Raise InputError unless an id is that of a version of a model."""
    require_kind(urn, ("ModelVersion",), field)
    if parent_urn(urn) != model:
        raise InputError(f"{urn} is not a version of {model}; use the id of one of its versions.", field)


def checked_name(name: str, field: str) -> str:
    """Return the name of an alias or an approval; raises InputError if it is invalid."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"`{field}` is {name[:80]!r}; write 1 to 64 letters, digits, dots, dashes and underscores.", field
        )
    return name
