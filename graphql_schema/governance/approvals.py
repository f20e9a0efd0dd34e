"""Approvals: decisions about assets under approval names, attached to the asset."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import ApprovalDecision, References
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.node import Node, resolve_subject
from graphql_schema.fields.refs import ApprovalRef, AssetRef, UserRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.aliases import checked_name
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import (
    dry_run_field,
    key_field,
    named_references_field,
    reason_field,
    revision_field,
)
from graphql_schema.inputs.payloads import MutationError, changed_field, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import checked_reason, require_kind
from graphql_schema.ports.commands import ApproveCommand

SUBJECTS = ("ModelVersion", "Deployment", "Dataset", "DatasetVersion")
"""The kinds of assets that a decision may be about."""


async def _decided_by(root: Parent, info: Info) -> Resolved:
    user = root.record.get("decidedByUser")
    return None if user is None else await info.context.reader.node(user)


def _subject_of_token(root: Parent) -> Resolved:
    return root.record["decidedBy"]


@strawberry.type(
    description="A decision about an asset under an approval name, such as `release`. Gates list the names that they "
    "need. The newest decision under a name counts, until it expires or is void."
)
class Approval(Node):
    """A decision about an asset under an approval name."""

    gate: str = stored_field("The approval name that a gate lists, such as `release`; not the id of a gate.")
    decision: ApprovalDecision = stored_field("The decision.")
    reason: str | None = stored_field("The reason that the approver gave; null without one.")
    decided_by: UserRef | None = strawberry.field(
        description="The user who decided; null if the catalog has no such user.",
        resolver=_decided_by,
    )
    decided_by_subject: str = strawberry.field(
        description="The caller who decided, in the form of `Change.actor`.", resolver=_subject_of_token
    )
    decided_at: Instant = stored_field("The instant of the decision.")
    expires_at: Instant | None = stored_field("The instant at which the decision expires; null if it does not expire.")
    digest: str | None = stored_field(
        "The digest of the content at the decision: `digest` of a model version or `contentDigest` of a dataset "
        "version; null for other assets, without a digest, and in decisions older than this field."
    )
    voided_at: Instant | None = stored_field(
        "The instant at which a change of the content or of the owner team voided the decision. A void approval counts "
        "no longer, and a void rejection was about other content or for another owner. Null if it is not void."
    )
    subject: AssetRef | None = strawberry.field(
        description="The asset that the decision is about.", resolver=resolve_subject
    )


@strawberry.input(
    description="A decision about an asset under an approval name, such as `release`. Gates list the names that they "
    "need. The newest decision under a name counts, until it expires or is void."
)
class ApproveInput:
    """A decision about an asset under an approval name."""

    subject: strawberry.ID = strawberry.field(
        description="The id of the model version, deployment, dataset or dataset version."
    )
    gate: str = strawberry.field(
        description="The approval name that a gate lists, such as `release`; not the id of a gate. Up to 64 letters, "
        "digits, dots, dashes and underscores."
    )
    decision: ApprovalDecision = strawberry.field(description="The decision; REVOKED ends an approval.")
    reason: str | None = reason_field()
    expires_at: Instant | None = strawberry.field(
        description="The instant at which the decision expires, in the future; default: it does not expire.",
        default=None,
    )
    expected_revision: int | None = revision_field()
    references: References | None = named_references_field("a gate must need an approval of this name")
    idempotency_key: str | None = key_field()
    dry_run: bool | None = dry_run_field()


@strawberry.type(description="The result of recording a decision.")
class ApprovePayload:
    """The result of recording a decision."""

    approval: ApprovalRef | None = strawberry.field(
        description="The decision as recorded; null if it was not recorded or is not visible to you.",
        resolver=resolve_created_record,
    )
    changed: bool = changed_field()
    errors: list[MutationError] = stored_field("The errors; empty unless the call was rejected.")


ApproveArg = Annotated[ApproveInput, strawberry.argument(description="The decision.")]


async def _approve(info: Info, input: ApproveArg) -> Resolved:
    return payload(await submit_one(info, _approve_command, input, dry_run=input.dry_run))


approve = strawberry.field(
    description="Records a decision about an asset under an approval name, such as `release`. Gates list the names "
    "that they need. The newest decision under a name counts, until it expires or is void. Needs the right to approve "
    "the asset. A caller who made or requested the asset cannot approve it, nor a deployment of an own version. "
    "A decision that equals the newest one, of the same caller, changes nothing. A caller can decide 100 times about "
    "one content of an asset, and still revoke.",
    resolver=_approve,
)


def _approve_command(given: ApproveInput) -> ApproveCommand:
    require_kind(given.subject, SUBJECTS, "subject")
    gate, reason = checked_name(given.gate, "gate"), checked_reason(given.reason)
    return ApproveCommand(
        given.subject,
        gate,
        given.decision.name,
        reason,
        given.expires_at,
        key_in(given),
        given.expected_revision,
        given.references is References.EXISTING,
    )
