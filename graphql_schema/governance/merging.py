"""The mutation mergeAssets: two datasets that turn out to be one."""

from typing import Annotated, Final

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved
from graphql_schema.inputs.input_fields import dry_run_field, reason_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, checked_reason, require_kind
from graphql_schema.ports.commands import MergeCommand

MERGED_KINDS: Final = ("Dataset",)
"""The kinds of which two assets can be merged: those to which senders of events give two names."""


@strawberry.input(description="Two datasets that are one.")
class MergeAssetsInput:
    """Two datasets that are one."""

    from_: strawberry.ID = strawberry.field(
        name="from",
        description="The id of the dataset that was only referenced, or described by events alone. It leads to `into` "
        "from then on.",
    )
    into: strawberry.ID = strawberry.field(description="The id of the dataset that remains.")
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


MergeArg = Annotated[MergeAssetsInput, strawberry.argument(description="The two datasets.")]


async def _merge(info: Info, input: MergeArg) -> Resolved:
    return payload(await submit_one(info, _merging, input, dry_run=input.dry_run), urn=input.into)


merge_assets = strawberry.field(
    description="Merges two datasets that are one: the edges of `from` continue at `into`, and both ids lead to "
    "`into`. Needs the right to update and to link `into`, and to register `from`. Only the caller who registered "
    "`from` or referred to it first, and administrators, may merge it. CONFLICT if `from` has owners, versions or "
    "values of its own, or more than 500 edges. CONFLICT also if others linked it to an asset that the caller may not "
    "see, unless the caller is an administrator. It cannot be undone.",
    resolver=_merge,
)


def _merging(given: MergeAssetsInput) -> MergeCommand:
    require_kind(given.from_, MERGED_KINDS, "from")
    require_kind(given.into, MERGED_KINDS, "into")
    if given.from_ == given.into:
        raise InputError(f"{given.into} cannot be merged into itself; use the id of another dataset.", "into")
    return MergeCommand(given.from_, given.into, checked_reason(given.reason))
