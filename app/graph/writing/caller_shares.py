"""What each caller has of a transaction in which several callers write, by tenant and subject; jobs are left out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from app.graph.commits.turns import long_writers
from app.graph.records.native.write_cost import COST_A_SECOND, ORDINARY_COST
from app.graph.writing.group_plan import BatchPlan, GroupPlan
from graphql_schema.ports.outcomes import Outcome

ORDINARY_SECONDS: Final = 0.002
"""CPU time in seconds that the plan of an item with its effects takes at most, unless it depends on much."""


_WRITTEN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED})


def charges(plan: GroupPlan, seconds: float) -> Mapping[tuple[str, str], tuple[float, float]]:
    """Return, of a transaction that took ``seconds``, those of which each caller is the cause, and its large seconds.

    A caller of ordinary items is the cause of nothing: the store was slow, or reads much for another one.
    """
    large = large_seconds(plan.batches)
    is_alone = len(large) == 1 and not any(each.batch.of_job for each in plan.batches)
    reads_much = is_alone and (plan.state.is_long or plan.state.has_long_texts)
    return {
        caller: (share * seconds if reads_much or large[caller] > long_writers.LARGE_SECONDS else 0.0, large[caller])
        for caller, share in shares(plan.batches).items()
    }


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
    """Return for how many seconds the items of each caller take store and planner beyond as many ordinary ones.

    What was refused, or is dry, costs the store nothing here, but was planned under the write lock.
    """
    found = defaultdict[tuple[str, str], float](float)
    for each in plans:
        if not each.batch.of_job:
            items = sum(outcome.outcome in _WRITTEN for outcome in each.outcomes)
            written = max(0, each.cost - ORDINARY_COST * items) / COST_A_SECOND
            planned = max(0.0, each.seconds - ORDINARY_SECONDS * len(each.outcomes))
            found[each.batch.tenant, each.batch.caller] += written + planned
    return found
