"""Life cycle of an asset: stage, deletion and restoration."""

from collections.abc import Iterable
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import ChangeAction, LifecycleStage
from graphql_schema.catalog.relations import REPLACED_BY, Hop
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved
from graphql_schema.inputs.declared_edges import allowed_target_kinds
from graphql_schema.inputs.input_fields import dry_run_field, reason_field, revision_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.updates import update_command
from graphql_schema.inputs.values import InputError, asset_kind, checked_reason, require_kind
from graphql_schema.ports.commands import (
    DeclaredEdges,
    DeleteCommand,
    RegisterCommand,
    RestoreCommand,
)
from policies.vocabulary import WriteAction


@strawberry.input(description="Sets the life-cycle stage of an asset.")
class SetStageInput:
    """Sets the life-cycle stage of an asset."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    stage: LifecycleStage = strawberry.field(description="The new stage.")
    replaced_by: strawberry.ID | None = strawberry.field(
        description="The id of the asset that replaces this one; null removes the one that `setStage` set before. "
        "Default: unchanged.",
        default=strawberry.UNSET,
    )
    reason: str | None = reason_field()
    expected_revision: int | None = revision_field()
    dry_run: bool | None = dry_run_field()


StageArg = Annotated[SetStageInput, strawberry.argument(description="The asset and its stage.")]


async def _set_stage(info: Info, input: StageArg) -> Resolved:
    return payload(await submit_one(info, _stage, input, dry_run=input.dry_run), urn=input.asset)


set_stage = strawberry.field(
    description="Sets the life-cycle stage of an asset. Needs the right to update the asset, and for a change to "
    "RETIRED also the right to retire the asset.",
    resolver=_set_stage,
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
                raise InputError(f"{urn} cannot replace itself; use the id of another asset.", "replacedBy")
        edges = (DeclaredEdges(hop, f"{kind}.replacedBy", {urn: {} for urn in targets}),)
    values = {"stage": given.stage.name}
    return update_command(given, ChangeAction.STAGE_SET, WriteAction.UPDATE, *edges, values=values, reason=reason)


@strawberry.input(description="Deletes an asset softly, with its visible versions or features.")
class DeleteAssetInput:
    """Deletes an asset softly, with its visible versions or features."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    expected_revision: int | None = revision_field()
    reason: str | None = reason_field()
    despite_others: bool | None = strawberry.field(
        description="Whether to delete the asset although assets use it that neither its owner owns nor you. By "
        "default false: such uses are a CONFLICT, whose message names up to 5 of them. If true, versions and features "
        "that you may not retire are left out, in place of DENIED.",
        default=False,
    )
    dry_run: bool | None = dry_run_field()


@strawberry.input(description="A deleted asset to restore.")
class RestoreAssetInput:
    """A deleted asset to restore."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


DeleteArg = Annotated[DeleteAssetInput, strawberry.argument(description="The asset.")]


RestoreArg = Annotated[RestoreAssetInput, strawberry.argument(description="The asset.")]


async def _delete(info: Info, input: DeleteArg) -> Resolved:
    return payload(await submit_one(info, _deleting, input, dry_run=input.dry_run), urn=input.asset)


async def _restore(info: Info, input: RestoreArg) -> Resolved:
    return payload(await submit_one(info, _restoring, input, dry_run=input.dry_run), urn=input.asset)


delete_asset = strawberry.field(
    description="Deletes an asset and those of its versions or features that are visible to you: no relation, list or "
    "search of the present returns them, and `restoreAsset` restores them. CONFLICT while another asset visible to you "
    "uses one of them, or one is an ACTIVE deployment. Runs, evaluations, retired assets and inactive deployments do "
    "not count as users; `despiteOthers` ignores uses by others. A version that a visible alias points at is deleted "
    "only with its model.",
    resolver=_delete,
)


restore_asset = strawberry.field(
    description="Restores a deleted asset, with those of its versions or features that were deleted with it and are "
    "visible to you. CONFLICT while its parent is visible to you and deleted.",
    resolver=_restore,
)


def _deleting(given: DeleteAssetInput) -> DeleteCommand:
    asset_kind(given.asset, "asset")
    reason = checked_reason(given.reason)
    return DeleteCommand(given.asset, given.expected_revision, reason, bool(given.despite_others))


def _restoring(given: RestoreAssetInput) -> RestoreCommand:
    asset_kind(given.asset, "asset")
    return RestoreCommand(given.asset, checked_reason(given.reason))
