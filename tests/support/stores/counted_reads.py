"""A client over a store in memory that answers only what is requested, and counts requests and plans."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from support.stores.in_memory_writer import ROOT
from support.stores.memory_store import Callers, MemoryStore

from app.graph.commits.reads.current_edges import CURRENT_EDGES
from app.graph.commits.write_statements import STATE
from app.graph.driver.edge_pages import EDGES
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.edge_record import EdgeKey
from app.graph.records.merged_record import last_target, targets_within
from app.graph.writing import batch_planner, group_plan
from app.graph.writing.group_plan import GroupPlanner
from app.graph.writing.unit.read_set import ReadSet
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import Record
from policies.principal import Principal


@dataclass
class CountedReads(MemoryStore):
    """Reads of ``memory``: ``records`` has the vertex id of each record that was returned.

    ``edges`` has the key of each edge, with the direction of the hop, or "" for a single edge. ``requests`` counts
    requests, and ``plans`` how often an item was planned.
    """

    requests: int = 0
    plans: int = 0
    records: list[int] = field(default_factory=list)
    edges: list[tuple[str, EdgeKey]] = field(default_factory=list)

    async def transact(
        self, monkeypatch: pytest.MonkeyPatch, *items: Command, who: Principal = ROOT, missing: ReadSet | None = None
    ) -> list[WriteOutcome]:
        """Plan the items as one call, keep what they change, and return their outcomes."""
        monkeypatch.setattr(group_plan, "plan_item", self._plan_item)
        callers, client = Callers(self), self._as_client()
        planner = GroupPlanner(client, callers.coordinator, [callers.batch(who, *items)], missing or ReadSet())
        planned = await planner.plan()
        self.memory.vertices = {**self.memory.vertices, **planned.state.vertices}
        self.memory.edges = {**self.memory.edges, **planned.state.edges}
        (batch,) = planned.batches
        if batch.error is not None:
            raise batch.error
        return batch.outcomes

    def _as_client(self) -> Any:
        return self

    def _plan_item(self, *arguments: Any, **options: Any) -> WriteOutcome:
        self.plans += 1
        return batch_planner.plan_item(*arguments, **options)

    async def submit(
        self, prepared: PreparedStatement, bindings: Mapping[str, Any], *, writes: bool = False, **_: object
    ) -> list[Any]:
        """See :class:`app.graph.driver.gremlin_client.GremlinClient`; no record is without long values."""
        if prepared is STATE:
            self.requests += 1
            return [self._state(bindings)]
        if prepared is EDGES:
            self.requests += 1
            return [self._page(bindings["hops"], bindings["page"])]
        if prepared is CURRENT_EDGES:
            self.requests += 1
            rows = self._rows(bindings, bindings["position"][:1])
            return [{"e": [part for _, far, text in rows for part in (far, text)], "r": None, "n": len(rows)}]
        return await super().submit(prepared, bindings, writes=writes)

    def _page(self, hops: Sequence[Mapping[str, Any]], budget: int) -> Mapping[str, Any]:
        """Return the edges at some positions, each of which is at the begin of a vertex, as long as they are few."""
        pages: list[list[Any]] = [[] for _ in hops]
        rest: list[list[Any]] = [[[], []] for _ in hops]
        for hop, page, (_, partly) in zip(hops, pages, rest, strict=True):
            for vid, label, _ in hop["more"]:
                rows = self._rows(hop, [vid])[: max(budget, 0)]
                budget -= len(rows)
                page += [part for near, far, text in rows for part in (near, None, far, None, text)]
                if budget <= 0:
                    partly.append([vid, label, len(rows)])
        return {"e": pages, "r": rest, "d": [], "n": sum(map(len, pages)) // 5}

    def _state(self, bindings: Mapping[str, Any]) -> Mapping[str, Any]:
        stored = self.memory.vertices
        leads = stored if bindings["follow"] else {}
        named = {each for vid in bindings["stored"] for each in (vid, *targets_within(vid, leads))} & stored.keys()
        rows = [self._rows(hop, {last_target(vid, leads) for vid in hop["xs"]} & named) for hop in bindings["hops"]]
        keys = [(pair["l"], last_target(pair["o"], leads), last_target(pair["i"], leads)) for pair in bindings["pairs"]]
        far = {end for each in rows for _, end, _ in each} - named
        read = sorted(named | far) if bindings["full"] else []
        self.records += read
        found = [self.memory.edges.get(key) if {*key[1:]} <= named else None for key in keys]
        self.edges += [("", key) for key, edge in zip(keys, found, strict=True) if edge is not None]
        return {
            "v": [part for vid in read for part in (vid, _text(stored[vid]))],
            "e": [[part for row in each for part in row] for each in rows],
            "p": [None if edge is None else _text(edge) for edge in found],
            "w": [] if bindings["full"] else sorted(far),
            "c": [],
            "n": 0,
            "large": False,
        }

    def _rows(self, hop: Mapping[str, Any], near: Iterable[int]) -> list[tuple[int, int, str]]:
        """Return the edges of a hop at some vertices, each with its near and its far end."""
        found = [(key, edge) for key, edge in self.memory.edges.items() if key[0] in hop["ls"]]
        rows = [(key, key[1:] if hop["d"] == "out" else (key[2], key[1]), edge) for key, edge in found]
        rows = [row for row in rows if row[1][0] in near]
        self.edges += [(hop["d"], key) for key, _, _ in rows]
        return [(*ends, _text(edge)) for _, ends, edge in rows]


def _text(record: Record) -> str:
    return orjson.dumps(record).decode()
