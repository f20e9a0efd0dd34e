"""What each caller has of a transaction in which several callers write, by tenant and subject; jobs are left out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from app.graph.commits.turns import long_writers
from app.graph.records.native.write_cost import COST_A_SECOND, ORDINARY_COST
from app.graph.writing.group_plan import BatchPlan, GroupPlan


def is_ordinary(plan: GroupPlan) -> bool:
    """Return whether a transaction reads little, and its items take no longer than as many ordinary ones.

    The first two are what the store reads and encodes, the others what it writes and what it took to plan.
    """
    state, planned = plan.state, sum(each.seconds for each in plan.batches)
    is_large = max(large_seconds(plan.batches).values(), default=0.0) > long_writers.LARGE_SECONDS
    return not (state.is_long or state.has_long_texts or is_large or planned > long_writers.LONG_SECONDS)


def shares(plans: Iterable[BatchPlan]) -> Mapping[tuple[str, str], float]:
    """Return for which part of the transaction each caller is the cause, from 0 to 1.

    A batch counts by the seconds that the store needs to write it, and those that it took to plan.
    """
    seconds = [(each.batch, each.cost / COST_A_SECOND + each.seconds) for each in plans]
    total = sum(of_batch for _, of_batch in seconds) or 1
    found = defaultdict[tuple[str, str], float](float)
    for batch, of_batch in seconds:
        if not batch.of_job:
            found[batch.tenant, batch.caller] += of_batch / total
    return found


def large_seconds(plans: Iterable[BatchPlan]) -> Mapping[tuple[str, str], float]:
    """Return for how many seconds the items of each caller take the store beyond as many ordinary ones."""
    found = defaultdict[tuple[str, str], float](float)
    for each in plans:
        if not each.batch.of_job:
            beyond = max(0, each.cost - ORDINARY_COST * len(each.outcomes))
            found[each.batch.tenant, each.batch.caller] += beyond / COST_A_SECOND
    return found
