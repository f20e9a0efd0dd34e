"""Which outbox entries for all tags are divided by tag together.

These are the ones that one caller leaves for deleted and restored assets. Otherwise the job would read the same sources
for each of them, and a caller with hundreds of entries would have hundreds of turns. Any other entry for all tags is
divided alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from app.graph.commits.outbox_entry import Caller, OutboxEntry

MAX_JOINED: Final = 1_000
"""Number of deleted and restored assets from which on no further entry joins those before it."""

DivisionKey = Caller | int
"""The caller for all entries that are divided together, the vertex id for an entry that is divided alone."""


def joined_entries(entries: Iterable[OutboxEntry]) -> dict[DivisionKey, list[OutboxEntry]]:
    """Return the entries for all tags that are divided together; those that are too many for a division are left out.

    The first entry of each caller is never left out.
    """
    found = defaultdict[DivisionKey, list[OutboxEntry]](list)
    counts = defaultdict[DivisionKey, int](int)
    for entry in entries:
        key = entry.caller if entry.around else entry.x
        if counts[key] < MAX_JOINED:
            found[key].append(entry)
            counts[key] += len(entry.frontier)
    return found
