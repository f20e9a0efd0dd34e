"""The worklist of one caller for one tag, and the decisions about its vertices. Pure: no request, no write.

It follows delete-and-rederive (DRed). ``suspects`` are vertices to decide from the vertices that flow to them. A vertex
is supported if a carrier of the tag flows to it that is fewer steps away from a direct assignment. Other vertices to
which the tag had propagated are ``unsupported``: they keep the tag in the store until no suspects remain. They are then
decided as ``candidates``, which get the tag again from any carrier that is not unsupported. Vertices that remain
unsupported lose the tag, the last found first: after a crash the job finds the others again, because the vertex where
it began loses the tag last.

Between two turns of a worklist, the job works on those of other callers. For these, each stored tag counts, unsupported
or not: a vertex that gets the tag from an unsupported one is found with it later. What the turn found is then decided
again from the store, in the same order, as the other callers may have changed it (:meth:`TagWorklist.postpone`).

A decision changes the worklist only when it is recorded, after its arrivals are stored (:meth:`TagWorklist.record`).

Requests and memory grow with the number of vertices whose tag or distance changes, and of their neighbours.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import islice
from typing import Final

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.driver.edge_pages import EdgePages
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.jobs.tag_work.tag_carriers import Carrier
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.sources import group_of, is_group
from app.graph.propagation.target_queue import TargetQueue
from app.graph.records.tag_edge import Arrival

_UNLIMITED: Final = 2**31

_Near = tuple[int, str, int]
"""The values of an arrival, and the vertex id of the carrier."""


@dataclass(slots=True)
class TagDecision:
    """The result of one batch.

    ``decided`` are the vertices that it decides about. ``arrivals`` are new arrivals of the tag by vertex id, None
    where it no longer arrives. ``changed`` are the vertices that no longer carry the tag, newly carry it, or carry it
    at another distance: their targets are to be decided. ``unsupported`` are the vertices that this batch found
    unsupported, and ``resolved`` those that are so no more. The ``candidates`` are decided again without suspects.
    """

    decided: list[int] = field(default_factory=list)
    arrivals: dict[int, Arrival | None] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    unsupported: IdQueue = field(default_factory=dict)
    resolved: set[int] = field(default_factory=set)
    candidates: IdQueue = field(default_factory=dict)


@dataclass(slots=True)
class TagBatch:
    """The vertices ``vids`` to decide, while what is around them is read over some steps of the job.

    Of the ``carriers``, those of the vertices in ``left`` are to be read, and those of the vertices in ``read`` were,
    or are not stored. If the batch has more than a page of sources, ``reading`` reads them over some steps, and
    ``sources`` has them then. A part of them may be outdated when the batch is decided. Both are None otherwise.
    """

    vids: list[int]
    reading: SourceReading | None = None
    sources: Mapping[int, set[int]] | None = None
    left: IdQueue = field(default_factory=dict)
    read: IdQueue = field(default_factory=dict)
    carriers: dict[int, Carrier] = field(default_factory=dict)


@dataclass(slots=True)
class TagWorklist:
    """Work on one tag, from outbox ``entries`` of one caller, whose number is final as soon as the work ``has_begun``.

    The targets of the vertices in ``expand`` are to be decided, and those that ``expanding`` reads. So are the vertices
    that ``holders`` reads, and their targets. ``no_suspects``, a flag, states that :meth:`take` found
    no suspects and returned candidates. Every carrier that is not in ``unsupported`` then is supported. Or a later
    entry recomputes it, which also finds the vertices that got the tag from it. ``batch`` was taken and is not decided
    yet, because many vertices are around it. The arrivals of ``provisional`` were written without regard to unsupported
    sources.

    A batch has at most ``limit`` vertices, which is doubled with each decision: more of them were too large for a
    transaction. The store refused those of ``refused`` alone, so that they stay as they are.

    ``steps`` counts the batches of this turn, except those that only decide once more, as suspects or as candidates,
    what earlier turns have ``decided``: ``repeated`` counts these. A turn may have ``share`` times the usual number of
    steps.
    """

    tag: int
    tenant: str
    entries: list[OutboxEntry] = field(default_factory=list)
    expand: IdQueue = field(default_factory=dict)
    suspects: IdQueue = field(default_factory=dict)
    candidates: IdQueue = field(default_factory=dict)
    unsupported: IdQueue = field(default_factory=dict)
    expanding: TargetQueue = field(default_factory=TargetQueue)
    holders: EdgePages | None = None
    batch: TagBatch | None = None
    provisional: IdQueue = field(default_factory=dict)
    no_suspects: bool = False
    has_begun: bool = False
    limit: int = _UNLIMITED
    refused: set[int] = field(default_factory=set)
    steps: int = 0
    repeated: int = 0
    share: int = 1
    decided: set[int] = field(default_factory=set)
    _reached: int = 0
    _postponed: set[int] = field(default_factory=set)
    _again: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))

    @property
    def is_done(self) -> bool:
        """Return whether no work is left."""
        return not (self.batch or self._has_more or self.unsupported)

    def may_end_turn(self, usual: int) -> bool:
        """Return whether a turn may end: no batch is being read, and there is more to do than to remove the tag.

        To find the unsupported vertices again takes more steps than to remove the tag from them. The turn has had a new
        batch. If the next turn will repeat some, it has had ``usual`` ones, and as many as it has repeated itself.
        """
        least = max(self.share * usual, self.repeated) if self._must_repeat else 1
        return self.batch is None and self._has_more and self.steps >= least

    @property
    def _must_repeat(self) -> bool:
        """Whether vertices that were decided are to be decided again after the end of the turn."""
        return bool(self.unsupported or self.candidates or self.provisional)

    @property
    def _has_more(self) -> bool:
        """Whether vertices are to be found or decided."""
        return bool(self.holders or self.expand or self.expanding or self.suspects or self.candidates)

    def provisional_of(self, written: Iterable[int], decision: TagDecision) -> set[int]:
        """Return those of the vertices to write whose decision had no regard to an unsupported source.

        If such a source is found supported later, because the work began again, its arrival may not change. So these
        vertices are decided again whenever the work begins again, also after a crash.
        """
        unsupported = len(self.unsupported) + len(decision.unsupported) - len(decision.resolved)
        return {*written} if unsupported else set()

    def record(self, decision: TagDecision, provisional: Iterable[int]) -> None:
        """Record a decision that is stored. ``provisional`` are the vertices of :meth:`provisional_of`."""
        self.batch, self.limit = None, min(2 * self.limit, _UNLIMITED)
        self._postponed.difference_update(decision.decided)
        for vid in decision.resolved:
            del self.unsupported[vid]
        self.unsupported |= decision.unsupported
        self.candidates |= decision.candidates
        self.provisional |= dict.fromkeys(provisional)

    def postpone(self) -> None:
        """End a turn: let all that is left be decided again as suspects, in the order in which it was found.

        A turn that has decided or written no further vertex is followed by one of twice the steps, so the work ends.
        Without anything to repeat, the next turn continues where this one ended.
        """
        if not self._must_repeat:
            self.steps, self.repeated, self._again = 0, 0, (set(), set())
            return
        reached = len(self.decided) + len(self.provisional)
        self.share, self._reached = 1 if reached > self._reached else 2 * self.share, reached
        self._postponed.update(self.unsupported)  # what was decided without regard to them is decided again
        again = self.unsupported | self.candidates | self.provisional
        self.suspects, self.candidates, self.unsupported = again | self.suspects, {}, {}
        self.steps, self.repeated, self._again = 0, 0, ({*self.decided}, {*self.decided})

    def recheck(self, vids: Iterable[int]) -> None:
        """Put vertices on the list to be decided: unsupported ones as candidates, all others as suspects."""
        for vid in vids:
            (self.candidates if vid in self.unsupported else self.suspects)[vid] = None

    def take(self, size: int) -> list[int]:
        """Remove and return a batch to decide: suspects, or candidates if there are no suspects."""
        self.no_suspects = not self.suspects
        queue, again = self.suspects or self.candidates, self._again[self.no_suspects]
        batch = take_first(queue, min(size, self.limit))
        is_new = not again.issuperset(batch)
        self.steps += is_new
        self.repeated += not is_new
        again.difference_update(batch)
        self.decided.update(batch)
        return batch

    def shorten(self, count: int) -> None:
        """Let the batch and the next one have at most ``count`` vertices. The others of the batch are next in turn."""
        self.limit = count
        if self.batch is not None:
            left = dict.fromkeys(self.batch.vids[count:])
            del self.batch.vids[count:]
            if self.no_suspects:
                self.candidates = left | self.candidates
            else:
                self.suspects = left | self.suspects

    def removal(self, size: int) -> TagDecision:
        """Return the removal of the tag from the last found of the unsupported vertices, at most ``size``."""
        removed = list(islice(reversed(self.unsupported), min(size, self.limit)))
        return TagDecision(removed, arrivals=dict.fromkeys(removed), resolved={*removed})

    def decide(
        self, batch: Iterable[int], sources: Mapping[int, set[int]], carriers: Mapping[int, Carrier]
    ) -> Generator[None, None, TagDecision]:
        """Return the decision about the batch that :meth:`take` returned last; yield after each vertex and group.

        ``sources`` are those of vertices and groups (:class:`app.graph.propagation.sources.Sources`). ``carriers`` are
        the vertices of the batch and of the sources, as far as they are stored; other vertices are skipped. What this
        batch changes in a group counts from the next batch on: the targets of the group are decided again.
        """
        decision, groups = TagDecision(), dict[int, list[_Near]]()
        for vid in batch:
            if vid in carriers:
                own = sources.get(vid, set())
                for group in filter(is_group, own):
                    if group not in groups:
                        groups[group] = self._nearest(group, sources[group], carriers, decision)
                        yield
                near = [*self._near(own, carriers, decision)]
                near += [each for group in own for each in groups.get(group, ())]
                best = min((each for each in near if each[-1] != vid), default=None)
                decision.decided.append(vid)
                self._decide(vid, carriers[vid], best and Arrival(*best[:2]), decision)
                yield
        return decision

    def _near(self, sources: Iterable[int], carriers: Mapping[int, Carrier], decision: TagDecision) -> Iterator[_Near]:
        """Yield the arrivals of the tag from vertices; an unsupported one does not count, even if it has the tag."""
        unsupported, resolved = self.unsupported, decision.resolved
        for source in sources:
            is_unsupported = source in decision.unsupported or (source in unsupported and source not in resolved)
            carrier = None if is_unsupported else carriers.get(source)
            if carrier is not None and carrier.steps is not None:
                yield carrier.steps + 1, carrier.urn, source

    def _nearest(
        self, group: int, members: Iterable[int], carriers: Mapping[int, Carrier], decision: TagDecision
    ) -> list[_Near]:
        """Return the two nearest arrivals from a group, as one may be at its own member; none if the parent is closed.

        It is the same for all targets of the group.
        """
        parent = carriers.get(group_of(group))
        return [] if parent is None or parent.closed else nsmallest(2, self._near(members, carriers, decision))

    def _decide(self, vid: int, carrier: Carrier, best: Arrival | None, decision: TagDecision) -> None:
        before, regains, unsupported = carrier.arrival, vid in self._postponed, vid in self.unsupported
        if carrier.closed or carrier.direct:
            regains = (regains or unsupported) and carrier.direct
            decision.resolved |= {vid} if unsupported else set()
            best = None if carrier.closed else best
        elif unsupported:
            if not self.no_suspects:
                decision.candidates[vid] = None
            if not self.no_suspects or best is None:
                return
            decision.resolved.add(vid)
            regains = True
        elif before is not None and (best is None or best.steps > before.steps):
            decision.unsupported[vid] = decision.candidates[vid] = None
            return
        if regains:
            decision.changed.add(vid)
        if best == before:
            return
        decision.arrivals[vid] = best
        if not carrier.direct and (best is None or before is None or best.steps != before.steps):
            decision.changed.add(vid)
