"""Recomputes the effective sensitivity of a batch of vertices from their neighbours, up or down.

Raising is local: a vertex is at least as strict as each direct source. Lowering is not, because a cycle would support
itself. A sensitivity is supported if a vertex that declares it, or a higher one, reaches the vertex over vertices of at
least that sensitivity. Unsupported sensitivities are lowered rank by rank, from the highest. Until a batch lowers a
vertex to its effective sensitivity, the stored one is too strict.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.ports.record import Record
from policies.sensitivity import RANK, SENSITIVITIES


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Result of one batch.

    ``changed`` maps a vertex id to its new record, ``before`` the id of each vertex that was read to its stored record.
    ``further`` are the vertices to recompute next.
    """

    changed: Mapping[int, Record]
    before: Mapping[int, Record]
    further: set[int]


@dataclass(slots=True)
class _Neighbourhood:
    """What one batch has read: records, their ranks as recomputed so far, and their sources, by vertex id."""

    flows: StoredFlows
    confirms: Callable[[Record], bool]
    records: dict[int, Record] = field(default_factory=dict)
    ranks: dict[int, int] = field(default_factory=dict)
    sources: dict[int, set[int]] = field(default_factory=dict)

    async def read(self, vids: Iterable[int]) -> None:
        """Read the sources of vertices that were not read before."""
        wanted = [vid for vid in vids if vid not in self.sources]
        found = await self.flows.sources(wanted)
        for vid, record in found.records.items():
            if vid not in self.records:
                self.records[vid] = record
                self.ranks[vid] = RANK[record["sensitivity"]]
        self.sources |= {vid: found.of.get(vid, set()) for vid in wanted}

    def declared(self, vid: int) -> int:
        """Return the rank that a vertex declares."""
        return RANK[self.records[vid]["declaredSensitivity"]]

    def changed(self) -> dict[int, Record]:
        """Return the new records, by vertex id, of the vertices whose recomputed rank differs from the stored one."""
        return {
            vid: with_effective_sensitivity(record, SENSITIVITIES[self.ranks[vid]], confirmed=self.confirms(record))
            for vid, record in self.records.items()
            if RANK[record["sensitivity"]] != self.ranks[vid]
        }


async def recompute(
    flows: StoredFlows, vids: Iterable[int], confirms: Callable[[Record], bool] = lambda _: True
) -> Recomputed:
    """Return the changes that recomputing these vertices makes; nothing is written.

    ``confirms`` decides whether a raise of a record is confirmed (docs/sensitivity.md).
    Hold the lock of the writers from this call until the changes are stored.
    """
    around = _Neighbourhood(flows, confirms)
    await around.read(vids)
    batch = [vid for vid in around.sources if vid in around.records]
    for vid in batch:
        from_sources = map(around.ranks.__getitem__, around.sources[vid])
        around.ranks[vid] = max(around.ranks[vid], around.declared(vid), *from_sources)
    lowered: set[int] = set()
    for rank in range(len(SENSITIVITIES) - 1, 0, -1):
        lowered |= await _lower([vid for vid in batch if around.ranks[vid] == rank], rank, around)
    changed = around.changed()
    further, _ = await flows.targets(changed, max_records=0)
    return Recomputed(changed, around.records, further | lowered)


async def _lower(vids: Iterable[int], rank: int, around: _Neighbourhood) -> set[int]:
    """Set vertices without support for ``rank`` to the rank below it, and return them.

    Examined are ``vids``, which have the rank ``rank``, and the vertices upstream of them with at least that rank.
    """
    reached = {vid for vid in vids if around.declared(vid) < rank}
    supporting: set[int] = set()
    new = set(reached)
    while new:
        await around.read(new)
        above = {source for vid in new for source in around.sources[vid] if around.ranks[source] >= rank} - reached
        reached |= above
        supporting |= {vid for vid in above if around.declared(vid) >= rank}
        new = above - supporting
    unsupported = reached - _downstream(supporting, reached, around)
    for vid in unsupported:
        around.ranks[vid] = rank - 1
    return unsupported


def _downstream(origins: set[int], within: set[int], around: _Neighbourhood) -> set[int]:
    """Return the origins, and the vertices of the set ``within`` that they reach over its vertices."""
    targets: dict[int, list[int]] = defaultdict(list)
    for vid in within:
        for source in around.sources.get(vid, ()):
            targets[source].append(vid)
    found, new = set(origins), list(origins)
    while new:
        for vid in targets[new.pop()]:
            if vid not in found:
                found.add(vid)
                new.append(vid)
    return found
