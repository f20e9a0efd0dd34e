"""Outbox entries of a batch for propagating tags, worked off by :mod:`app.graph.jobs.tag_job`.

A batch leaves an entry for each propagating tag that it affects, and one for each asset where its edges end later.
Records list their tags, and :class:`~app.graph.commits.propagating_tags.PropagatingTags` caches which tags propagate:
the store is read only for tags that are not cached, and around deleted or restored assets.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry, awaiting, new_entry_id
from app.graph.commits.propagating_tags import PropagatingTags
from app.graph.propagation.sources import Sources, is_group
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.edge_record import EdgeKey
from app.graph.records.tag_edge import declared_part
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Record

_TAG: Final = KINDS["Tag"].code


async def tag_entries(
    diff: BatchDiff, flows: StoredFlows, outbox: Outbox, propagating: PropagatingTags
) -> list[OutboxEntry]:
    """Return the entries to write with a batch.

    There is one for each affected tag that propagates, for each stored tag whose ``propagates`` changed, and for each
    asset where edges end later.
    """
    batch, author = diff.batch, diff.author
    affected = _AffectedTags(diff)
    await run_in_turn(affected.add_changed_edges, diff.is_long)
    await affected.add_deleted(flows)
    changed = [vid for vid in diff.vertices if batch.vertices[vid]["kind"] == _TAG]
    propagating.forget(changed)
    known = {vid for vid in affected.by_tag if vid in batch.vertices}
    tags = {vid for vid in known if batch.vertices[vid]["propagates"]}
    tags |= await propagating.among(flows.client, affected.by_tag.keys() - known)
    switched = {
        vid for vid in changed if _propagates(batch.vertex_before(vid)) not in {None, _propagates(batch.vertices[vid])}
    }
    entries = [
        OutboxEntry(
            new_entry_id(),
            author.tenant,
            outbox.order(author.now),
            frontier=dict.fromkeys(affected.by_tag[tag][0]),
            expand=dict.fromkeys(affected.by_tag[tag][1]),
            tag=tag,
            holders=tag in switched,
            raised_by=author.principal,
        )
        for tag in sorted(tags | switched)
    ]
    return [*entries, *affected.later_entries(outbox)]


def _propagates(tag: Record | None) -> bool | None:
    return None if tag is None else bool(tag["propagates"])


class _AffectedTags:
    """Tags that a batch affects.

    ``by_tag`` maps the vertex id of a tag to two collections of vertex ids, as keys: those to recompute for the tag,
    and those whose targets are recomputed too.
    """

    def __init__(self, diff: BatchDiff) -> None:
        self.by_tag: dict[int, tuple[dict[int, None], dict[int, None]]] = defaultdict(lambda: ({}, {}))
        self._diff = diff
        self._batch = diff.batch
        self._author = diff.author

    def add_changed_edges(self) -> None:
        """Add the tags of new and changed edges."""
        self.add_assigned()
        self.add_moved()

    def add_assigned(self) -> None:
        """Add tags assigned, removed, blocked or unblocked, with the asset to recompute and expand."""
        for key in self._diff.edges:
            relation, vid, tag = key
            if relation == TAGGED.name and self._declared_before(key) != declared_part(self._batch.edge(key)):
                self._add([tag], recompute=[vid], expand=[vid])

    def add_moved(self) -> None:
        """Add tags of assets whose data begins or ceases to flow elsewhere."""
        children, of_sources = self._diff.counting_children.of, dict[int, set[int]]()
        for key in self._diff.opened:
            pair = self._diff.child_and_parent(key)
            if pair is None:
                source = key[1]
                if source not in of_sources:  # thousands of edges may start from a parent of thousands of children
                    of_sources[source] = self._tags(source, *children.get(source, ()))
                self._add(of_sources[source], recompute=[key[2]])
            else:
                self._add(self._tags(pair[1]), recompute=[pair[0]])
                self._add(self._tags(pair[0]), expand=[pair[0]])
        for key in self._diff.closed:
            target, parent = self._diff.affected(key)
            self._add(self._tags(target), recompute=[target], expand=[] if parent is None else [parent])

    async def add_deleted(self, flows: StoredFlows) -> None:
        """Add tags of assets that were deleted or restored, of their sources and of their children."""
        vids = [vid for vid in self._diff.vertices if self._batch.existed(vid) and self._deletion_changed(vid)]
        if not vids:
            return
        for around in (await flows.sources(vids), await flows.children(vids)):
            self._diff.counting_children.records |= around.records
            await run_in_turn(self._add_around, self._diff.is_long, vids, around)

    def _add_around(self, vids: Iterable[int], around: Sources) -> None:
        """Add the tags of some vertices, and of those to which ``around`` maps them."""
        of_groups = {group: self._tags(*members) for group, members in around.of.items() if is_group(group)}
        for vid in vids:
            sources = around.of.get(vid, set())
            tags = self._tags(vid, *(sources - of_groups.keys()))
            self._add(tags.union(*map(of_groups.__getitem__, filter(is_group, sources))), recompute=[vid], expand=[vid])

    def later_entries(self, outbox: Outbox) -> Iterator[OutboxEntry]:
        """Yield entries that are due when an edge ends, for all tags that the affected assets carry at that instant."""
        for affected, due in self._diff.first_ends():
            author = self._author
            order, who = outbox.order(author.now), author.principal
            entry = OutboxEntry(new_entry_id(), author.tenant, order, due, tag=ANY_TAG, raised_by=who)
            yield from outbox.later(awaiting(entry, *affected), author.now)

    def _add(self, tags: Iterable[int], recompute: Iterable[int] = (), expand: Iterable[int] = ()) -> None:
        for tag in tags:
            frontier, expanded = self.by_tag[tag]
            frontier |= dict.fromkeys(recompute)
            expanded |= dict.fromkeys(expand)

    def _tags(self, *vids: int) -> set[int]:
        """Return the vertex ids of the tags that vertices carry."""
        records = [self._batch.vertex(vid) or self._diff.counting_children.records[vid] for vid in vids]
        return {self._author.vid(urn) for urn in {urn for record in records for urn in record["index"]["tags"]}}

    def _declared_before(self, key: EdgeKey) -> Record | None:
        return declared_part(self._batch.edge_before(key))

    def _deletion_changed(self, vid: int) -> bool:
        before, after = self._batch.vertex_before(vid), self._batch.vertices[vid]
        return before is not None and before.get("deletedAt") != after.get("deletedAt")
