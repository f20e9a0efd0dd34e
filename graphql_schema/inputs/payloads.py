"""Payloads of mutations: the stored asset or record, whether it changed, and the errors."""

from collections.abc import Sequence

import strawberry

from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef, NodeRef
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteError, WriteOutcome
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.row import Row
from policies.errors import InvalidError

CHANGED = frozenset({Outcome.CREATED, Outcome.UPDATED})
"""Outcomes of items that were written, or in a dry run would have been."""


@strawberry.type(description="An error of one item: data in the payload, not a failed request.")
class MutationError:
    """An error of one item."""

    code: MutationErrorCode = stored_field("The code, for programs.")
    message: str = stored_field("What is wrong and what to do, for people.")
    input_path: list[str] = stored_field(
        "The place in the input, of `registerAssets` within the item: field names, and list indexes as text."
    )
    suggestions: list[str] = stored_field(
        "For an UNKNOWN_REFERENCE: up to three similar ids or names that the caller may see, the most similar first. "
        "Empty for other codes, and for unknown ids after the first ten of a call."
    )
    current_revision: int | None = stored_field(
        "The stored revision of the asset on a CONFLICT, if it is known and visible to the caller; otherwise null."
    )


def placeholders_field() -> SchemaField:
    """Return the field of the placeholders of an item: the ids that it refers to and the caller did not see before."""
    return stored_field(
        "Ids that the item refers to, and that before the call did not exist or were not visible to the caller. A stub "
        "is created for each that does not exist; check the spelling. Usually empty. Of several items of a call, only "
        "the first one lists an id."
    )


async def _stored(root: Parent, info: Info) -> Resolved:
    return await info.context.reader.node(root["urn"]) if root["urn"] else None


async def _stored_asset(root: Parent, info: Info) -> Resolved:
    """Return the row of an asset; None if it is absent or hidden, or is a tag, team, user or domain.

    The change of one of these may be reverted as well.
    """
    row: Row | None = await _stored(root, info)
    return row if row is not None and row.kind in ASSETS else None


async def resolve_created_record(root: Parent, info: Info) -> Resolved:
    """Return the attached record that a call created or changed; None without one, or if the viewer may not see it."""
    return await info.context.reader.node(root["made"]) if root["made"] else None


def changed_field() -> SchemaField:
    """Return the field of a payload that states whether the call wrote anything."""
    return stored_field(
        "Whether anything was written, or would be without `dryRun`; for a repeated idempotency key as at first."
    )


@strawberry.type(description="The result of one item.")
class RegisterPayload:
    """The result of one item."""

    asset: NodeRef | None = strawberry.field(
        description="The stored asset, team, user, domain or tag as the viewer may see it; null for a link, for a "
        "rejected item, or if none is stored or visible.",
        resolver=_stored,
    )
    outcome: Outcome = stored_field("The outcome; with `dryRun` the one that the call would have without `dryRun`.")
    changed: bool = changed_field()
    revision: int | None = stored_field(
        "The revision of the asset after the item, or that of the end that a link changes; null if the item was "
        "rejected. With `dryRun` the one that the asset would have."
    )
    voided_approvals: list[str] = stored_field(
        "The names of the approvals that the change voided: by other content of the asset, or because the "
        "owner team of it or of its versions changed. Usually empty."
    )
    placeholders: list[strawberry.ID] = placeholders_field()
    errors: list[MutationError] = stored_field("The errors; empty unless the item was rejected.")


@strawberry.type(description="The result of an update of an asset.")
class UpdatePayload:
    """The result of an update of an asset."""

    asset: AssetRef | None = strawberry.field(
        description="The stored asset as the viewer may see it. Null if it does not exist or is not visible, for a "
        "tag, team, user or domain, and for a rejected `revertChange`.",
        resolver=_stored_asset,
    )
    changed: bool = changed_field()
    voided_approvals: list[str] = stored_field(
        "The names of the approvals that the change voided: by other content of the asset, or because the "
        "owner team of it or of its versions changed. Usually empty."
    )
    placeholders: list[strawberry.ID] = placeholders_field()
    errors: list[MutationError] = stored_field("The errors; empty unless the update was rejected.")


def payload(result: WriteOutcome, *key: str, urn: str | None = None) -> JsonObject:
    """Return the source of a payload.

    ``key`` is the path of the item in the input, ``urn`` the asset if ``result`` names none.
    """
    return {
        "urn": result.urn or _valid(urn),
        "made": result.created_record,
        "gate": result.gate,
        "farEndKnown": result.far_end_known,
        "changedEndKnown": result.changed_end_known,
        "outcome": result.outcome.name,
        "changed": result.outcome in CHANGED,
        "revision": result.revision,
        "voidedApprovals": list(result.voided_approvals),
        "placeholders": [*result.placeholders],
        "errors": errors(result.errors, *key),
    }


def _valid(urn: str | None) -> str | None:
    """Return a URN of an input, None if it is malformed: the call was rejected, and there is no asset to read."""
    try:
        parse_urn(urn or "")
    except InvalidError:
        return None
    return urn


def errors(refusals: Sequence[WriteError], *key: str) -> list[JsonObject]:
    """Return the sources of the errors of an item; ``key`` is the path of the item in the input."""
    return [
        {
            "code": refusal.code.name,
            "message": refusal.message,
            "inputPath": [*key, *refusal.path],
            "suggestions": [*refusal.suggestions],
            "currentRevision": refusal.current_revision,
        }
        for refusal in refusals
    ]


def errors_field() -> SchemaField:
    """Return the field of the errors of a payload."""
    return strawberry.field(description="The errors; empty unless the call was rejected.")
