"""Owners, tags and stage of an asset that is there."""

from collections.abc import Iterable
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog import OWNED_BY, REPLACED_BY, TAGGED, Hop
from graphql_schema.context import Info
from graphql_schema.declared import MOST_REFERENCES, far_kinds
from graphql_schema.enums import ChangeAction, LifecycleStage, TagMode
from graphql_schema.inputs import OwnerInput, reason_field, revision_field
from graphql_schema.payloads import payload
from graphql_schema.plain import InputError, asset_kind, check_id, checked_reason
from graphql_schema.registration import EdgesOf, Registration
from graphql_schema.writing import write_one
from policies.vocabulary import WriteAction


@strawberry.input(description="Gives an asset other owners.")
class SetOwnersInput:
    """Gives an asset other owners."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    owners: list[OwnerInput] = strawberry.field(description="All owners that it is to have; none when empty.")
    expected_revision: int | None = revision_field()


@strawberry.input(description="Adds tags to an asset, takes tags away, or keeps propagated ones out.")
class SetTagsInput:
    """Adds tags to an asset, takes tags away, or keeps propagated ones out."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    add: list[strawberry.ID] | None = strawberry.field(description="Ids of tags that it is to carry.", default=None)
    remove: list[strawberry.ID] | None = strawberry.field(
        description="Ids of tags that it no longer carries itself, or no longer keeps out; one that arrives along "
        "lineage stays.",
        default=None,
    )
    block: list[strawberry.ID] | None = strawberry.field(
        description="Ids of tags that it keeps out: they neither arrive along lineage nor pass on through it.",
        default=None,
    )
    expected_revision: int | None = revision_field()


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


OwnersArg = Annotated[SetOwnersInput, strawberry.argument(description="The asset and its owners.")]
TagsArg = Annotated[SetTagsInput, strawberry.argument(description="The asset and its tags.")]
StageArg = Annotated[SetStageInput, strawberry.argument(description="The asset and its stage.")]


async def _set_owners(info: Info, input: OwnersArg) -> Any:
    return payload(await write_one(info, lambda: _owners(input)), urn=input.asset)


async def _set_tags(info: Info, input: TagsArg) -> Any:
    return payload(await write_one(info, lambda: _tags(input)), urn=input.asset)


async def _set_stage(info: Info, input: StageArg) -> Any:
    return payload(await write_one(info, lambda: _stage(input)), urn=input.asset)


set_owners = strawberry.field(description="Replaces the owners of an asset.", resolver=_set_owners)
set_tags = strawberry.field(
    description="Adds, removes and blocks tags of an asset. A tag that propagates passes on along the data flow.",
    resolver=_set_tags,
)
set_stage = strawberry.field(
    description="Moves an asset on in its life. Retiring takes the right to retire it.", resolver=_set_stage
)


def _owners(given: SetOwnersInput) -> Registration:
    kind = asset_kind(given.asset, "asset")
    targets: dict[str, dict[str, Any]] = {}
    for index, each in enumerate(given.owners):
        check_id(each.owner, far_kinds(OWNED_BY.out(), kind), "owners", str(index), "owner")
        known = targets.setdefault(each.owner, {"kinds": []})
        known["kinds"] = sorted({*known["kinds"], each.ownership.name})
    edges = EdgesOf(OWNED_BY.out(), f"{kind}.owners", _bounded(targets, "owners"))
    return _change(given, ChangeAction.OWNERS_SET, WriteAction.UPDATE, edges)


def _tags(given: SetTagsInput) -> Registration:
    kind = asset_kind(given.asset, "asset")
    lists = {name: list(getattr(given, name) or ()) for name in ("add", "remove", "block")}
    for name, urns in lists.items():
        for index, urn in enumerate(urns):
            check_id(urn, ("Tag",), name, str(index))
    every = [urn for urns in lists.values() for urn in dict.fromkeys(urns)]
    if len(set(every)) < len(every):
        raise InputError("A tag stands in two of the lists; give it in one.", "remove")
    modes = dict.fromkeys(lists["add"], TagMode.DIRECT) | dict.fromkeys(lists["block"], TagMode.BLOCKED)
    targets = {urn: {"mode": mode.name} for urn, mode in modes.items()}
    edges = EdgesOf(TAGGED.out(), f"{kind}.tags", _bounded(targets, "add"), adds=True, removes=tuple(lists["remove"]))
    return _change(given, ChangeAction.TAGGED, WriteAction.TAG, edges)


def _stage(given: SetStageInput) -> Registration:
    kind = asset_kind(given.asset, "asset")
    reason = checked_reason(given.reason)
    edges: tuple[EdgesOf, ...] = ()
    if given.replaced_by is not strawberry.UNSET:
        hop: Hop = REPLACED_BY.out()
        targets: Iterable[str] = [] if given.replaced_by is None else [given.replaced_by]
        for urn in targets:
            check_id(urn, far_kinds(hop, kind), "replacedBy")
            if urn == given.asset:
                raise InputError(f"{urn} cannot take its own place; name another.", "replacedBy")
        edges = (EdgesOf(hop, f"{kind}.replacedBy", {urn: {} for urn in targets}),)
    values = {"stage": given.stage.name}
    return _change(given, ChangeAction.STAGE_SET, WriteAction.UPDATE, *edges, values=values, reason=reason)


def _change(
    given: Any,
    action: ChangeAction,
    right: WriteAction,
    *edges: EdgesOf,
    values: dict[str, Any] | None = None,
    reason: str | None = None,
) -> Registration:
    return Registration(
        given.asset,
        values or {},
        edges,
        expected_revision=given.expected_revision,
        action=action,
        right=right.value,
        at="asset",
        reason=reason,
    )


def _bounded(targets: dict[str, Any], name: str) -> dict[str, Any]:
    if len(targets) > MOST_REFERENCES:
        raise InputError(f"`{name}` holds {len(targets)} ids; use at most {MOST_REFERENCES}.", name)
    return targets
