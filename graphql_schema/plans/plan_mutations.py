"""The mutations planChange, acknowledgeChange and closeChangePlan."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import PlanDecision, PlanOutcome
from graphql_schema.catalog.relations import MAX_PLAN_ROOTS
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.idempotency_key import key_in
from graphql_schema.inputs.input_fields import dry_run_field, key_field, optional_input, reason_field
from graphql_schema.inputs.payloads import MutationError, changed_field, errors_field, payload, resolve_created_record
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, asset_kind, check_text, checked_reason, require_kind
from graphql_schema.lineage.impact import DEPTH
from graphql_schema.plans.change_plan import ChangePlan
from graphql_schema.ports.commands import AcknowledgeChangeCommand, CloseChangePlanCommand, PlanChangeCommand
from graphql_schema.ports.lineage_query import MAX_DEPTH, SnapshotTime

MAX_TITLE = 300
MAX_DESCRIPTION = 10_000


@strawberry.input(description="A change to plan.")
class PlanChangeInput:
    """A change to plan."""

    roots: list[strawberry.ID] = strawberry.field(description=f"Ids of the assets to change, 1 to {MAX_PLAN_ROOTS}.")
    title: str = strawberry.field(description=f"The change in a few words, 1 to {MAX_TITLE} characters.")
    description: str | None = optional_input(f"The change in detail, up to {MAX_DESCRIPTION} characters.")
    deadline: Instant | None = optional_input("The instant until which acknowledgements are expected, in the future.")
    max_depth: int | None = optional_input(
        f"Number of levels downstream that the impact has, 1 to {MAX_DEPTH}; default: {DEPTH}."
    )
    idempotency_key: str | None = key_field()
    dry_run: bool | None = dry_run_field()


@strawberry.input(description="The decision of a team about a change plan.")
class AcknowledgeChangeInput:
    """The decision of a team about a change plan."""

    plan: strawberry.ID = strawberry.field(description="Id of the plan.")
    team: strawberry.ID = strawberry.field(description="Id of a team of the token, for which the caller decides.")
    decision: PlanDecision = strawberry.field(description="The decision; it replaces an earlier one of the team.")
    reason: str | None = optional_input(
        "The reason, visible to readers of the plan, up to 4,000 characters; needed with OBJECTED."
    )
    dry_run: bool | None = dry_run_field()


@strawberry.input(description="A change plan to close.")
class CloseChangePlanInput:
    """A change plan to close."""

    plan: strawberry.ID = strawberry.field(description="Id of the plan.")
    outcome: PlanOutcome = strawberry.field(description="How the plan ended.")
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


@strawberry.type(description="Result of a mutation of a change plan.")
class ChangePlanPayload:
    """Result of a mutation of a change plan."""

    plan: ChangePlan | None = strawberry.field(
        description="The plan as stored now; null if the call was rejected, or if it is not stored or not visible to "
        "you.",
        resolver=resolve_created_record,
    )
    changed: bool = changed_field()
    errors: list[MutationError] = errors_field()


PlanArg = Annotated[PlanChangeInput, strawberry.argument(description="The change to plan.")]
DecisionArg = Annotated[AcknowledgeChangeInput, strawberry.argument(description="The decision.")]
CloseArg = Annotated[CloseChangePlanInput, strawberry.argument(description="The plan to close.")]


async def _plan(info: Info, input: PlanArg) -> Resolved:
    snapshot = info.context.reader.pin
    return payload(await submit_one(info, lambda given: _planning(given, snapshot), input, dry_run=input.dry_run))


async def _acknowledge(info: Info, input: DecisionArg) -> Resolved:
    return payload(await submit_one(info, _acknowledging, input, dry_run=input.dry_run))


async def _close(info: Info, input: CloseArg) -> Resolved:
    return payload(await submit_one(info, _closing, input, dry_run=input.dry_run))


plan_change: ChangePlanPayload = strawberry.field(
    description="Announces a change of assets to the teams that it concerns; requires the right to update each asset.",
    resolver=_plan,
)
acknowledge_change: ChangePlanPayload = strawberry.field(
    description="Records the decision of a team about a change plan, visible to every reader of the plan. Requires "
    "that the caller is a person whose token has the team.",
    resolver=_acknowledge,
)
close_change_plan: ChangePlanPayload = strawberry.field(
    description="Closes a change plan; requires the right to update each of its roots.", resolver=_close
)


def _planning(given: PlanChangeInput, snapshot: SnapshotTime) -> PlanChangeCommand:
    """Return the command that plans a change; raise InputError if the input is invalid."""
    if not 1 <= len(given.roots) <= MAX_PLAN_ROOTS:
        raise InputError(f"`roots` has {len(given.roots)} entries; give 1 to {MAX_PLAN_ROOTS}.", "roots")
    for index, urn in enumerate(given.roots):
        asset_kind(urn, "roots", str(index))
    check_text(given.title, MAX_TITLE, "title")
    check_text(given.description, MAX_DESCRIPTION, "description")
    depth = DEPTH if given.max_depth is None else given.max_depth
    if not 1 <= depth <= MAX_DEPTH:
        raise InputError(f"`maxDepth` is {depth}; give 1 to {MAX_DEPTH}.", "maxDepth")
    return PlanChangeCommand(
        tuple(dict.fromkeys(given.roots)),
        given.title,
        (snapshot.valid, snapshot.recorded),
        depth,
        given.description,
        given.deadline,
        key_in(given),
    )


def _acknowledging(given: AcknowledgeChangeInput) -> AcknowledgeChangeCommand:
    """Return the command that records a decision; raise InputError if the input is invalid."""
    require_kind(given.plan, ("ChangePlan",), "plan")
    require_kind(given.team, ("Team",), "team")
    reason = checked_reason(given.reason)
    if given.decision is PlanDecision.OBJECTED and not (reason or "").strip():
        raise InputError("An objection needs a `reason`, so that the author of the plan can act on it.", "reason")
    return AcknowledgeChangeCommand(given.plan, given.team, given.decision.name, reason)


def _closing(given: CloseChangePlanInput) -> CloseChangePlanCommand:
    """Return the command that closes a plan; raise InputError if the input is invalid."""
    require_kind(given.plan, ("ChangePlan",), "plan")
    return CloseChangePlanCommand(given.plan, given.outcome.name, checked_reason(given.reason))
