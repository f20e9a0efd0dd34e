"""What it takes the store to write records, edges and outbox entries, as characters that the index analyses.

All writers wait meanwhile.
"""

from typing import Final, NamedTuple

from app.graph.records.native.vertex_values import has_new_sets, sets_of_asset
from app.graph.records.record_text import size_of
from app.graph.records.vertex_record import is_attached
from graphql_schema.ports.record import Record
from graphql_schema.rules.index_terms import estimated_name_words, has_new_names, indexed_length

COST_A_SECOND: Final = 3_000_000
"""Cost of what the store writes in about a second."""

MAX_COST: Final = COST_A_SECOND // 2
"""Cost after which a transaction gets no further items."""

JOB_COST: Final = COST_A_SECOND * 3 // 20
"""Cost after which a step of a job gets no further records, 0.15 s: it is charged to no caller.

Others have a transaction between two steps, and wait for each.
"""

MAX_WRITE_COST: Final = 2 * MAX_COST
"""What any transaction may cost, about a second, also that of a single item."""

MAX_RESTORE_COST: Final = 4 * MAX_WRITE_COST
"""What the restoration of one asset may cost: that of all that a transaction of an earlier release has deleted.

What is deleted cannot be made smaller before, and is bounded when it is deleted.
"""

RECORD_COST: Final = 1_000
"""What counts for each record that is written, that of a change too, beside its bytes and the texts of an asset."""

COST_OF_BYTES: Final = 6
"""Number of bytes of a record that count as one."""

EDGE_COST: Final = 200
"""What counts for each edge that is written."""

ENTRY_COST: Final = 500
"""What counts for each outbox entry that is written or deleted, beside the bytes of a new one."""

ORDINARY_COST: Final = 5_000
"""What most items cost at most: a registration with its entry in the history, a description and ten edges."""

MEMBER_COST: Final = 100
"""What counts for a member of a set that is added or removed, such as a word of a name."""


class WriteSize(NamedTuple):
    """The size of what is to be written: ``cost`` is what it takes the store, ``size`` the bytes of its records."""

    cost: int
    size: int


NOTHING: Final = WriteSize(0, 0)
"""What it takes to write nothing."""


def written(record: Record, before: Record | None, size: int | None = None) -> WriteSize:
    """Return what it takes to write a record, and the bytes of its JSON text, which are ``size`` if that is known.

    ``before`` is the stored record, None if it is new. Of an asset, the index analyses all texts again. If a name
    differs, all words of both names count.
    """
    size = size_of(record) if size is None else size
    cost = RECORD_COST + size // COST_OF_BYTES
    if not is_attached(record):
        cost += indexed_length(record) + MEMBER_COST * _changed_members(record, before)
    return WriteSize(cost, size)


def written_edge(record: Record) -> WriteSize:
    """Return what it takes to write an edge, and the bytes of its record."""
    return WriteSize(EDGE_COST, size_of(record))


def written_entry(size: int, replaced: int) -> WriteSize:
    """Return what it takes to write an outbox entry of ``size`` bytes, and to delete the ``replaced`` ones."""
    return WriteSize(ENTRY_COST * (1 + replaced) + size // COST_OF_BYTES, size)


def rewrite_size(record: Record) -> int:
    """Return the bytes of a stored record, or what it costs to write it anew if that is more."""
    return max(written(record, record))


def _changed_members(record: Record, before: Record | None) -> int:
    """Return how many members of the sets of an asset are added or removed; a mark changes none."""
    if record is before:
        return 0
    changed = 0
    if before is None or has_new_sets(record, before):
        sets, stored = sets_of_asset(record, before), {} if before is None else sets_of_asset(before, record)
        changed = sum(len({*members} ^ {*stored.get(name, ())}) for name, members in sets.items())
    if has_new_names(record, before):
        changed += estimated_name_words(record) + (0 if before is None else estimated_name_words(before))
    return changed
