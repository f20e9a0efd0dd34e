"""Outbox entries of a batch for propagating tags, worked off by :mod:`app.graph.jobs.tag_job`.

A batch leaves an entry for each propagating tag that it affects, and one for each asset where its edges end later. It
leaves one for all assets that it deletes or restores. Records list their tags, and
:class:`~app.graph.commits.propagating_tags.PropagatingTags` caches which tags propagate: the store is read only for
tags that are not cached.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Final

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry, awaiting, new_entry_id
from app.graph.commits.propagating_tags import PropagatingTags
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.sources import group_of
from app.graph.records.edge_record import EdgeKey
from app.graph.records.tag_edge import declared_part
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Record

_TAG: Final = KINDS["Tag"].code

MANY_TAGS: Final = 5_000
"""Number of tags of affected assets above which they are looked through in the side thread; that many take 10 ms."""

Frontier = tuple[dict[int, None], dict[int, None]]
"""Two collections of vertex ids, as keys: those to recompute for a tag, and those whose targets are recomputed too."""


async def tag_entries(
    diff: BatchDiff, client: GremlinClient, outbox: Outbox, propagating: PropagatingTags
) -> list[OutboxEntry]:
    """Return the entries to write with a batch.

    There is one for each affected tag that propagates, for each stored tag whose ``propagates`` changed, for each asset
    where edges end later, and for the deleted and restored assets.
    """
    batch, author = diff.batch, diff.author
    affected = _AffectedTags(diff)
    await run_in_turn(affected.add_changed_edges, diff.is_long)
    changed = [vid for vid in diff.vertices if batch.vertices[vid]["kind"] == _TAG]
    propagating.forget(changed)
    is_long = diff.is_long or affected.tag_count > MANY_TAGS
    tags, unknown = await run_in_turn(affected.known_and_unknown, is_long)
    tags |= await propagating.among(client, unknown)
    switched = {
        vid for vid in changed if _propagates(batch.vertex_before(vid)) not in {None, _propagates(batch.vertices[vid])}
    }
    frontiers = await run_in_turn(affected.frontiers, is_long, tags | switched)
    entries = [
        OutboxEntry(
            new_entry_id(),
            author.tenant,
            outbox.order(author.now),
            frontier=frontier,
            expand=expand,
            tag=tag,
            holders=tag in switched,
            raised_by=author.principal,
        )
        for tag, (frontier, expand) in sorted(frontiers.items())
    ]
    return [*entries, *affected.later_entries(outbox), *affected.entries_of_deleted(outbox)]


def _propagates(tag: Record | None) -> bool | None:
    return None if tag is None else bool(tag["propagates"])


class _AffectedTags:
    """Tags that a batch affects.

    Tags may be thousands, and so may the edges of their assets. What is affected is therefore collected by carrier,
    which is a vertex or a group, and :meth:`frontiers` makes it of the few tags that propagate.
    """

    def __init__(self, diff: BatchDiff) -> None:
        self._assigned: dict[int, Frontier] = defaultdict(_nothing)  # by vertex id of the tag
        self._moved: dict[int, Frontier] = defaultdict(_nothing)  # by carrier
        self._carried: dict[int, list[list[str]]] = {}  # URNs of the tags of each member of a carrier
        self._vids: dict[str, int] = {}
        self._diff = diff
        self._batch = diff.batch
        self._author = diff.author

    @property
    def tag_count(self) -> int:
        """The number of tags of all carriers, those that several carry each time."""
        return sum(len(urns) for lists in self._carried.values() for urns in lists)

    def known_and_unknown(self) -> tuple[set[int], list[int]]:
        """Return the affected tags that propagate by the batch, and those that the batch does not have."""
        for urns in chain.from_iterable(self._carried.values()):
            self._vids |= {urn: self._author.vid(urn) for urn in urns if urn not in self._vids}
        tags, known = [*self._assigned, *self._vids.values()], self._batch.vertices
        propagating = {vid for vid in tags if vid in known and known[vid]["propagates"]}
        return propagating, [vid for vid in tags if vid not in known]

    def frontiers(self, tags: Collection[int]) -> dict[int, Frontier]:
        """Return what to recompute for each of these tags, after :meth:`known_and_unknown`."""
        found = {tag: self._assigned.get(tag, _nothing()) for tag in tags}
        of_urns = {urn: found[vid] for urn, vid in self._vids.items() if vid in found}
        for carrier, moved in self._moved.items():
            for urn in {urn for urns in self._carried[carrier] for urn in urns if urn in of_urns}:
                _add(of_urns[urn], *moved)
        return found

    def add_changed_edges(self) -> None:
        """Add the tags of new and changed edges."""
        self.add_assigned()
        self.add_moved()

    def add_assigned(self) -> None:
        """Add tags assigned, removed, blocked or unblocked, with the asset to recompute and expand."""
        for key in self._diff.edges:
            relation, vid, tag = key
            if relation == TAGGED.name and self._declared_before(key) != declared_part(self._batch.edge(key)):
                _add(self._assigned[tag], recompute=[vid], expand=[vid])

    def add_moved(self) -> None:
        """Add tags of assets whose data begins or ceases to flow elsewhere."""
        for key in self._diff.opened:
            pair = self._diff.child_and_parent(key)
            if pair is None:
                _add(self._moved[self._with_children(key[1])], recompute=[key[2]])
            else:
                child, parent = pair
                _add(self._moved[self._vertex(parent)], recompute=[child])
                _add(self._moved[self._vertex(child)], expand=[child])
        for key in self._diff.closed:
            target, ended = self._diff.affected(key)
            _add(self._moved[self._vertex(target)], recompute=[target], expand=[] if ended is None else [ended])

    def later_entries(self, outbox: Outbox) -> Iterator[OutboxEntry]:
        """Yield entries that are due when an edge ends, for all tags that the affected assets carry at that instant."""
        for affected, due in self._diff.first_ends():
            author = self._author
            order, who = outbox.order(author.now), author.principal
            entry = OutboxEntry(new_entry_id(), author.tenant, order, due, tag=ANY_TAG, raised_by=who)
            yield from outbox.later(awaiting(entry, *affected), author.now)

    def entries_of_deleted(self, outbox: Outbox) -> Iterator[OutboxEntry]:
        """Yield an entry for all tags around the assets that were deleted or restored, if there are any.

        Its job reads their sources and children, which may be very many: all writers would wait while a batch does so.
        """
        vids = [vid for vid in self._diff.vertices if self._batch.existed(vid) and self._deletion_changed(vid)]
        if vids:
            author = self._author
            yield OutboxEntry(
                new_entry_id(),
                author.tenant,
                outbox.order(author.now),
                frontier=dict.fromkeys(vids),
                tag=ANY_TAG,
                raised_by=author.principal,
                around=True,
            )

    def _vertex(self, vid: int) -> int:
        """Return a vertex as a carrier."""
        if vid not in self._carried:
            self._carried[vid] = self._tags([vid])
        return vid

    def _with_children(self, vid: int) -> int:
        """Return a vertex with the children for which its edges count as a carrier: the group, or itself."""
        children = self._diff.counting_children.of.get(vid)
        if not children:
            return self._vertex(vid)
        group = group_of(vid)
        if group not in self._carried:  # thousands of edges may start from a parent of thousands of children
            self._carried[group] = self._tags([vid, *children])
        return group

    def _tags(self, vids: Iterable[int]) -> list[list[str]]:
        """Return the URNs of the tags of each of the vertices that carries any."""
        records = (self._batch.vertex(vid) or self._diff.counting_children.records[vid] for vid in vids)
        return [record["index"]["tags"] for record in records if record["index"]["tags"]]

    def _declared_before(self, key: EdgeKey) -> Record | None:
        return declared_part(self._batch.edge_before(key))

    def _deletion_changed(self, vid: int) -> bool:
        before, after = self._batch.vertex_before(vid), self._batch.vertices[vid]
        return before is not None and before.get("deletedAt") != after.get("deletedAt")


def _nothing() -> Frontier:
    return {}, {}


def _add(frontier: Frontier, recompute: Iterable[int] = (), expand: Iterable[int] = ()) -> None:
    for collected, vids in zip(frontier, (recompute, expand), strict=True):
        collected.update(dict.fromkeys(vids))
