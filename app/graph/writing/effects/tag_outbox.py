"""What a batch means for tags that propagate: notes for the job of :mod:`app.graph.jobs`, written with their cause.

A batch that no propagating tag has to do with leaves none: the records it touches say what they carry, and
:class:`PropagatingTags` remembers which tags pass on, so it reads nothing either.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry, new_entry_id
from app.graph.commits.propagating_tags import PropagatingTags
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.edge_record import ends
from app.graph.records.tag_edge import declared_part
from app.graph.records.vertex_record import Record
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import TAGGED

_TAG: Final = KINDS["Tag"].code


async def tag_entries(
    moved: BatchDiff, reads: StoredFlows, pending: Outbox, known: PropagatingTags
) -> list[OutboxEntry]:
    """The notes to write with a batch, of what the job has to do about tags; one for each tag."""
    state, author = moved.state, moved.author
    passing = Passing(moved)
    passing.tagged()
    passing.moved()
    await passing.deleted(reads)
    changed = [vid for vid in moved.vertices if state.vertices[vid]["kind"] == _TAG]
    known.forget(changed)
    met = {vid for vid in passing.begun if vid in state.vertices}
    wanted = {vid for vid in met if state.vertices[vid]["propagates"]}
    wanted |= await known.among(reads.client, passing.begun.keys() - met)
    switched = {vid for vid in changed if _propagates(state.was(vid)) not in {None, _propagates(state.vertices[vid])}}
    notes = [
        OutboxEntry(
            new_entry_id(),
            author.tenant,
            pending.order(author.now),
            frontier=dict.fromkeys(passing.begun[tag][0]),
            expand=tuple(passing.begun[tag][1]),
            tag=tag,
            holders=tag in switched,
        )
        for tag in sorted(wanted | switched)
    ]
    return [*notes, *passing.later(pending)]


def _propagates(tag: Record | None) -> bool | None:
    return None if tag is None else bool(tag["propagates"])


class Passing:
    """Where the tags of one batch begin to pass on, or cease to: by tag, vertices to settle and those to go beyond."""

    def __init__(self, moved: BatchDiff) -> None:
        self.begun: dict[int, tuple[dict[int, None], dict[int, None]]] = defaultdict(lambda: ({}, {}))
        self._moved = moved
        self._state = moved.state
        self._author = moved.author

    def tagged(self) -> None:
        """Tags that were put on, taken off, kept out or let in."""
        for key in self._moved.edges:
            relation, vid, tag = key
            if relation == TAGGED.name and declared_part(self._state.was_edge(key)) != declared_part(
                self._state.edge(key)
            ):
                self._begin([tag], settle=[vid], beyond=[vid])

    def moved(self) -> None:
        """Tags of what begins to flow somewhere, or did: the job finds out by which other way they arrive."""
        for key in self._moved.opened:
            pair = self._moved.child_and_parent(key)
            if pair is None:
                through = self._moved.speaking.of.get(key[1], ())
                self._begin(self._tags(key[1], *through), settle=[key[2]])
            else:
                self._begin(self._tags(pair[1]), settle=[pair[0]])
                self._begin(self._tags(pair[0]), beyond=[pair[0]])
        for key in self._moved.closed:
            target, whole = self._moved.affected(key)
            self._begin(self._tags(target), settle=[target], beyond=[] if whole is None else [whole])

    async def deleted(self, reads: StoredFlows) -> None:
        """Tags of what was deleted or restored, and of what flows to it or speaks through it."""
        vids = [vid for vid in self._moved.vertices if self._state.stored(vid) and self._is_or_was_deleted(vid)]
        if not vids:
            return
        for around in (await reads.sources(vids), await reads.parts(vids)):
            self._moved.speaking.records |= around.records
            for vid in vids:
                tags = self._tags(vid, *around.of.get(vid, ()))
                self._begin(tags, settle=[vid], beyond=[vid])

    def later(self, pending: Outbox) -> Iterator[OutboxEntry]:
        """Notes that are due when an edge ends: what its ends carry then is settled."""
        at: dict[int, OutboxEntry] = {}
        for key in self._moved.ending:
            due = ends(self._state.edges[key])
            if due not in at:
                order = pending.order(self._author.now)
                at[due] = OutboxEntry(new_entry_id(), self._author.tenant, order, due, tag=ANY_TAG)
            target, whole = self._moved.affected(key)
            at[due].frontier[target] = None
            at[due].expand += () if whole is None else (whole,)
        yield from at.values()

    def _begin(self, tags: Iterable[int], settle: Iterable[int] = (), beyond: Iterable[int] = ()) -> None:
        for tag in tags:
            frontier, further = self.begun[tag]
            frontier |= dict.fromkeys(settle)
            further |= dict.fromkeys(beyond)

    def _tags(self, *vids: int) -> set[int]:
        """The tags that vertices carry, by vertex id."""
        records = [self._state.vertex(vid) or self._moved.speaking.records[vid] for vid in vids]
        return {self._author.vid(urn) for record in records for urn in record["index"]["tags"]}

    def _is_or_was_deleted(self, vid: int) -> bool:
        was, now = self._state.was(vid), self._state.vertices[vid]
        return was is not None and was.get("deletedAt") != now.get("deletedAt")
