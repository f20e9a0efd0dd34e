"""The state of a change plan, from the decisions of teams."""

from collections.abc import Collection
from enum import Enum
from typing import Final

import strawberry

from graphql_schema.catalog.enums import PlanDecision, value

AGREEING: Final = frozenset({PlanDecision.AGREED.name, PlanDecision.NOT_CONCERNED.name})
"""Names of the decisions with which a plan is READY."""


@strawberry.enum(description="The state of a change plan, as far as its impact is visible to the viewer.")
class ChangePlanState(Enum):
    """The states of a change plan."""

    OPEN = value("OPEN", description="Acknowledgements of teams are missing, or the impact is not completely known.")
    READY = value(
        "READY", description="Every concerned team agreed or is not concerned, and the impact is completely known."
    )
    OBJECTED = value("OBJECTED", description="The newest decision of a team is OBJECTED.")
    OVERDUE = value("OVERDUE", description="The plan is open, and its deadline has passed.")
    CLOSED = value("CLOSED", description="The change was made or withdrawn.")


def plan_state(
    *, closed: bool, missing: Collection[str], decisions: Collection[str], complete: bool, overdue: bool
) -> ChangePlanState:
    """Return the state of a change plan.

    ``missing`` are the concerned teams without a decision, ``decisions`` the names of the newest decisions. The flag
    ``complete`` states that the impact is completely known, ``overdue`` that the deadline has passed.
    """
    if closed:
        return ChangePlanState.CLOSED
    if PlanDecision.OBJECTED.name in decisions:
        return ChangePlanState.OBJECTED
    if complete and not missing and AGREEING.issuperset(decisions):
        return ChangePlanState.READY
    return ChangePlanState.OVERDUE if overdue else ChangePlanState.OPEN
