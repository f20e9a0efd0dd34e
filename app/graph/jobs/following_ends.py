"""The outbox entry that follows one which waited for edges to end."""

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, awaiting, new_entry_id
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.edge_ends import next_end


async def following(
    client: GremlinClient, outbox: Outbox, entry: OutboxEntry, after: int, now: int
) -> list[OutboxEntry]:
    """Return a list of the entry for the next end after ``after``, empty if no edge ends or ``entry`` awaited none.

    ``after`` is the earliest instant of which the work on ``entry`` has read, in epoch milliseconds: edges that ended
    during the work may have counted. ``now`` is the present instant.
    """
    if entry.awaits is None:
        return []
    vid, parent = entry.awaits
    due = await next_end(client, vid, after)
    if due is None:
        return []
    order = outbox.order(entry.order)
    new = OutboxEntry(new_entry_id(), entry.tenant, order, due, tag=entry.tag, raised_by=entry.raised_by)
    return outbox.later(awaiting(new, vid, parent or None), now)
