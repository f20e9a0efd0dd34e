"""How much the plan of a transaction may read, by its batches."""

from collections.abc import Sequence

from app.graph.commits.reads.read_limits import DivisibleLimits, FewLimits, ReadLimits, SharedLimits
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
    return SharedLimits(sum(batch.item_count + batch.edge_count for batch in batches))
