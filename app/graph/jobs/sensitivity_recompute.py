"""Settling: some vertices are brought to the sensitivity that follows from their neighbours, up or down.

Up is local: a vertex is at least as strict as what flows to it. Down is not, because a cycle would hold itself up: a
level is founded when something that declares it, or more, reaches the vertex over vertices of that level. Where nothing
does, all that was found on the way is unfounded too and goes down one level. What is stored may be too strict meanwhile
and never too open: only what provably has no cause goes down.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.graph.propagation.stored_flows import Record, StoredFlows
from policies.sensitivity import LEVELS, RANK


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The records that change, and the vertices to settle next."""

    changed: dict[int, Record]
    further: set[int]


@dataclass(slots=True)
class _Known:
    """What one batch has read: records, ranks as they become, and sources."""

    flows: StoredFlows
    records: dict[int, Record] = field(default_factory=dict)
    ranks: dict[int, int] = field(default_factory=dict)
    sources: dict[int, set[int]] = field(default_factory=dict)

    async def read(self, vids: Iterable[int]) -> None:
        """Read the sources of vertices, unless they are known."""
        wanted = [vid for vid in vids if vid not in self.sources]
        found = await self.flows.sources(wanted)
        for vid, record in found.records.items():
            if vid not in self.records:
                self.records[vid] = record
                self.ranks[vid] = RANK[record["sensitivity"]]
        self.sources |= {vid: found.of.get(vid, set()) for vid in wanted}

    def declared(self, vid: int) -> int:
        """The rank that a vertex declares."""
        return RANK[self.records[vid]["declaredSensitivity"]]

    def changed(self) -> dict[int, Record]:
        """The records whose sensitivity is another one now."""
        return {
            vid: {**record, "sensitivity": LEVELS[self.ranks[vid]]}
            for vid, record in self.records.items()
            if RANK[record["sensitivity"]] != self.ranks[vid]
        }


async def recompute(flows: StoredFlows, vids: Iterable[int]) -> Recomputed:
    """What settling these vertices changes; read and written by the caller under one lock."""
    known = _Known(flows)
    await known.read(vids)
    batch = [vid for vid in known.sources if vid in known.records]
    for vid in batch:
        known.ranks[vid] = max(known.ranks[vid], known.declared(vid), *map(known.ranks.__getitem__, known.sources[vid]))
    lowered: set[int] = set()
    for rank in range(len(LEVELS) - 1, 0, -1):
        lowered |= await _lower([vid for vid in batch if known.ranks[vid] == rank], rank, known)
    changed = known.changed()
    further, _ = await flows.targets(changed, most=0)
    return Recomputed(changed, further | lowered)


async def _lower(vids: Iterable[int], rank: int, known: _Known) -> set[int]:
    """Take what has no cause for its rank one rank down; which vertices that is."""
    reached = {vid for vid in vids if known.declared(vid) < rank}
    causes: set[int] = set()
    new = set(reached)
    while new:
        await known.read(new)
        above = {source for vid in new for source in known.sources[vid] if known.ranks[source] >= rank} - reached
        reached |= above
        causes |= {vid for vid in above if known.declared(vid) >= rank}
        new = above - causes
    unfounded = reached - _downstream(causes, reached, known)
    for vid in unfounded:
        known.ranks[vid] = rank - 1
    return unfounded


def _downstream(causes: set[int], within: set[int], known: _Known) -> set[int]:
    """The causes, and what they reach within a set."""
    targets: dict[int, list[int]] = defaultdict(list)
    for vid in within:
        for source in known.sources.get(vid, ()):
            targets[source].append(vid)
    found, new = set(causes), list(causes)
    while new:
        for vid in targets[new.pop()]:
            if vid not in found:
                found.add(vid)
                new.append(vid)
    return found
