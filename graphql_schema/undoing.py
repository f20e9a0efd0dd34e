"""Deleting, restoring and reverting: what can be taken back."""

from typing import Annotated, Any

import strawberry

from graphql_schema.context import Info
from graphql_schema.inputs import reason_field, revision_field
from graphql_schema.intents import Deleting, Restoring, Reverting
from graphql_schema.payloads import payload
from graphql_schema.plain import asset_kind, check_id, checked_reason
from graphql_schema.writing import write_one


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


@strawberry.input(description="Undoes one change.")
class RevertChangeInput:
    """Undoes one change."""

    change: strawberry.ID = strawberry.field(description="The id of the change, from `history` or `changes`.")
    reason: str | None = reason_field()


DeleteArg = Annotated[DeleteAssetInput, strawberry.argument(description="The asset.")]
RestoreArg = Annotated[RestoreAssetInput, strawberry.argument(description="The asset.")]
RevertArg = Annotated[RevertChangeInput, strawberry.argument(description="The change.")]


async def _delete(info: Info, input: DeleteArg) -> Any:
    return payload(await write_one(info, lambda: _deleting(input)), urn=input.asset)


async def _restore(info: Info, input: RestoreArg) -> Any:
    return payload(await write_one(info, lambda: _restoring(input)), urn=input.asset)


async def _revert(info: Info, input: RevertArg) -> Any:
    return payload(await write_one(info, lambda: _reverting(input)))


delete_asset = strawberry.field(
    description="Deletes an asset and its parts: nothing leads to them any more, everything stays stored and "
    "`restoreAsset` takes it back. Refused with CONFLICT while something that you may know of uses it.",
    resolver=_delete,
)
restore_asset = strawberry.field(
    description="Takes the deletion of an asset back, with the parts that went with it.", resolver=_restore
)
revert_change = strawberry.field(
    description="Undoes one change, which is a change itself. Refused with CONFLICT where the same fields have "
    "changed again since.",
    resolver=_revert,
)


def _deleting(given: DeleteAssetInput) -> Deleting:
    asset_kind(given.asset, "asset")
    return Deleting(given.asset, given.expected_revision, checked_reason(given.reason))


def _restoring(given: RestoreAssetInput) -> Restoring:
    asset_kind(given.asset, "asset")
    return Restoring(given.asset)


def _reverting(given: RevertChangeInput) -> Reverting:
    check_id(given.change, ("Change",), "change")
    return Reverting(given.change, checked_reason(given.reason))
