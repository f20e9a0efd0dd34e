"""The audit as the viewer may see it: changes and their fields, and the mutation revertChange."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import AssetKind, ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CHANGED
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.filter_fields import below, listing_condition, not_below, one_of
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, ChangeRef
from graphql_schema.fields.scalars import Cursor, Instant
from graphql_schema.governance.change_redaction import is_visible_entry, named_ids, redacted_entry
from graphql_schema.inputs.input_fields import dry_run_field, reason_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import checked_reason, require_kind
from graphql_schema.ports.commands import RevertCommand
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.relation_query import newest_first
from graphql_schema.ports.row import Row
from graphql_schema.rules.change_stamp import is_made_by, made_at

HISTORY = newest_first(CHANGED.into("Change"))
"""The changes of one asset, the newest first."""


@strawberry.type(description="The change of one field.")
class FieldChange:
    """The change of one field."""

    field: str = stored_field(
        "The name of the changed value: mostly that of a field or input field of the schema; for an edge that no field "
        "shows, that of its relation."
    )
    alias: str | None = stored_field("The name of the alias that changed; null for every other field.")
    before: str | None = stored_field(
        "The value before: a text as it is, an instant in RFC 3339, other values as JSON without hidden parts; null if "
        "there was none or it is hidden."
    )
    after: str | None = stored_field("The value after, in the form of `before`; null if there is none or it is hidden.")


async def _subject(root: Parent, info: Info) -> Resolved:
    urn = root.record["subject"]
    return await info.context.reader.node(urn) if KINDS[parse_urn(urn).kind].asset else None


def _subject_id(root: Parent) -> Resolved:
    return root.record["subject"]


def _at(root: Parent) -> Resolved:
    return made_at(root.record)


async def _reverts(root: Parent, info: Info) -> Resolved:
    urn = root.record.get("reverts")
    return await info.context.reader.node(urn) if urn else None


async def _fields(root: Parent, info: Info) -> Resolved:
    """Return the field changes that the caller may see now, computed once for all aliases of the field."""
    return await info.context.once(("changed fields", root.urn), lambda: _visible_fields(root, info))


async def _visible_fields(root: Parent, info: Info) -> Resolved:
    """Return the field changes that the caller may see now; the others are left out without a trace."""
    reader, entries = info.context.reader, root.record["fields"]
    viewer = info.context.principal.author
    author = viewer if is_made_by(root.record, viewer) else None
    subject: Row | None = await reader.node(root.record["subject"])
    budget, named = info.context.budget, dict[str, None]()
    async for entry in budget.in_turns(entries):
        named.update(dict.fromkeys(named_ids(entry)))
    known = {urn: row for urn, row in zip(named, await reader.nodes([*named]), strict=True) if row is not None}
    return [
        redacted_entry(entry, subject, known, author)
        async for entry in budget.in_turns(entries)
        if subject is not None and is_visible_entry(entry, subject, known, author)
    ]


def commit_log_cursor(context: Context) -> CursorCodec:
    """Return the codec of positions among all changes, which are valid with any filter."""
    return CursorCodec(context, "Change.cursor")


def _cursor(root: Parent, info: Info) -> Resolved:
    return commit_log_cursor(info.context).seal((root.record["createdAt"], root.urn))


@strawberry.type(description="One change of one asset, team, user, domain or tag.")
class Change(Node):
    """One change of one record."""

    action: ChangeAction = stored_field("The kind of change.")
    subject: AssetRef | None = strawberry.field(
        description="The asset that changed, as it is now; null for a team, user, domain or tag.", resolver=_subject
    )
    subject_id: strawberry.ID = strawberry.field(
        description="The id of the changed asset, team, user, domain or tag.", resolver=_subject_id
    )
    fields: list[FieldChange] | None = strawberry.field(
        description="The changed fields, with one entry for each changed edge. Entries that are hidden from you now "
        "are left out. Of an edge to a hidden asset or a stub, a change of your own shows at most relation and id.",
        resolver=_fields,
    )
    actor: str | None = stored_field(
        "The caller who made the change: the `subject_prefix` of the issuer, then the subject of the token."
    )
    at: Instant = strawberry.field(description="The instant of the change.", resolver=_at)
    reason: str | None = stored_field("The reason that the caller gave; null without one.")
    request_id: str | None = stored_field("The id of the request that made the change, as in the logs.")
    reverts: ChangeRef | None = strawberry.field(
        description="The change that this one reverted; null if this one is no revert, or if the other is hidden.",
        resolver=_reverts,
    )
    cursor: Cursor = strawberry.field(
        description="The position among all changes; pass it to `subscription changes` to continue after it.",
        resolver=_cursor,
    )


@strawberry.input(description="A condition on changes; every given field must match. An empty list matches no change.")
class ChangeFilter:
    """A condition on changes; every given field must match."""

    subjects: list[strawberry.ID] | None = one_of(
        "subject", "The id of the changed asset, team, user, domain or tag is one of these."
    )
    kinds: list[AssetKind] | None = one_of("subjectKind", "The changed asset is of one of these kinds.")
    actors: list[str] | None = one_of(
        "actor",
        "The caller who made the change is one of these, each in the form of `Change.actor`.",
    )
    actions: list[ChangeAction] | None = one_of("action", "The action is one of these.")
    since: Instant | None = not_below("createdAt", "The change was made at this instant or later.")
    until: Instant | None = below("createdAt", "The change was made before this instant.")


def change_condition(where: ChangeFilter | None) -> Condition:
    """Return the condition of a filter; raises InvalidError if it has too many values or one that is too long."""
    return listing_condition(where)


ChangeFilterArg = Annotated[
    ChangeFilter | None, strawberry.argument(description="Conditions on the changes; default: all changes.")
]


async def changes(info: Info, filter: ChangeFilterArg = None, first: First = 20, after: After = None) -> Resolved:
    """Return a page of the changes that meet the filter and that the viewer may see, newest first."""
    where = change_condition(filter)
    page, binding = page_request_of(info, first, after, where)
    return ConnectionSource(await info.context.reader.attached_records("Change", where, page), page, binding)


def changes_field() -> SchemaField:
    """Return the root field that lists changes."""
    return strawberry.field(description="The changes that the viewer may see, newest first.", resolver=changes)


@strawberry.input(description="Reverts one change.")
class RevertChangeInput:
    """Reverts one change."""

    change: strawberry.ID = strawberry.field(description="The id of the change, from `history` or `changes`.")
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


RevertArg = Annotated[RevertChangeInput, strawberry.argument(description="The change.")]


async def _revert(info: Info, input: RevertArg) -> Resolved:
    return payload(await submit_one(info, _revert_command, input, dry_run=input.dry_run))


revert_change = strawberry.field(
    description="Restores the fields and edges that one change changed, except those hidden from you and those that "
    "follow from others, such as `ownerTeam`, and records this as a new change. Reverting the first registration of an "
    "asset deletes the asset, whatever changed since. Any other revert is a CONFLICT if what it would restore changed "
    "again since. Some changes cannot be reverted, such as decisions, incidents, and the digest of a version.",
    resolver=_revert,
)


def _revert_command(given: RevertChangeInput) -> RevertCommand:
    require_kind(given.change, ("Change",), "change")
    return RevertCommand(given.change, checked_reason(given.reason))
