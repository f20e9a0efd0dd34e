"""Recomputes the effective sensitivity of a batch of vertices from their sources, up or down, step by step.

Raising is local: a vertex is at least as strict as each direct source. Lowering is not, because a cycle would support
itself. A sensitivity is supported if a vertex that declares it, or a higher one, reaches the vertex over vertices of at
least that sensitivity. Unsupported sensitivities are lowered rank by rank, from the highest. Until a batch lowers a
vertex to its effective sensitivity, the stored one is too strict.

The walk upstream may be as long as the lineage. It therefore continues over many steps of the job, each with a
:class:`~app.graph.jobs.sensitivity_work.read_budget.ReadBudget` and a limit of the vertices that it examines. What is
decided then is stored over many steps, too. If a writer raises something that was used, the batch is decided again.
What a writer lowers may leave a decision too strict, and is left to the outbox entry of that writer.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.driver.edge_pages import VisitBudget
from app.graph.jobs.id_queue import IdQueue
from app.graph.jobs.sensitivity_work.known_sources import AT_ONCE, KnownSources
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.propagation.cycles import upstream_first
from app.graph.propagation.sources import is_group
from app.graph.propagation.stored_ends import NextEnd
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.target_queue import TargetQueue
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from policies.sensitivity import SENSITIVITIES

PART: Final = 500
"""Number of vertices and sources that are examined without a pause."""

MAX_EXAMINED: Final = 10_000
"""Number of vertices and sources that one step examines, of what is known, while it holds the lock of the writers."""

_Work = Iterator[Collection[int]]
"""Work in small parts. After each it yields vertices that must be read before the next part, mostly none."""


@dataclass(slots=True)
class _Decision:
    """The decision about a ``batch``, by what is ``known``: new ``ranks`` of the batch, and of what is upstream.

    ``used`` are the vertices whose ranks or sources it has used so far, which must be known. ``examined`` counts how
    often it has used one. ``may_raise``, a flag, states that it may raise a vertex of the batch. ``parts`` are the
    vertices to be stored, in this order, at most ``size`` of them in each.
    """

    known: KnownSources
    batch: list[int]
    size: int
    ranks: dict[int, int] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    examined: int = 0
    may_raise: bool = True
    parts: deque[list[int]] = field(default_factory=deque)

    def work(self) -> _Work:
        """Decide about the batch."""
        yield self.batch
        yield from self._raise()
        for rank in range(len(SENSITIVITIES) - 1, 0, -1):
            starts = [vid for vid in self.batch if self.ranks[vid] == rank > self.known.declared[vid]]
            yield from self._lower(rank, starts)
        yield from self.order()

    def use(self, vids: Collection[int]) -> None:
        """Record vertices that were read before they are examined: these, their sources, and members of groups."""
        groups = set[int]()
        for vid in vids:
            self.used.update(self.known.of[vid])
            groups.update(filter(is_group, self.known.of[vid]))
        self.used.update(vids, *(self.known.of[group] for group in groups))

    def _raise(self) -> _Work:
        """Raise the vertices of the batch to what they declare, and to their direct sources.

        The rank of a group is read once: if one of its members is raised here, its targets are recomputed later.
        """
        groups, of_groups = IdQueue(), dict[int, int]()
        for vid in self.batch:
            for some in self._sources(vid):
                groups |= dict.fromkeys(filter(is_group, some))
                yield ()
        for vid in (*groups, *self.batch):
            rank = 0 if is_group(vid) else max(self.known.ranks[vid], self.known.declared[vid])
            for some in self._sources(vid):
                ranks = (of_groups[each] if is_group(each) else self._rank(each) for each in some)
                rank = max((rank, *ranks))
                yield ()
            (of_groups if is_group(vid) else self.ranks)[vid] = rank
        self.may_raise = any(self.ranks[vid] > self.known.ranks[vid] for vid in self.batch)

    def _lower(self, rank: int, starts: Iterable[int]) -> _Work:
        """Lower those that have a ``rank`` and are not supported, among ``starts`` and what is upstream of them."""
        reached, new, supported = dict.fromkeys(starts), dict.fromkeys(starts), set[int]()
        while new:
            vids = list(islice(new, AT_ONCE))
            yield vids
            for vid in vids:
                del new[vid]
                for some in self._sources(vid):
                    for source in some:
                        if source not in reached and self._rank(source) >= rank:
                            reached[source] = None
                            if self.known.declared[source] >= rank:
                                supported.add(source)
                            else:
                                new[source] = None
                    yield ()
        further = list(supported)
        while further:
            targets = self.known.targets.get(further.pop(), set())
            found = [vid for vid in targets if vid in reached and vid not in supported]
            supported.update(found)
            further += found
            self.examined += 1 + len(targets)
            yield ()
        for vid in reached:
            if vid not in supported and not is_group(vid):
                self.ranks[vid] = rank - 1
            self.examined += 1
            yield ()

    def order(self) -> _Work:
        """Find the ``parts`` of what is not stored yet.

        No vertex is lowered before a source that is to be lowered, too. A writer that raises this source again would
        stop there, because it follows only what it raises. Only a cycle of more vertices than ``size`` is divided.
        """
        left = {vid: rank for vid, rank in self.ranks.items() if rank != self.known.ranks[vid]}

        def counts(vid: int) -> bool:
            return is_group(vid) or (vid in left and left[vid] < self.known.ranks[vid])

        def sources_of(vid: int) -> Iterator[int]:
            for source in self.known.of.get(vid, ()) if counts(vid) else ():
                self.examined += 1
                if counts(source):
                    yield source

        while left:
            for cycle in upstream_first([*left], sources_of):
                self.examined += 1 + len(cycle)
                yield ()
                vids = [vid for vid in cycle if vid in left]
                self._add_to_parts(vids[-self.size :])
                for vid in vids[-self.size :]:
                    del left[vid]
                if len(vids) > self.size:
                    break  # what is left of the cycle may be none

    def _add_to_parts(self, vids: list[int]) -> None:
        if not self.parts or len(self.parts[-1]) + len(vids) > self.size:
            self.parts.append([])
        self.parts[-1] += vids

    def _rank(self, source: int) -> int:
        return self.ranks.get(source, self.known.ranks[source])

    def _sources(self, vid: int) -> Iterator[tuple[int, ...]]:
        """Yield the sources of a vertex in parts, of which there is at least one."""
        sources = self.known.of[vid]
        for start in range(0, max(len(sources), 1), PART):
            some = sources[start : start + PART]
            self.examined += 1 + len(some)
            yield some


@dataclass(slots=True)
class Recomputation:
    """The recomputation of one ``batch`` after the other, around one outbox entry.

    Nothing is written here. Hold the lock of the writers from :meth:`begin_step` until changes are stored. The
    sources of the assets whose edges the entry awaits are read as of ``begun_at`` or later, in epoch milliseconds. At
    most ``size`` vertices are stored at once.
    ``again`` are those vertices of the batch that depend on what was stored since its begin. ``targets`` are still to
    be added to the frontier of the entry. ``has_expanded`` states that those of its ``expand`` are in there, or were
    added. ``next_end`` is searched when the work is done.
    """

    begun_at: int = 0
    size: int = AT_ONCE
    known: KnownSources = field(default_factory=KnownSources)
    batch: list[int] = field(default_factory=list)
    again: set[int] = field(default_factory=set)
    targets: TargetQueue = field(default_factory=TargetQueue)
    has_expanded: bool = False
    next_end: NextEnd | None = None
    _decision: _Decision | None = None
    _work: _Work = field(default_factory=lambda: iter(()))
    _wanted: Collection[int] = ()
    _part_size: int = AT_ONCE
    _limit: int = MAX_EXAMINED
    _has_stored: bool = False
    _waits: bool = False

    async def begin_step(self) -> None:
        """Forget what was written since the last step; what of it was used is read again by :meth:`decide`."""
        if await self.known.forget_written(self._decision.used if self._decision else ()):
            self._decide_again()

    def begin_again(self) -> None:
        """Begin the entry again, with another frontier."""
        self.begin_batch(())
        self.targets, self.has_expanded, self.next_end = TargetQueue(), False, None

    def begin_batch(self, vids: Iterable[int]) -> None:
        """Begin the next batch."""
        self.batch, self.again, self._decision = list(vids), set(), None
        self._part_size, self._limit = self.size, MAX_EXAMINED

    async def decide(self, flows: StoredFlows, budget: ReadBudget) -> bool:
        """Continue to decide about the batch; return whether that is done, which it is not if the budget is spent.

        What was decided before stays, unless something that it used has risen, or a source of what it raises has
        changed. Then it begins again. If nothing was stored or divided since the last begin, the step examines twice as
        much: so it ends at some time, whatever is written between the steps.
        """
        if self._decision is not None:
            if not await self.known.read_used(flows, budget):
                return False
            has_changed, has_risen = await self.known.compare_used()
            if has_risen or (has_changed and self._decision.may_raise):
                self._decide_again()
        if self._decision is None:
            self._decision = _Decision(self.known, self.batch, self._part_size)
            self.known.no_longer_used(self._decision.used)
            self._work, self._wanted, self._has_stored = self._decision.work(), (), False
        return await self._continue(self._decision, flows, budget)

    def may_store(self, budget: VisitBudget) -> bool:
        """Return whether the step stores a part that is decided.

        A step that has visited many edges leaves this to the next one, so that the targets of the part need no further
        step. That one stores the part in any case, whatever writers let it read again.
        """
        self._waits = budget.is_half_spent and not self._waits and bool(self._decision and self._decision.parts)
        return not self._waits

    def next_part(self) -> dict[int, int]:
        """Return the vertices to store next, upstream first, with their new ranks; none if all of the batch are stored.

        Those that others have lowered as far meanwhile are left out. Call it after :meth:`decide` is done. It returns
        the same ones until they are :meth:`stored`.
        """
        decision, known = self._decision, self.known.ranks
        while decision and decision.parts:
            ranks = {vid: decision.ranks[vid] for vid in decision.parts[0]}
            some = {v: rank for v, rank in ranks.items() if rank < known[v] or (decision.may_raise and rank > known[v])}
            if some:
                return some
            decision.parts.popleft()
        return {}

    def divide(self, size: int) -> None:
        """Let :meth:`decide` find the parts of the batch again, as the next one is too large for a transaction.

        Each then has at most ``size`` vertices, until the end of the batch.
        """
        self._part_size, self._has_stored = size, True
        if self._decision is not None:
            self._decision.size = size
            self._decision.parts.clear()
            self._work, self._wanted = self._decision.order(), ()

    @property
    def is_stored(self) -> bool:
        """Whether nothing of the batch is left to be stored."""
        return self._decision is None or not self._decision.parts

    def stored(self, ranks: Mapping[int, int], further: Collection[int]) -> None:
        """Record that the ranks of :meth:`next_part` were stored, and that ``further`` vertices depend on them."""
        if self._decision is not None:
            self._decision.parts.popleft()
        self.known.ranks |= ranks
        self.depend(further)
        self._has_stored = True

    def depend(self, further: Collection[int]) -> None:
        """Record that ``further`` vertices depend on what was stored."""
        self.again.update(vid for vid in self.batch if vid in further)

    def _decide_again(self) -> None:
        self._limit *= 1 if self._has_stored else 2
        self._decision, self._has_stored = None, False

    async def _continue(self, decision: _Decision, flows: StoredFlows, budget: ReadBudget) -> bool:
        turns, limit = OperationBudget(), decision.examined + self._limit
        while True:
            if self._wanted:
                if not await self.known.read(flows, self._wanted, budget):
                    return False
                if any(vid not in self.known.of for vid in self._wanted):
                    self._decide_again()  # a group without members any more
                    return False
                await run_in_turn(decision.use, self.known.are_many(self._wanted), self._wanted)
                self._wanted = ()
            if decision.examined >= limit:
                return False
            await turns.pause()
            if not self._work_on(decision):
                return True

    def _work_on(self, decision: _Decision) -> bool:
        """Work until vertices must be read, or a pause is due; return whether work may be left."""
        pause = decision.examined + PART
        for wanted in self._work:
            self._wanted = wanted
            if wanted or decision.examined >= pause:
                return True
        return False
