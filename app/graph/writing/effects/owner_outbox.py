"""Outbox entry of a batch for owner teams, worked off by :mod:`app.graph.jobs.owner_job`.

It names the parents that have another owner team, with this team, whose children are too many for the transaction.
Nothing is read for it, and it does not depend on what the caller may see.
"""

from collections.abc import Iterator

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.records.vertex_record import kind_of
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.relations import CHILD_HOPS


def owner_entries(diff: BatchDiff, outbox: Outbox) -> list[OutboxEntry]:
    """Return a list of the one entry to write with a batch; it is empty if the children of all parents are staged."""
    given = {vid: str(diff.batch.vertices[vid]["ownerTeam"]) for vid in _parents_of_many(diff)}
    if not given:
        return []
    author = diff.author
    order, parents, who = outbox.order(author.now), dict.fromkeys(given), author.principal
    return [
        OutboxEntry(new_entry_id(), author.tenant, order, frontier=parents, raised_by=who, owners=True, given=given)
    ]


def _parents_of_many(diff: BatchDiff) -> Iterator[int]:
    """Yield the changed parents of many children whose owner team differs from the one before the batch."""
    batch = diff.batch
    for vid in diff.vertices:
        before, after = batch.vertex_before(vid), batch.vertices[vid]
        hop = CHILD_HOPS.get(kind_of(after))
        if before is None or hop is None or before["ownerTeam"] == after["ownerTeam"]:
            continue
        if (hop.direction, hop.relation.name, vid) in batch.coverage.many_children:
            yield vid
