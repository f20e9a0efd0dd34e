"""Sources and ranks that the sensitivity job has read, kept from step to step until they are written.

Writers run between the steps of the job. What their transactions touch is recorded, and forgotten before the next step
reads: what is left is as stored. A rank is that of a sensitivity (:data:`policies.sensitivity.RANK`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from app.graph.cache.fill import Forbidden
from app.graph.propagation.sources import group_of, is_group
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.touched import Touched
from graphql_schema.catalog.relations import CARRYING, PARENT_HOPS
from graphql_schema.ports.operation_budget import OperationBudget
from policies.sensitivity import RANK, SENSITIVITIES

AT_ONCE: Final = 250
"""Maximal number of vertices whose sources one request reads."""

MAX_REQUESTS: Final = 40
"""Maximal number of requests for sources in one step of the job, which holds the lock of the writers."""

MAX_VERTICES: Final = 5_000
"""Number of vertices after which a step sends no further request for sources."""

MAX_WRITTEN: Final = 100_000
"""Number of vertices and ends of edges, written since the last step, above which everything is forgotten."""

_KEYS: Final = ("kind", "sensitivity", "declaredSensitivity")

_JOINING: Final = frozenset(hop.relation.name for hop in PARENT_HOPS.values())
"""Relations between the children and parents of asset groups: the sources of a target of the parent depend on these."""


@dataclass(slots=True)
class ReadBudget:
    """What one step of the job may still read."""

    requests: int = MAX_REQUESTS
    vertices: int = MAX_VERTICES

    @property
    def is_spent(self) -> bool:
        """Whether the step must end before its next request."""
        return self.requests <= 0 or self.vertices <= 0


@dataclass(slots=True)
class KnownSources:
    """The stored effective ``ranks`` and ``declared`` ranks of vertices, and the sources ``of`` vertices, by vertex id.

    A vertex that is not stored has the rank 0. Groups are known as in :class:`app.graph.propagation.sources.Sources`: a
    group declares nothing, and has the highest rank, so that a walk continues to its members.
    """

    ranks: dict[int, int] = field(default_factory=dict)
    declared: dict[int, int] = field(default_factory=dict)
    of: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _written: Forbidden = field(default_factory=Forbidden)

    def record(self, touched: Touched) -> None:
        """Record what a transaction touches."""
        self._written.add(touched)
        if len(self._written) > MAX_WRITTEN or self._written.everything:
            self._written = Forbidden(everything=True)

    def forget_written(self) -> bool:
        """Forget what was recorded since the last call; return whether any of that was known."""
        size = len(self.ranks) + len(self.of)
        written, self._written = self._written, Forbidden()
        self._forget(written)
        return written.everything or len(self.ranks) + len(self.of) < size

    async def read(self, flows: StoredFlows, vids: Collection[int], budget: ReadBudget) -> bool:
        """Read the sources of vertices and groups, and the ranks of both and of members, as far as they are unknown.

        Return whether all are known now; otherwise the budget is spent.
        """
        turns, groups, wanted = OperationBudget(), dict[int, None](), dict[int, None]()
        async for vid in turns.in_turns(vids):
            groups |= dict.fromkeys(filter(is_group, self.of.get(vid, ())))
            wanted |= dict.fromkeys(self._unknown(vid))
        async for group in turns.in_turns(groups):
            wanted |= dict.fromkeys(self._unknown(group))
        unread = [*wanted]
        for start in range(0, len(unread), AT_ONCE):
            if budget.is_spent:
                return False
            budget.vertices -= await self._read(flows, unread[start : start + AT_ONCE])
            budget.requests -= 1
        return True

    def _unknown(self, vid: int) -> Iterator[int]:
        """Yield the vertex, and those of its sources, of which something is to be read."""
        if vid not in self.of or vid not in self.ranks:
            yield vid
        for source in self.of.get(vid, ()):
            if source not in self.ranks:
                yield source

    async def _read(self, flows: StoredFlows, vids: list[int]) -> int:
        """Read the sources of some vertices, and the ranks of both; return the number of vertices read."""
        found = await flows.sources(vids, _KEYS)
        for vid in (*vids, *filter(is_group, found.of)):
            self.of[vid] = tuple(found.of.get(vid, ()))
            self.ranks[vid] = len(SENSITIVITIES) - 1 if is_group(vid) else 0
            self.declared[vid] = 0
        async for vid, record in OperationBudget().in_turns(found.records.items()):
            self.ranks[vid] = RANK[record["sensitivity"]]
            self.declared[vid] = RANK[record["declaredSensitivity"]]
        return len(found.records)

    def _forget(self, touched: Forbidden) -> None:
        if touched.everything:
            self.ranks, self.declared, self.of = {}, {}, {}
        for vid in touched.vertices:
            self.ranks.pop(vid, None)
        ends = touched.edge_ends
        joined = {vid for _, label, vid in ends if label in _JOINING}
        for vid in joined | {vid for direction, label, vid in ends if direction == "in" and label in CARRYING}:
            self.of.pop(vid, None)
        if joined:
            joined |= set(map(group_of, joined))
            for vid in [vid for vid, sources in self.of.items() if not (is_group(vid) or joined.isdisjoint(sources))]:
                del self.of[vid]  # that of a group is replaced when a target of its parent is read
