"""Tags assigned to an asset, and the mutation setTags."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import ChangeAction, TagMode
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Parents, Resolved, stored_field
from graphql_schema.fields.refs import AssetRef, TagRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.input_fields import dry_run_field, reason_field, revision_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.updates import require_bounded, update_command
from graphql_schema.inputs.values import InputError, asset_kind, checked_reason, require_kind
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, related
from graphql_schema.ports.row import MaskedRecord, PageItem
from policies.vocabulary import WriteAction


async def _via(root: Parent, info: Info) -> Resolved:
    """Return the asset that a propagated tag arrived from, None for other modes or if the tags of the asset are hidden.

    None also for a tag that has ended by now, such as one read with `asOf`: its record has no source any longer.
    """
    via = root.record.get("via") if root.record.get("mode") == TagMode.PROPAGATED.name else None
    row = None if via is None else await info.context.reader.node(via)
    return row if row is not None and row.reads("tags") else None


@strawberry.type(description="A tag on an asset, and how the asset got it: set directly, propagated or blocked.")
class TagAssignment:
    """A tag on an asset, and how the asset got it: set directly, propagated or blocked."""

    tag: TagRef = stored_field("The tag.")
    mode: TagMode = stored_field("Whether the tag was set directly, propagated or blocked.")
    via: AssetRef | None = strawberry.field(
        description="The asset that a propagated tag arrived from, such as a neighbour upstream or the parent. Null "
        "for other modes, if the `tags` of that asset are hidden, or if the tag has ended by now and is read with "
        "`asOf`.",
        resolver=_via,
    )
    since: Instant | None = stored_field("The instant since when the tag is on the asset, in whatever mode.")


TAGS = related(TAGGED.out())


async def resolve_tags(roots: Parents, info: Info) -> list[Resolved]:
    """Return the tag assignments of assets, also those that block a tag."""
    found, budget = await info.context.reader.related_to_all(roots, TAGS, ALL), info.context.budget
    budget.foresee_items(sum([len(each.items) async for each in budget.in_turns(found)]))
    return [[_assignment(item) for item in each.items] async for each in budget.in_turns(found)]


def _assignment(item: PageItem) -> MaskedRecord:
    return item.edge_as("TagAssignment", tag=item.row, since=(item.edge or {}).get("validFrom"))


@strawberry.input(description="Adds, removes or blocks tags of an asset.")
class SetTagsInput:
    """Adds, removes or blocks tags of an asset."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    add: list[strawberry.ID] | None = strawberry.field(
        description="Ids of tags to set on the asset; a tag that was blocked is then set instead.", default=None
    )
    remove: list[strawberry.ID] | None = strawberry.field(
        description="Ids of tags that are no longer set or blocked; one that still propagates to the asset remains.",
        default=None,
    )
    block: list[strawberry.ID] | None = strawberry.field(
        description="Ids of tags to block: the asset loses them, and they do not propagate to it or through it.",
        default=None,
    )
    expected_revision: int | None = revision_field()
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


TagsArg = Annotated[SetTagsInput, strawberry.argument(description="The asset, and the tags to add, remove and block.")]


async def _set_tags(info: Info, input: TagsArg) -> Resolved:
    return payload(await submit_one(info, _tags_command, input, dry_run=input.dry_run), urn=input.asset)


set_tags = strawberry.field(
    description="Adds, removes and blocks tags of an asset. A tag with `propagates` follows the data to other assets, "
    "soon after the call.",
    resolver=_set_tags,
)


def _tags_command(given: SetTagsInput) -> RegisterCommand:
    kind, reason = asset_kind(given.asset, "asset"), checked_reason(given.reason)
    lists = {name: list(getattr(given, name) or ()) for name in ("add", "remove", "block")}
    for name, urns in lists.items():
        for index, urn in enumerate(urns):
            require_kind(urn, ("Tag",), name, str(index))
    _require_in_one_list(lists)
    named, places = dict[str, JsonObject](), dict[str, tuple[str, ...]]()
    for name, urns in lists.items():
        named |= {urn: {} for urn in urns}
        places |= {urn: (name, str(index)) for index, urn in enumerate(urns)}
        require_bounded(named, name)
    modes = dict.fromkeys(lists["add"], TagMode.DIRECT) | dict.fromkeys(lists["block"], TagMode.BLOCKED)
    targets = {urn: {"mode": mode.name} for urn, mode in modes.items()}
    removes = tuple(lists["remove"])
    edges = DeclaredEdges(TAGGED.out(), f"{kind}.tags", targets, adds=True, removes=removes, places=places)
    return update_command(given, ChangeAction.TAGGED, WriteAction.TAG, edges, reason=reason)


def _require_in_one_list(lists: Mapping[str, Sequence[str]]) -> None:
    """Raise InputError with the first tag that is in two lists, at its place in the later list."""
    found = dict[str, str]()
    for name, urns in lists.items():
        for index, urn in enumerate(urns):
            if found.setdefault(urn, name) != name:
                raise InputError(f"{urn} is in `{found[urn]}` and in `{name}`; keep it in one.", name, str(index))
