"""The audit as it is read: changes, and what each did to a field, as far as the field may be seen now."""

from collections.abc import Iterator
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import AssetKind, ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.filter_fields import below, condition_of, filter_field, one_of, refuse_oversized
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, ChangeRef
from graphql_schema.fields.scalars import Cursor, Instant
from graphql_schema.governance.change_redaction import _ids, _shown, _told
from graphql_schema.inputs.input_fields import reason_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import checked_reason, require_kind
from graphql_schema.ports.commands import RevertCommand
from graphql_schema.ports.conditions import ALWAYS, Below, Condition, In, Negated
from graphql_schema.ports.row import Row


@strawberry.type(description="What a change did to one field.")
class FieldChange:
    """What a change did to one field."""

    field: str = stored_field("The field, as the schema names it.")
    before: str | None = stored_field(
        "What it was: a text as it is, anything else as JSON. Null where there was nothing."
    )
    after: str | None = stored_field("What it became.")


async def _subject(root: Parent, info: Info) -> Any:
    urn = root.record["subject"]
    return await info.context.reader.node(urn) if KINDS[parse_urn(urn).kind].asset else None


def _subject_id(root: Parent) -> Any:
    return root.record["subject"]


def _at(root: Parent) -> Any:
    return root.record["createdAt"]


async def _reverts(root: Parent, info: Info) -> Any:
    urn = root.record.get("reverts")
    return await info.context.reader.node(urn) if urn else None


async def _fields(root: Parent, info: Info) -> Any:
    """The field changes as the caller may see the fields now: what is hidden is left out without a note.

    Which fields there were a change of is as hidden as their values.
    """
    reader, entries = info.context.reader, root.record["fields"]
    subject: Row | None = await reader.node(root.record["subject"])
    named = list(dict.fromkeys(urn for entry in entries for urn in _ids(entry)))
    known = {row.urn: row for row in await reader.nodes(named) if row is not None}
    return [_shown(entry, subject, known) for entry in entries if subject is not None and _told(entry, subject, known)]


def commit_log_cursor(context: Context) -> CursorCodec:
    """What seals and opens the places of changes among all changes, whatever the filter."""
    return CursorCodec(context, "Change.cursor")


def _cursor(root: Parent, info: Info) -> Any:
    return commit_log_cursor(info.context).seal((root.record["createdAt"], root.urn))


@strawberry.type(description="One change of one asset, team, user, domain or tag.")
class Change(Node):
    """One change of one thing."""

    action: ChangeAction = stored_field("What kind of change it was.")
    subject: AssetRef | None = strawberry.field(
        description="The asset that changed, as it is now; null for a team, user, domain or tag.", resolver=_subject
    )
    subject_id: strawberry.ID = strawberry.field(description="The id of what changed.", resolver=_subject_id)
    fields: list[FieldChange] | None = strawberry.field(
        description="What it did, field by field; an edge is one by itself. What is hidden from you now is left out.",
        resolver=_fields,
    )
    actor: str | None = stored_field("The subject of the token that did it.")
    at: Instant = strawberry.field(description="When.", resolver=_at)
    reason: str | None = stored_field("Why, where the caller said so.")
    request_id: str | None = stored_field("The request that did it: the key to the logs.")
    reverts: ChangeRef | None = strawberry.field(description="The change that this one undid.", resolver=_reverts)
    cursor: Cursor = strawberry.field(
        description="Where it stands among all changes: pass it to `subscription changes` to go on after it.",
        resolver=_cursor,
    )


def _since(instant: Instant) -> Iterator[Condition]:
    yield Negated(Below("createdAt", instant))


@strawberry.input(description="A condition on changes; every given field must match.")
class ChangeFilter:
    """A condition on changes."""

    subjects: list[strawberry.ID] | None = one_of("subject", "The id of what changed is one of these.")
    kinds: list[AssetKind] | None = one_of("subjectKind", "The changed asset is of one of these kinds.")
    actors: list[str] | None = one_of("actor", "The subject of the token that made the change is one of these.")
    actions: list[ChangeAction] | None = one_of("action", "The action is one of these.")
    since: Instant | None = filter_field("The change was made at this instant or later.", _since)
    until: Instant | None = below("createdAt", "The change was made before this instant.")


def change_condition(where: ChangeFilter | None) -> Condition:
    """Return the condition of a filter; raises InvalidError if the filter is oversized."""
    if where is None:
        return ALWAYS
    condition = condition_of(where)
    refuse_oversized(*(each for each in condition.conditions if isinstance(each, In)))
    return condition


ChangeFilterArg = Annotated[ChangeFilter | None, strawberry.argument(description="The changes; all when absent.")]


async def changes(info: Info, filter: ChangeFilterArg = None, first: First = 20, after: After = None) -> Any:
    """A page of all changes that the viewer may see, the newest first."""
    where = change_condition(filter)
    page, binding = page_request_of(info, first, after, where)
    return ConnectionSource(await info.context.reader.attached_records("Change", where, page), page, binding)


def changes_field() -> Any:
    """The field of the root that lists changes."""
    return strawberry.field(description="Every change that the viewer may see, the newest first.", resolver=changes)


@strawberry.input(description="Undoes one change.")
class RevertChangeInput:
    """Undoes one change."""

    change: strawberry.ID = strawberry.field(description="The id of the change, from `history` or `changes`.")
    reason: str | None = reason_field()


RevertArg = Annotated[RevertChangeInput, strawberry.argument(description="The change.")]


async def _revert(info: Info, input: RevertArg) -> Any:
    return payload(await submit_one(info, lambda: _reverting(input)))


revert_change = strawberry.field(
    description="Undoes one change, which is a change itself. Refused with CONFLICT where the same fields have "
    "changed again since.",
    resolver=_revert,
)


def _reverting(given: RevertChangeInput) -> RevertCommand:
    require_kind(given.change, ("Change",), "change")
    return RevertCommand(given.change, checked_reason(given.reason))
