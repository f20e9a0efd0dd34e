"""Records of merged datasets: each points at the dataset that its id leads to, and counts as deleted.

The pointer is the first key of the record, and its vertex id the first value. So a statement of the store finds it at
the beginning of the text, without parsing the record, and reads the other dataset in the same request.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from graphql_schema.ports.record import Record

MERGED_INTO: Final = "mergedInto"
"""Record key of the pointer: ``vertex``, the vertex id of the other dataset, and ``id``, its URN at the merge."""

MERGE_DEPTH: Final = "mergeDepth"
"""Record key: the number of pointers in the longest chain that ends at the dataset; absent for none."""

POINTER: Final = f'{{"{MERGED_INTO}":{{"vertex":'
"""The beginning of the text of a record with a pointer; digits and a comma follow."""


def merged(record: Record, target: int, urn: str, now: int) -> Record:
    """Return the record of a dataset that is merged at ``now`` into the vertex ``target``, which has the id ``urn``."""
    return {MERGED_INTO: {"vertex": target, "id": urn}, **record, "deletedAt": now}


def merge_depth(source: Record, target: Record) -> int:
    """Return the length of the longest chain that ends at ``target`` after ``source`` is merged into it."""
    return max(int(source.get(MERGE_DEPTH, 0)) + 1, int(target.get(MERGE_DEPTH, 0)))


def is_merged(record: Record) -> bool:
    """Return whether the record has a pointer."""
    return MERGED_INTO in record


def target_of(record: Record | None) -> int | None:
    """Return the vertex id that a record points at; None without a record or a pointer."""
    pointer = None if record is None else record.get(MERGED_INTO)
    return None if pointer is None else int(pointer["vertex"])


def last_target(vid: int, records: Mapping[int, Record]) -> int:
    """Return the vertex to which the pointers lead from ``vid``: ``vid`` itself without one.

    ``records`` has the records by vertex id; the last pointer may lead to a vertex without one.
    """
    target = target_of(records.get(vid))
    while target is not None:
        vid = target
        target = target_of(records.get(vid))
    return vid


def targets_within(vid: int, records: Mapping[int, Record]) -> Iterator[int]:
    """Yield the vertices to which the pointers lead from ``vid``, in their order; none without a pointer."""
    target = target_of(records.get(vid))
    while target is not None:
        yield target
        target = target_of(records.get(target))
