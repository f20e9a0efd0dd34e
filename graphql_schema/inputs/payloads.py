"""What mutations answer: what is there now, whether it changed, and what was wanted and did not happen."""

from collections.abc import Sequence
from typing import Any

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.refs import AssetRef, NodeRef
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteError, WriteOutcome

CHANGED = frozenset({Outcome.CREATED, Outcome.UPDATED})
"""The outcomes of what was written."""


@strawberry.type(description="What was wanted and did not happen: data, not a failed request.")
class MutationError:
    """What was wanted and did not happen."""

    code: MutationErrorCode = stored_field("Why, for programs.")
    message: str = stored_field("Why, for people, and what to do next.")
    input_path: list[str] = stored_field("Where in the input: field names, and indexes of lists as text.")
    current_revision: int | None = stored_field("The stored revision, where another one was expected.")


async def _stored(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root["urn"]) if root["urn"] else None


async def resolve_created_record(root: Parent, info: Info) -> Any:
    """Resolve the fact that a call recorded, as the viewer may see it."""
    return await info.context.reader.node(root["made"]) if root["made"] else None


@strawberry.type(description="What came of one item.")
class RegisterPayload:
    """What came of one item."""

    asset: NodeRef | None = strawberry.field(
        description="What is stored now, as the viewer may see it; null for a link and where nothing was stored.",
        resolver=_stored,
    )
    outcome: Outcome = stored_field("What came of it.")
    changed: bool = stored_field("Whether anything was written, or would be where it is a dry run.")
    revision: int | None = stored_field("The revision after the call.")
    errors: list[MutationError] = stored_field("Why it was not written; empty when it was.")


@strawberry.type(description="What came of a change of an asset.")
class UpdatePayload:
    """What came of a change of an asset."""

    asset: AssetRef | None = strawberry.field(
        description="The asset as it is now, as the viewer may see it.", resolver=_stored
    )
    changed: bool = stored_field("Whether anything was written.")
    errors: list[MutationError] = stored_field("Why it was not written; empty when it was.")


def payload(result: WriteOutcome, *key: str, urn: str | None = None) -> dict[str, Any]:
    """The source of a payload; ``key`` leads to the item within the input, ``urn`` is shown where there is no other."""
    return {
        "urn": result.urn or urn,
        "made": result.created_record,
        "gate": result.gate,
        "outcome": result.outcome.name,
        "changed": result.outcome in CHANGED,
        "revision": result.revision,
        "errors": errors(result.errors, *key),
    }


def errors(refusals: Sequence[WriteError], *key: str) -> list[dict[str, Any]]:
    """The sources of the errors of an item."""
    return [
        {
            "code": refusal.code.name,
            "message": refusal.message,
            "inputPath": [*key, *refusal.path],
            "currentRevision": refusal.current_revision,
        }
        for refusal in refusals
    ]


def _errors() -> Any:
    return strawberry.field(description="Why nothing was written; empty when it was.")
