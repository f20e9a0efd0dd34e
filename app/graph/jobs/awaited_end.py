"""The search for the next end that an outbox entry awaits, over several steps of a job.

An asset may have 100,000 edges, which are read page by page. An end that a writer declares between two pages needs an
entry of its own. In the process that runs the jobs, writers leave one from the begin of the work on
(:meth:`app.graph.commits.outbox.Outbox.begin`). Those of other processes do so once the store has the entry as begun.
As long as it has not, all edges are read in the step that deletes the entry. Only if these are too many for a step, the
next one stores the begin, and searches anew: few entries take a further transaction.

A writer who planned before that, and comes after it, loses its turn, and plans again with the entry as begun
(:mod:`app.graph.commits.write_log`).
"""

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.stored_ends import NextEnd


async def search_of_step(
    client: GremlinClient, outbox: Outbox, entry: OutboxEntry, before: NextEnd | None, since: int
) -> NextEnd:
    """Return the search for the first end after ``since`` to advance in a step, for an entry that awaits ends.

    ``before`` is that of the step before, None in the first one. It is continued if all that was written meanwhile
    has left entries. Otherwise a new search begins; if the one before had too many edges, the begin is stored first.
    """
    if client.write_order is not None and not entry.begun:
        if before is not None and before.pages.has_begun and not before.pages.is_read:
            await outbox.store_begin(client, entry)
        before = None
    if before is not None:
        return before
    vid, _ = entry.awaits or (0, 0)
    return NextEnd(vid, since)
