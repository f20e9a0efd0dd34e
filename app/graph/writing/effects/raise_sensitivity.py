"""What a batch means for the sensitivity of others: raises in the same transaction, a fence where they are many.

What goes down is left to the job, as a note. Levels are treated from the strictest down, so each vertex is raised once;
at one level it is plain reachability over flows, which are known to the batch or read from the store.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.propagation.known_flows import carried, targets
from app.graph.propagation.stored_flows import Sources, StoredFlows
from app.graph.records.edge_record import EdgeKey, ends
from app.graph.records.vertex_record import Record, kind_of
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.relations import Direction
from policies.sensitivity import LEVELS, RANK

MAX_RAISED: Final = 1_000
"""Further vertices that a write raises itself."""

MAX_COVERED: Final = 50_000
"""Vertices that a fence names; beyond, it covers the tenant."""


async def raise_sensitivity(moved: BatchDiff, reads: StoredFlows, pending: Outbox) -> list[OutboxEntry]:
    """Raise in the state what the batch makes stricter; the notes to write with it, of what the job has to do."""
    spreading = Spreading(moved, reads, pending)
    await spreading.raise_all()
    spreading.note_lowered()
    return spreading.notes


class Spreading:
    """One batch's effect on sensitivity. ``notes`` are what it leaves to the job."""

    def __init__(self, moved: BatchDiff, reads: StoredFlows, pending: Outbox) -> None:
        self.notes: list[OutboxEntry] = []
        self._state = state = moved.state
        self._author = moved.author
        self._now = moved.author.now
        self._reads = reads
        self._pending = pending
        self._moved = moved
        self._met = 0
        self._fresh = {vid for vid in moved.vertices if not state.stored(vid)}
        self._raised = {vid for vid in moved.vertices if vid not in self._fresh and self._rises(vid)}
        self._lowered = [vid for vid in moved.vertices if vid not in self._fresh and self._declares_less(vid)]
        self._joined: dict[int, set[int]] = defaultdict(set)
        for part, whole in filter(None, map(moved.child_and_parent, moved.opened)):
            if state.stored(whole):
                self._joined[part].add(whole)

    async def raise_all(self) -> None:
        """Raise what is reached, strictest level first; fence in what begins to come from behind a fence."""
        touched = self._fresh | self._raised | {vid for _, *both in self._moved.opened for vid in both}
        spoken = self._moved.speaking
        for rank in range(len(LEVELS) - 1, 0, -1):
            at_rank = {vid for vid in touched if self._rank(vid) == rank}
            speaking = {whole for whole, parts in spoken.of.items() if rank in map(spoken.rank, parts)}
            reached = self._targets(at_rank) | self._led_to(speaking)
            new_wholes = {whole for vid in at_rank for whole in self._joined.get(vid, ()) if self._rank(whole) < rank}
            await self._raise(rank, reached, at_rank & self._raised, new_wholes)
        if self._author.fences.any:
            await self._extend_fences(touched, spoken)

    def note_lowered(self) -> None:
        """Note what may go down now, and what may when an edge ends."""
        now = self._note()
        now.frontier |= dict.fromkeys(self._lowered)
        for key in self._moved.closed:
            self._affect(now, key)
        later: dict[int, OutboxEntry] = {}
        for key in self._moved.ending:
            due = ends(self._state.edges[key])
            if due not in later:
                later[due] = self._note(due)
            self._affect(later[due], key)
        self.notes += [note for note in (now, *later.values()) if note.frontier or note.expand]

    def _note(self, due: int = 0) -> OutboxEntry:
        return OutboxEntry(new_entry_id(), self._author.tenant, self._pending.order(self._now), due)

    def _affect(self, note: OutboxEntry, key: EdgeKey) -> None:
        """Settle, with a note, what an edge has meant something to."""
        target, whole = self._moved.affected(key)
        note.frontier[target] = None
        note.expand += () if whole is None else (whole,)

    async def _raise(self, rank: int, reached: set[int], own: set[int], spoken: set[int]) -> None:
        """Raise what is reached at this rank and all beyond; ``own`` and ``spoken`` lead on in the store."""
        everything = set(reached)
        while reached or own or spoken:
            most = MAX_RAISED - self._met + len(self._state.vertices)
            found, records = await self._reads.targets(own, spoken, most=most)
            everything |= found
            unknown = found - self._state.vertices.keys()
            if not unknown <= records.keys() or not self._meet(rank, unknown, records):
                await self._fence(rank, everything, own | spoken)
                return
            new = {vid for vid in reached | (found & self._state.vertices.keys()) if self._rank(vid) < rank}
            for vid in new:
                self._state.vertices[vid] = {**self._state.vertices[vid], "sensitivity": LEVELS[rank]}
            own = {vid for vid in new if self._state.stored(vid)}
            spoken = self._wholes_of(new)
            reached = self._targets(new)
            everything |= reached

    def _meet(self, rank: int, vids: set[int], records: Mapping[int, Record]) -> bool:
        """Take in what is to be raised; whether there is room for it."""
        low = [vid for vid in vids if RANK[records[vid]["sensitivity"]] < rank]
        self._met += len(low)
        if self._met > MAX_RAISED:
            return False
        for vid in low:
            self._state.meet(vid, records[vid])
        return True

    async def _fence(self, rank: int, reached: set[int], beyond: set[int]) -> None:
        """Put a fence around all that is reached; where that is too much, around the tenant."""
        covered, new = set(reached), set(reached)
        while new and len(covered) <= MAX_COVERED:
            found, _ = await self._reads.targets(new, self._wholes_of(new), most=0)
            new = (found | self._targets(new)) - covered
            covered |= new
        note = self._note()
        whole = len(covered) > MAX_COVERED
        note.floor = SensitivityFloor(note.tenant, LEVELS[rank], None if whole else frozenset(covered))
        note.frontier = dict.fromkeys([*reached, *(() if whole else covered - reached)])
        note.expand = tuple(beyond)
        self.notes.append(note)

    async def _extend_fences(self, touched: set[int], spoken: Sources) -> None:
        """Fence in what begins to come from behind a fence: it is not raised yet, nor is what it flows to."""
        fences = self._author.fences
        reached: dict[int, set[int]] = defaultdict(set)
        for vid in touched:
            reached[fences.rank(vid)] |= self._targets([vid])
        for part, joined in self._joined.items():
            reached[fences.rank(part)] |= (await self._reads.targets([], joined, most=0))[0]
        for whole, parts in spoken.of.items():
            reached[max(map(fences.rank, parts))] |= self._led_to([whole])
        for rank, vids in reached.items():
            if rank and any(fences.rank(vid) < rank for vid in vids):
                await self._fence(rank, vids, set())

    def _targets(self, vids: Iterable[int]) -> set[int]:
        """What vertices flow to, as far as the batch knows."""
        return set().union(*(targets(self._state, vid, self._reads.stops, self._now) for vid in vids))

    def _led_to(self, wholes: Iterable[int]) -> set[int]:
        """What the carrying edges of wholes lead to, as far as the batch knows."""
        return {
            far
            for whole in wholes
            for far in carried(self._state, whole, Direction.OUT, self._now)
            if far in self._state.vertices and kind_of(self._state.vertices[far]) not in self._reads.stops
        }

    def _wholes_of(self, vids: Iterable[int]) -> set[int]:
        """The stored wholes that vertices become parts of."""
        return {whole for vid in vids for whole in self._joined.get(vid, ())}

    def _rank(self, vid: int) -> int:
        return RANK[self._state.vertices[vid]["sensitivity"]]

    def _rises(self, vid: int) -> bool:
        was = self._state.was(vid)
        return was is not None and self._rank(vid) > RANK[was["sensitivity"]]

    def _declares_less(self, vid: int) -> bool:
        was = self._state.was(vid)
        declared = RANK[self._state.vertices[vid]["declaredSensitivity"]]
        return was is not None and declared < RANK[was["declaredSensitivity"]]
