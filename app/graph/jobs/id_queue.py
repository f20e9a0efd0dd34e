"""Queues of vertex ids from which jobs take batches: ordered, each id once."""

from itertools import islice

IdQueue = dict[int, None]
"""Vertex ids in order of insertion."""


def take_first(ids: IdQueue, size: int) -> list[int]:
    """Remove and return the first ``size`` ids, or all if there are fewer."""
    found = list(islice(ids, size))
    for vid in found:
        del ids[vid]
    return found
