"""What is to be done about one tag, and what follows for the vertices that are looked at: no request, no write.

Vertices in ``doubt`` are settled by the vertices that flow to them. One that the tag arrives at is founded when a
carrier flows to it that is fewer steps away from its cause. Others are ``lost``: they and what they held up keep the
tag in the store until nothing is in doubt any more, and are then ``offered`` it by whatever still carries it. What is
lost in the end is taken back in the reverse order of its discovery, so that after a crash all that is left of it is
found again from where it began; and noted, since its cause may come back meanwhile.

What it costs: the vertices whose tag, or whose distance, changes, with their neighbours; memory for their ids.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.jobs.tag_carriers import Carrier
from app.graph.propagation.stored_flows import Arriving
from app.graph.records.tag_edge import Arrival

Ids = dict[int, None]
"""Vertex ids, in the order in which they came."""


@dataclass(slots=True)
class TagDecision:
    """What looking at a batch led to: what arrives now where that is another than before, and what is lost now.

    ``moved`` are the vertices of which others are to be told: they carry the tag no more, or at another distance, or
    again after they were lost.
    """

    arrivals: dict[int, Arrival | None] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)


@dataclass(slots=True)
class TagWorklist:
    """What is to be done about a tag; ``notes`` said so, and are done when it is.

    Of the vertices in ``beyond``, what they flow to is to be settled. A batch that was taken when nothing was in doubt
    is ``certain``: whatever carries the tag, and is not lost, has a cause.
    """

    tag: int
    tenant: str
    notes: list[OutboxEntry] = field(default_factory=list)
    beyond: Ids = field(default_factory=dict)
    doubt: Ids = field(default_factory=dict)
    offered: Ids = field(default_factory=dict)
    lost: Ids = field(default_factory=dict)
    certain: bool = False

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.beyond or self.doubt or self.offered or self.lost)

    def recheck(self, vids: Iterable[int]) -> None:
        """Look at vertices again, since something around them has changed."""
        for vid in vids:
            (self.offered if vid in self.lost else self.doubt)[vid] = None

    def take(self, most: int) -> list[int]:
        """Take some vertices to settle: those in doubt, and when there are none, those that are offered the tag."""
        self.certain = not self.doubt
        return taken(self.doubt or self.offered, most)

    def settle(
        self, batch: Iterable[int], arriving: Mapping[int, set[Arriving]], carriers: Mapping[int, Carrier]
    ) -> TagDecision:
        """Decide about the batch just taken by what flows there; ``carriers`` are all that this needs to know of."""
        settled = TagDecision()
        for vid in batch:
            if vid in carriers:
                best = self._best(vid, arriving.get(vid, ()), carriers)
                self._decide(vid, carriers[vid], best, settled)
        return settled

    def _best(self, vid: int, arriving: Iterable[Arriving], carriers: Mapping[int, Carrier]) -> Arrival | None:
        """The nearest of what passes the tag on to a vertex."""
        found = []
        for source, through in arriving:
            carrier, road = carriers.get(source), carriers.get(through)
            if carrier is None or road is None or source == vid or source in self.lost:
                continue
            if carrier.steps is not None and not road.closed:
                found.append(Arrival(carrier.steps + 1, carrier.urn))
        return min(found, default=None)

    def _decide(self, vid: int, carrier: Carrier, best: Arrival | None, settled: TagDecision) -> None:
        had, returns = carrier.arrival, False
        if carrier.closed or carrier.direct:
            returns = vid in self.lost and carrier.direct
            self.lost.pop(vid, None)
            best = None if carrier.closed else best
        elif vid in self.lost:
            if not self.certain:
                self.offered[vid] = None
            if not self.certain or best is None:
                return
            del self.lost[vid]
            returns = True
        elif had is not None and (best is None or best.steps > had.steps):
            self.lost[vid] = self.offered[vid] = None
            settled.lost.add(vid)
            return
        if returns:
            settled.moved.add(vid)
        if best == had:
            return
        settled.arrivals[vid] = best
        if not carrier.direct and (best is None or had is None or best.steps != had.steps):
            settled.moved.add(vid)


def taken(ids: Ids, most: int) -> list[int]:
    """Take the first of some ids away."""
    found = list(islice(ids, most))
    for vid in found:
        del ids[vid]
    return found
