"""What each caller has of a transaction in which several callers write, by tenant and subject; jobs are left out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from app.graph.commits.reads.read_limits import ELEMENTS_A_SECOND
from app.graph.commits.turns import long_writers
from app.graph.commits.writer_contention import CONTENDED_TIME_SHARE
from app.graph.records.native.write_cost import COST_A_SECOND, MAX_COST, ORDINARY_COST
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.group_plan import GroupPlan, GroupPlanner
from app.graph.writing.plan_time import PLAN_SECONDS
from graphql_schema.ports.outcomes import Outcome

ORDINARY_SECONDS: Final = 0.002
"""Seconds that the plan of an item with its effects takes at most, unless it depends on much, and so what it reads."""

ORDINARY_ELEMENTS: Final = 2
"""Number of records and edges that an item reads ordinarily for itself, and for each asset that it names."""

SLOWEST: Final = 3
"""How many times as long as by estimate a transaction may take because of its items, and not of the store."""

SHARE_SECONDS: Final = (MAX_COST / COST_A_SECOND + PLAN_SECONDS) / CONTENDED_TIME_SHARE
"""Seconds that a call may take store and planner in one transaction while others write: 0.08, some 40 registrations."""

_WRITTEN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED})


class Charge(NamedTuple):
    """What counts of a transaction for one of its callers; all are seconds.

    The caller was the cause of ``seconds``. By estimate, its items take ``large`` beyond as many ordinary ones, and its
    atomic batches ``undivided`` beyond the share that each other call has while others write.
    """

    seconds: float = 0.0
    large: float = 0.0
    undivided: float = 0.0


def charges(plan: GroupPlan, seconds: float) -> Mapping[tuple[str, str], Charge]:
    """Return, of a transaction that took ``seconds``, what counts for each caller.

    A caller of ordinary items is the cause of nothing: the store was slow, or works for another one. One of large items
    is the cause of at most SLOWEST times as much as they should take.
    """
    large, estimates = large_seconds(plan), _estimates(plan)
    undivided = undivided_seconds(estimates)
    total = sum(seconds for _, seconds in estimates) or 1
    found = {}
    for caller, estimate in _of_callers(estimates).items():
        counted = min(estimate / total * seconds, SLOWEST * estimate)
        is_cause = large[caller] > long_writers.LARGE_SECONDS
        found[caller] = Charge(counted if is_cause else 0.0, large[caller], undivided[caller])
    return found


def charges_of_failed(planner: GroupPlanner, seconds: float) -> Mapping[tuple[str, str], Charge]:
    """Return the same of a transaction whose plan failed after ``seconds``; nothing if several callers share it.

    Which of them has read much is not known then. Their batches are divided afterwards, down to one caller.
    """
    caller = only_caller(planner.batches)
    if caller is None:
        return {}
    ordinary = ORDINARY_SECONDS * sum(batch.item_count for batch in planner.batches)
    taken = (planner.read_seconds, planner.plan_seconds)
    large = sum(max(0.0, each - ordinary) for each in taken)
    counted = min(seconds, SLOWEST * sum(taken)) if large > long_writers.LARGE_SECONDS else 0.0
    undivided = sum(taken) - SHARE_SECONDS if any(_is_undivided(each) for each in planner.batches) else 0.0
    return {caller: Charge(counted, large, max(0.0, undivided))}


def only_caller(batches: Sequence[CallBatch]) -> tuple[str, str] | None:
    """Return the tenant and the subject of the caller of all batches; None if there are several, or for jobs."""
    callers = {(batch.tenant, batch.caller) for batch in batches}
    return callers.pop() if len(callers) == 1 and not any(batch.of_job for batch in batches) else None


def writers(plan: GroupPlan) -> Mapping[tuple[str, str], bool]:
    """Return the callers whose batches a transaction writes, each with whether they may have to wait after it.

    They do after large items, and after what could not be divided.
    """
    large, undivided = large_seconds(plan), undivided_seconds(_estimates(plan))
    written = ((each.batch.tenant, each.batch.caller) for each in plan.batches if each.writes and not each.batch.of_job)
    return {caller: large[caller] > long_writers.LARGE_SECONDS or undivided[caller] > 0 for caller in written}


def undivided_seconds(estimates: Iterable[tuple[CallBatch, float]]) -> Mapping[tuple[str, str], float]:
    """Return for how many seconds the atomic batches of each caller take store and planner beyond SHARE_SECONDS each.

    ``estimates`` has the seconds of each batch.
    """
    return _of_callers((batch, max(0.0, each - SHARE_SECONDS)) for batch, each in estimates if _is_undivided(batch))


def _is_undivided(batch: CallBatch) -> bool:
    """Return whether a batch has several items, which only one transaction may have; one item may be large."""
    return batch.atomic and batch.item_count > 1


def _estimates(plan: GroupPlan) -> list[tuple[CallBatch, float]]:
    """Return for how many seconds each batch of a transaction should take store and planner.

    These are what the store needs to read for it and to write it, and what it took to plan.
    """
    read = _read_seconds(plan)
    return [
        (each.batch, each.cost / COST_A_SECOND + each.seconds + own)
        for each, own in zip(plan.batches, read, strict=True)
    ]


def _of_callers(estimates: Iterable[tuple[CallBatch, float]]) -> Mapping[tuple[str, str], float]:
    found = defaultdict[tuple[str, str], float](float)
    for batch, seconds in estimates:
        if not batch.of_job:
            found[batch.tenant, batch.caller] += seconds
    return found


def large_seconds(plan: GroupPlan) -> Mapping[tuple[str, str], float]:
    """Return for how many seconds the items of each caller take store and planner beyond as many ordinary ones.

    What was refused, or is dry, costs the store no writing, but was read and planned under the write lock.
    """
    found = defaultdict[tuple[str, str], float](float)
    for each, read in zip(plan.batches, _read_seconds(plan), strict=True):
        if not each.batch.of_job:
            items = sum(outcome.outcome in _WRITTEN for outcome in each.outcomes)
            written = max(0, each.cost - ORDINARY_COST * items) / COST_A_SECOND
            ordinary = ORDINARY_SECONDS * len(each.outcomes)
            planned = max(0.0, each.seconds - ordinary) + max(0.0, read - ordinary)
            found[each.batch.tenant, each.batch.caller] += written + planned
    return found


def _read_seconds(plan: GroupPlan) -> list[float]:
    """Return the part of each batch in what was read, by the number of its items, and of what they refer to.

    If several callers share the transaction, that is at most what items read ordinarily: the others may have read more.
    """
    batches = [each.batch for each in plan.batches]
    sizes = [batch.item_count + batch.edge_count for batch in batches]
    maximum = inf if only_caller(batches) else ORDINARY_ELEMENTS / ELEMENTS_A_SECOND
    return [min(plan.read_seconds / (sum(sizes) or 1), maximum) * size for size in sizes]
