"""Owners, tags and stage of an asset that is there."""

from collections.abc import Iterable
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import ChangeAction, LifecycleStage
from graphql_schema.catalog.relations import REPLACED_BY, Hop
from graphql_schema.fields.context import Info
from graphql_schema.inputs.declared_edges import allowed_target_kinds
from graphql_schema.inputs.input_fields import reason_field, revision_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.updates import _change
from graphql_schema.inputs.values import InputError, asset_kind, checked_reason, require_kind
from graphql_schema.ports.commands import DeclaredEdges, DeleteCommand, RegisterCommand, RestoreCommand
from policies.vocabulary import WriteAction


@strawberry.input(description="Moves an asset on in its life.")
class SetStageInput:
    """Moves an asset on in its life."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    stage: LifecycleStage = strawberry.field(description="The stage that it comes to.")
    replaced_by: strawberry.ID | None = strawberry.field(
        description="The id of the asset that takes its place; null takes that back.", default=strawberry.UNSET
    )
    reason: str | None = reason_field()
    expected_revision: int | None = revision_field()


StageArg = Annotated[SetStageInput, strawberry.argument(description="The asset and its stage.")]


async def _set_stage(info: Info, input: StageArg) -> Any:
    return payload(await submit_one(info, lambda: _stage(input)), urn=input.asset)


set_stage = strawberry.field(
    description="Moves an asset on in its life. Retiring takes the right to retire it.", resolver=_set_stage
)


def _stage(given: SetStageInput) -> RegisterCommand:
    kind = asset_kind(given.asset, "asset")
    reason = checked_reason(given.reason)
    edges: tuple[DeclaredEdges, ...] = ()
    if given.replaced_by is not strawberry.UNSET:
        hop: Hop = REPLACED_BY.out()
        targets: Iterable[str] = [] if given.replaced_by is None else [given.replaced_by]
        for urn in targets:
            require_kind(urn, allowed_target_kinds(hop, kind), "replacedBy")
            if urn == given.asset:
                raise InputError(f"{urn} cannot take its own place; name another.", "replacedBy")
        edges = (DeclaredEdges(hop, f"{kind}.replacedBy", {urn: {} for urn in targets}),)
    values = {"stage": given.stage.name}
    return _change(given, ChangeAction.STAGE_SET, WriteAction.UPDATE, *edges, values=values, reason=reason)


@strawberry.input(description="Deletes an asset softly, with its parts.")
class DeleteAssetInput:
    """Deletes an asset softly, with its parts."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    expected_revision: int | None = revision_field()
    reason: str | None = reason_field()


@strawberry.input(description="Takes a deletion back.")
class RestoreAssetInput:
    """Takes a deletion back."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")


DeleteArg = Annotated[DeleteAssetInput, strawberry.argument(description="The asset.")]


RestoreArg = Annotated[RestoreAssetInput, strawberry.argument(description="The asset.")]


async def _delete(info: Info, input: DeleteArg) -> Any:
    return payload(await submit_one(info, lambda: _deleting(input)), urn=input.asset)


async def _restore(info: Info, input: RestoreArg) -> Any:
    return payload(await submit_one(info, lambda: _restoring(input)), urn=input.asset)


delete_asset = strawberry.field(
    description="Deletes an asset and its parts: nothing leads to them any more, everything stays stored and "
    "`restoreAsset` takes it back. Refused with CONFLICT while something that you may know of uses it.",
    resolver=_delete,
)


restore_asset = strawberry.field(
    description="Takes the deletion of an asset back, with the parts that went with it.", resolver=_restore
)


def _deleting(given: DeleteAssetInput) -> DeleteCommand:
    asset_kind(given.asset, "asset")
    return DeleteCommand(given.asset, given.expected_revision, checked_reason(given.reason))


def _restoring(given: RestoreAssetInput) -> RestoreCommand:
    asset_kind(given.asset, "asset")
    return RestoreCommand(given.asset)
