"""Approvals: decisions about assets for gates, attached to the asset and never changed."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import ApprovalDecision
from graphql_schema.catalog.urn import make_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.node import Node, resolve_subject
from graphql_schema.fields.refs import ApprovalRef, AssetRef, UserRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.aliases import checked_name
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import key_field, reason_field
from graphql_schema.inputs.payloads import MutationError, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import checked_reason, require_kind
from graphql_schema.ports.commands import ApproveCommand
from policies.errors import InvalidError

SUBJECTS = ("ModelVersion", "Deployment", "Dataset", "DatasetVersion")
"""Kinds that decisions are about."""


async def _decided_by(root: Parent, info: Info) -> Resolved:
    try:
        return await info.context.reader.node(make_urn("user", "catalog", "", root.record["decidedBy"]))
    except InvalidError:
        return None  # no user can have this subject as its name


def _subject_of_token(root: Parent) -> Resolved:
    return root.record["decidedBy"]


@strawberry.type(description="A decision about an asset for a gate. The newest decision for a gate counts.")
class Approval(Node):
    """A decision about an asset for a gate."""

    gate: str = stored_field("The gate that it is for, such as `release`.")
    decision: ApprovalDecision = stored_field("The decision.")
    reason: str | None = stored_field("The reason.")
    decided_by: UserRef | None = strawberry.field(
        description="The user who decided, if one is registered under the subject of the token.", resolver=_decided_by
    )
    decided_by_subject: str = strawberry.field(
        description="The subject of the token that decided.", resolver=_subject_of_token
    )
    decided_at: Instant = stored_field("When it was decided.")
    expires_at: Instant | None = stored_field("Expiry of the approval; null if it is valid until the next decision.")
    subject: AssetRef | None = strawberry.field(
        description="The asset that the decision is about.", resolver=resolve_subject
    )


@strawberry.input(description="Records a decision about an asset for a gate.")
class ApproveInput:
    """Records a decision about an asset for a gate."""

    subject: strawberry.ID = strawberry.field(
        description="The id of the model version, deployment, dataset or dataset version."
    )
    gate: str = strawberry.field(description="The gate, such as `release`; the same characters as in an alias.")
    decision: ApprovalDecision = strawberry.field(description="The decision; REVOKED ends an approval.")
    reason: str | None = reason_field()
    expires_at: Instant | None = strawberry.field(description="Expiry of the approval; default: none.", default=None)
    idempotency_key: str | None = key_field()


@strawberry.type(description="The result of recording a decision.")
class ApprovePayload:
    """The result of recording a decision."""

    approval: ApprovalRef | None = strawberry.field(
        description="The decision as recorded.", resolver=resolve_created_record
    )
    errors: list[MutationError] = stored_field("The errors; empty if it was recorded.")


ApproveArg = Annotated[ApproveInput, strawberry.argument(description="The decision.")]


async def _approve(info: Info, input: ApproveArg) -> Resolved:
    return payload(await submit_one(info, lambda: _approve_command(input)))


approve = strawberry.field(
    description="Records a decision about an asset for a gate; it needs the right to approve the asset. A decision is "
    "never changed; a newer one replaces it.",
    resolver=_approve,
)


def _approve_command(given: ApproveInput) -> ApproveCommand:
    require_kind(given.subject, SUBJECTS, "subject")
    gate, reason = checked_name(given.gate, "gate"), checked_reason(given.reason)
    return ApproveCommand(given.subject, gate, given.decision.name, reason, given.expires_at, key_in(given))
