"""A planner over a store in memory that reads only what is requested, and counts its requests and plans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.memory_store import Callers, MemoryStore

from app.graph.commits.state_read import FarEdge, HopRead, StoredState
from app.graph.records.edge_record import EdgeKey
from app.graph.records.merged_record import last_target, targets_within
from app.graph.writing import batch_planner, group_plan, prefetch
from app.graph.writing.group_plan import GroupPlan, GroupPlanner
from app.graph.writing.unit.read_set import ReadSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal


@dataclass
class CountedReads:
    """Reads of ``memory``: ``requests`` has the vertex ids that each one names, and ``plans`` counts planned items."""

    memory: Memory
    requests: list[list[int]] = field(default_factory=list)
    plans: int = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "CountedReads":
        """Let planners read this store, and count what they plan."""
        monkeypatch.setattr(prefetch, "read_state", self.read_state)
        monkeypatch.setattr(group_plan, "plan_item", self._plan_item)
        return self

    async def transact(self, *items: Command, who: Principal = ROOT) -> list[WriteOutcome]:
        """Plan the items as one call, keep what they change, and return their outcomes."""
        store = MemoryStore(self.memory)
        callers, client = Callers(store), store
        planned = await self._plan(client, callers, items, who)
        self.memory.vertices = {**self.memory.vertices, **planned.state.vertices}
        self.memory.edges = {**self.memory.edges, **planned.state.edges}
        (batch,) = planned.batches
        if batch.error is not None:
            raise batch.error
        return batch.outcomes

    @staticmethod
    async def _plan(client: Any, callers: Callers, items: Sequence[Command], who: Principal) -> GroupPlan:
        return await GroupPlanner(client, callers.coordinator, [callers.batch(who, *items)], ReadSet()).plan()

    def _plan_item(self, *arguments: Any, **options: Any) -> WriteOutcome:
        self.plans += 1
        return batch_planner.plan_item(*arguments, **options)

    async def read_state(
        self,
        _client: object,
        vertices: Iterable[int],
        hops: Sequence[HopRead] = (),
        edges: Iterable[EdgeKey] = (),
        **_options: object,
    ) -> StoredState:
        """See :func:`app.graph.commits.state_read.read_state`, with ``follow``; no record is without long values."""
        named, stored = [*vertices], self.memory.vertices
        self.requests.append(named)
        reached = {each for vid in named for each in (vid, *targets_within(vid, stored))}
        rows = [self._rows(hop, reached) for hop in hops]
        keys = [(name, last_target(source, stored), last_target(target, stored)) for name, source, target in edges]
        found = {*reached, *(far for each in rows for _, far, _ in each)}
        return StoredState(
            {vid: stored[vid] for vid in found if vid in stored},
            rows,
            [self.memory.edges.get(key) if {*key[1:]} <= reached else None for key in keys],
        )

    def _rows(self, hop: HopRead, reached: set[int]) -> list[FarEdge]:
        near = {last_target(vid, self.memory.vertices) for vid in hop.vertices if vid in reached}
        found = [(key, edge) for key, edge in self.memory.edges.items() if key[0] in hop.labels]
        rows = [(key[1:] if hop.direction is Direction.OUT else (key[2], key[1]), edge) for key, edge in found]
        return [(*ends, edge) for ends, edge in rows if ends[0] in near]
