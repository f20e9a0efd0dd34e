"""Recomputes the effective sensitivity of a batch of vertices from their sources, up or down, step by step.

Raising is local: a vertex is at least as strict as each direct source. Lowering is not, because a cycle would support
itself. A sensitivity is supported if a vertex that declares it, or a higher one, reaches the vertex over vertices of at
least that sensitivity. Unsupported sensitivities are lowered rank by rank, from the highest. Until a batch lowers a
vertex to its effective sensitivity, the stored one is too strict.

The walk upstream may be as long as the lineage. It therefore continues over many steps of the job, each with a
:class:`~app.graph.jobs.known_sources.ReadBudget`. If a writer changes something that the walk has read, the decisions
are made again, and only the changed part is read again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.jobs.id_queue import IdQueue
from app.graph.jobs.known_sources import AT_ONCE, KnownSources, ReadBudget
from app.graph.propagation.cycles import upstream_first
from app.graph.propagation.sources import is_group
from app.graph.propagation.stored_ends import NextEnd
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.target_queue import TargetQueue
from graphql_schema.execution.side_thread import run_in_turn
from policies.sensitivity import SENSITIVITIES

LONG_WALK: Final = 2_000
"""Number of edges from which on those of a walk or a batch are evaluated in the side thread."""


@dataclass(slots=True)
class _UpstreamWalk:
    """The vertices upstream that may support a ``rank``. ``ranks`` are those that differ from the stored ones.

    ``reached``, with the groups on the way, are in the order of the walk; the sources of those in ``new`` are still to
    be read. ``supporting`` are those that declare at least the rank. ``edges`` counts the sources of all reached.
    """

    known: KnownSources
    ranks: dict[int, int]
    rank: int
    reached: IdQueue
    new: IdQueue
    supporting: set[int] = field(default_factory=set)
    edges: int = 0

    async def advance(self, flows: StoredFlows, budget: ReadBudget) -> bool:
        """Continue the walk; return whether it has ended, which it has not if the budget is spent."""
        while self.new:
            vids = list(islice(self.new, AT_ONCE))
            if not await self.known.read(flows, vids, budget):
                return False
            await run_in_turn(self._reach_from, self.known.size(vids) >= LONG_WALK, vids)
        return True

    def _reach_from(self, vids: Iterable[int]) -> None:
        for vid in vids:
            del self.new[vid]
            self._reach(self.known.of[vid])

    def _reach(self, sources: Collection[int]) -> None:
        self.edges += len(sources)
        for source in sources:
            if source not in self.reached and self.ranks.get(source, self.known.ranks[source]) >= self.rank:
                self.reached[source] = None
                if self.known.declared[source] >= self.rank:
                    self.supporting.add(source)
                else:
                    self.new[source] = None

    def unsupported(self) -> list[int]:
        """Return the reached vertices that no supporting vertex reaches, in the order of the walk."""
        targets: dict[int, list[int]] = defaultdict(list)
        for vid in self.reached:
            for source in self.known.of.get(vid, ()):
                targets[source].append(vid)
        found, new = set(self.supporting), list(self.supporting)
        while new:
            for vid in targets[new.pop()]:
                if vid not in found:
                    found.add(vid)
                    new.append(vid)
        return [vid for vid in self.reached if vid not in found and not is_group(vid)]


@dataclass(slots=True)
class Recomputation:
    """The recomputation of one ``batch`` after the other, around one outbox entry.

    Nothing is written here. Hold the lock of the writers from :meth:`begin_step` until changes are stored. It reads
    nothing as of an instant before ``begun_at``, in epoch milliseconds. ``targets`` are still to be added to the
    frontier of the entry. ``has_expanded`` states that those of its ``expand`` are in there, or were added.
    ``next_end`` is searched when the work is done.
    """

    begun_at: int = 0
    known: KnownSources = field(default_factory=KnownSources)
    batch: list[int] = field(default_factory=list)
    targets: TargetQueue = field(default_factory=TargetQueue)
    has_expanded: bool = False
    next_end: NextEnd | None = None
    _ranks: dict[int, int] = field(default_factory=dict)
    _walk: _UpstreamWalk | None = None

    def begin_step(self) -> None:
        """Forget what was written since the last step, and decide again if any of that was read."""
        if self.known.forget_written():
            self._walk = None

    def begin_again(self) -> None:
        """Begin the entry again, with another frontier."""
        self.begin_batch(())
        self.targets, self.has_expanded, self.next_end = TargetQueue(), False, None

    def begin_batch(self, vids: Iterable[int]) -> None:
        """Begin the next batch."""
        self.batch, self._walk = list(vids), None

    async def decide(self, flows: StoredFlows, budget: ReadBudget) -> bool:
        """Continue to decide about the batch; return whether that is done, which it is not if the budget is spent."""
        if self._walk is None:
            if not await self.known.read(flows, self.batch, budget):
                return False
            await run_in_turn(self._raise, self._is_long())
            self._walk = self._from(len(SENSITIVITIES) - 1)
        while await self._walk.advance(flows, budget):
            walk = self._walk
            lowered = await run_in_turn(walk.unsupported, walk.edges >= LONG_WALK)
            self._ranks |= dict.fromkeys(lowered, walk.rank - 1)
            if walk.rank == 1:
                return True
            self._walk = self._from(walk.rank - 1)
        return False

    def _is_long(self) -> bool:
        """Return whether the sources of the batch, and the members of groups among them, are many."""
        edges = self.known.size(self.batch)
        if edges < LONG_WALK:
            edges += self.known.size({each for vid in self.batch for each in self.known.of[vid] if is_group(each)})
        return edges >= LONG_WALK

    def changed(self) -> dict[int, int]:
        """Return the new rank of each vertex whose rank differs from the stored one, after :meth:`decide` is done.

        Each is in the batch, or upstream of it.
        """
        return {vid: rank for vid, rank in self._ranks.items() if rank != self.known.ranks[vid]}

    def first_of(self, changed: Mapping[int, int], size: int) -> list[int]:
        """Return at most ``size`` of the changed vertices, to be stored first; those left are found from the batch.

        No lowered one has a source that is left with a higher rank. A writer that raises this source again would stop
        there, because it follows only what it raises. Only a cycle of more vertices than ``size`` is divided.
        """
        lowered = {vid for vid, rank in changed.items() if rank < self.known.ranks[vid]}

        def sources_of(vid: int) -> Iterator[int]:
            if is_group(vid) or vid in lowered:
                yield from (each for each in self.known.of.get(vid, ()) if is_group(each) or each in lowered)

        found: list[int] = []
        for cycle in upstream_first(changed, sources_of):
            vids = [vid for vid in cycle if not is_group(vid)]
            if len(found) + len(vids) > size:
                return found or vids[-size:]
            found += vids
        return found

    def _raise(self) -> None:
        """Raise the vertices of the batch to what they declare, and to their direct sources.

        The rank of a group is read once: if one of its members is raised here, its targets are recomputed later.
        """
        known, ranks, of_groups = self.known, dict[int, int](), dict[int, int]()

        def rank(source: int) -> int:
            if not is_group(source):
                return ranks.get(source, known.ranks[source])
            if source not in of_groups:
                of_groups[source] = max(map(rank, known.of[source]))
            return of_groups[source]

        for vid in self.batch:
            ranks[vid] = max(known.ranks[vid], known.declared[vid], *map(rank, known.of[vid]))
        self._ranks = ranks

    def _from(self, rank: int) -> _UpstreamWalk:
        """Return the walk from the vertices of the batch that have a rank without declaring it."""
        starts = [vid for vid in self.batch if self._ranks[vid] == rank > self.known.declared[vid]]
        return _UpstreamWalk(self.known, self._ranks, rank, dict.fromkeys(starts), dict.fromkeys(starts))
