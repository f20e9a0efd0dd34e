"""Approvals: decisions about assets for gates, each recorded beside the asset and never changed."""

from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import ApprovalDecision
from graphql_schema.catalog.urn import make_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.node import Node
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
"""The kinds that are decided about."""


async def _decided_by(root: Parent, info: Info) -> Any:
    try:
        return await info.context.reader.node(make_urn("user", "catalog", "", root.record["decidedBy"]))
    except InvalidError:
        return None  # a subject that no id can be made of has no user here


def _subject_of_token(root: Parent) -> Any:
    return root.record["decidedBy"]


async def _subject(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root.record["subjects"][0])


@strawberry.type(description="A decision about an asset for a gate. The newest one of a gate counts.")
class Approval(Node):
    """A decision about an asset for a gate."""

    gate: str = stored_field("The gate that it is for, such as `release`.")
    decision: ApprovalDecision = stored_field("What was decided.")
    reason: str | None = stored_field("Why.")
    decided_by: UserRef | None = strawberry.field(
        description="Who decided, where the user is registered under the token's subject.", resolver=_decided_by
    )
    decided_by_subject: str = strawberry.field(
        description="The subject of the token that decided.", resolver=_subject_of_token
    )
    decided_at: Instant = stored_field("When.")
    expires_at: Instant | None = stored_field(
        "Until when an approval holds; null for as long as nothing newer is decided."
    )
    subject: AssetRef | None = strawberry.field(description="What was decided about.", resolver=_subject)


@strawberry.input(description="Records a decision about an asset for a gate.")
class ApproveInput:
    """Records a decision about an asset for a gate."""

    subject: strawberry.ID = strawberry.field(
        description="The id of the model version, deployment, dataset or dataset version."
    )
    gate: str = strawberry.field(description="The gate, such as `release`: named as an alias is.")
    decision: ApprovalDecision = strawberry.field(description="The decision; REVOKED takes an approval back.")
    reason: str | None = reason_field()
    expires_at: Instant | None = strawberry.field(description="Until when an approval is to hold.", default=None)
    idempotency_key: str | None = key_field()


@strawberry.type(description="What came of a decision.")
class ApprovePayload:
    """What came of a decision."""

    approval: ApprovalRef | None = strawberry.field(
        description="The decision as recorded.", resolver=resolve_created_record
    )
    errors: list[MutationError] = stored_field("Why it was not recorded; empty when it was.")


ApproveArg = Annotated[ApproveInput, strawberry.argument(description="The decision.")]


async def _approve(info: Info, input: ApproveArg) -> Any:
    return payload(await submit_one(info, lambda: _approving(input)))


approve = strawberry.field(
    description="Records a decision about an asset for a gate; it takes the right to approve the asset. A decision is "
    "never changed: a newer one counts instead.",
    resolver=_approve,
)


def _approving(given: ApproveInput) -> ApproveCommand:
    require_kind(given.subject, SUBJECTS, "subject")
    gate, reason = checked_name(given.gate, "gate"), checked_reason(given.reason)
    return ApproveCommand(given.subject, gate, given.decision.name, reason, given.expires_at, key_in(given))
