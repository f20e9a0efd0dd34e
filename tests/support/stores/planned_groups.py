"""Plans of a transaction over a store in memory, and what its calls get."""

from typing import Any

from support.stores.memory_store import Callers, names

from app.graph.writing.call_batch import CallBatch
from app.graph.writing.group_plan import GroupPlan, GroupPlanner
from app.graph.writing.unit.read_set import ReadSet


async def planned(callers: Callers, *batches: CallBatch) -> GroupPlan:
    """Plan batches as one transaction."""
    client: Any = callers.store
    return await GroupPlanner(client, callers.coordinator, batches, ReadSet()).plan()


def outcomes(plan: GroupPlan) -> list[list[str]]:
    """Return the names of the outcomes of each batch."""
    return [names(each.outcomes) for each in plan.batches]
