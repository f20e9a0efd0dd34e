"""How much the plan of a transaction may read, by its batches, and how much of it a batch may have."""

from collections.abc import Sequence

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.reads.read_limits import (
    ELEMENTS_A_SECOND,
    ELEMENTS_OF_NAMED,
    FEW_ELEMENTS,
    DivisibleLimits,
    FewLimits,
    ReadLimits,
    SharedLimits,
)
from app.graph.commits.writer_contention import WriterContention
from app.graph.driver.errors import CostlyWriteError
from app.graph.records.native.write_cost import JOB_COST, WriteSize, written_entry
from app.graph.writing import plan_time
from app.graph.writing.call_batch import CallBatch


def is_divisible(batches: Sequence[CallBatch]) -> bool:
    """Return whether a transaction can be divided: it has several batches, or one of several items, not atomic."""
    return len(batches) > 1 or any(batch.item_count > 1 and not batch.atomic for batch in batches)


def limits_of(batches: Sequence[CallBatch]) -> ReadLimits:
    """Return the limits of what is read for batches of one tenant under the write lock."""
    if not is_divisible(batches):
        return FewLimits()
    if len({batch.caller for batch in batches}) == 1:
        return DivisibleLimits()
    return SharedLimits(_named(batches))


def read_much(batches: Sequence[CallBatch], seconds: float) -> bool:
    """Return whether the store has read so long for batches of one caller that no other one should share their reads.

    A transaction that they share with others has SharedLimits. Half of FEW_ELEMENTS remains for these.
    """
    return seconds > (FEW_ELEMENTS / 2 + ELEMENTS_OF_NAMED * _named(batches)) / ELEMENTS_A_SECOND


def part_of(batch: CallBatch, contention: WriterContention, max_cost: int) -> tuple[int, float]:
    """Return the cost, and the seconds of the plan, after which a transaction begins no further item of a batch.

    ``max_cost`` is the cost of the transaction after which it begins none of any batch.

    While several callers write, a call has a share of what a transaction may have, so that the others wait less for it.
    Small batches of many callers need less, and are written together: so they are fast.
    """
    if batch.of_job:
        return JOB_COST, plan_time.PLAN_SECONDS
    return max_cost // contention.time_share, plan_time.PLAN_SECONDS / contention.time_share


def refuse_costly_ends(batch: CallBatch, own: WriteSize, entries: Sequence[OutboxEntry]) -> None:
    """Raise CostlyWriteError if the items of a batch declare too many ends of edges.

    That is so if ``own``, what it takes to write the items, is too much together with the entries that await the ends.
    """
    awaiting = (written_entry(each.size, len(each.replaces)).cost for each in entries if each.awaits is not None)
    if batch.item_count > 1 and own.cost + sum(awaiting) > batch.max_cost:
        raise CostlyWriteError(batch.named_cost)


def _named(batches: Sequence[CallBatch]) -> int:
    return sum(batch.item_count + batch.edge_count for batch in batches)
