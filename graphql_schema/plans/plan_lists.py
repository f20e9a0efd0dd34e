"""The list of all change plans."""

from typing import Annotated

import strawberry

from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, SchemaField
from graphql_schema.plans.plan_state import ChangePlanState
from graphql_schema.ports.conditions import ALWAYS, Condition, In

ClosedArg = Annotated[
    bool | None, strawberry.argument(description="Only closed plans if true, only others if false; all if absent.")
]

OPEN_PLANS = In("state", (ChangePlanState.OPEN.name,))
"""Met by the plans that are not closed; the other states are computed for each viewer."""


def _closed_or_not(closed: bool | None) -> Condition:  # noqa: FBT001 - the value of the argument
    if closed is None:
        return ALWAYS
    return In("state", (ChangePlanState.CLOSED.name,)) if closed else OPEN_PLANS


async def _every(info: Info, closed: ClosedArg = None, first: First = 20, after: After = None) -> Resolved:
    where = _closed_or_not(closed)
    page, binding = page_request_of(info, first, after, where)
    return ConnectionSource(await info.context.reader.attached_records("ChangePlan", where, page), page, binding)


all_change_plans: SchemaField = strawberry.field(
    description="All plans of changes of assets whose `changePlans` the viewer may see, the newest first.",
    resolver=_every,
)
