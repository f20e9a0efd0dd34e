"""What is read over the graph cache is what the store has, whatever was written, failed or evicted before.

In most runs another process writes to the store too, and both have a write log.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from support.stores.faulty_client import FaultyClient, Held
from support.stores.janusgraph import GraphHost, open_graph
from support.stores.random_levels import (
    EDGES,
    LEVELS,
    MARKS,
    PLACES,
    URNS,
    VERTICES,
)
from support.stores.two_processes import Host, Resources, TwoProcesses, ended, sequence

from app.graph.cache.graph_cache import GraphCache
from app.graph.commits import write_log
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import WriteLog
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level import level_batcher
from app.graph.records.vertex_id import vertex_id
from app.store.schema_stamp import StoreSchema
from graphql_schema.ports.record import JsonObject

RUNS = int(os.environ.get("RUNS", "15"))
STEPS = 30

SMALL_CAP = 12

MAX_READS = 3
"""Number of reads that wait for their responses; the client has eight slots."""

NEVER = 3_600.0
"""Seconds that no run takes."""

FOREIGN_FAULTS = st.sampled_from([None, None, None, "lost", "late", "unsent", "torn"])
"""Faults of the writes of the other process; they are torn only if what it touches is not kept during the run."""

_tenants = (f"coherent-{number}" for number in count())


class Coherence(TwoProcesses):
    """Writes, failures and reads in random order, over vertices of a tenant of their own."""

    @initialize(
        limit=st.sampled_from([1 << 24, 1 << 24, 60_000, 12_000]),
        cap=st.sampled_from([50_000, 50_000, SMALL_CAP]),
        visited=st.sampled_from([150_000, 150_000, 3]),
        edges=st.lists(EDGES, min_size=4, max_size=12),
        shared=st.sampled_from([True, True, False]),
        kept=st.sampled_from([10_000, 10_000, 3, 0]),
        visible=st.sampled_from([0.0, NEVER]),
    )
    def begin(  # noqa: PLR0913, PLR0917 - drawn by hypothesis
        self,
        limit: int,
        cap: int,
        visited: int,
        edges: list[JsonObject],
        shared: bool,  # noqa: FBT001
        kept: int,
        visible: float,
    ) -> None:
        """Begin with some vertices and edges, and an empty cache of some size, alone or beside another process."""
        self.tenant = next(_tenants)
        self.now = 1_000
        self.number = 0
        self.shared, self.visible = shared, visible
        self.host = Host()
        self.cache = GraphCache(limit, None if shared else self.host)
        self.there.client.write_watches = [self.cache]
        for name, value in (("KEPT", kept), ("DROPPED_AT_ONCE", 1), ("VISIBLE_SECONDS", visible)):
            self.there.monkeypatch.setattr(write_log, name, value)
        for client in (self.there.client, self.there.other):
            client.late.clear()
            client.write_order = self.run(WriteLog.opened(client, WriteCoordinator())) if shared else None
        self.vids = [vertex_id(self.tenant, urn) for urn in URNS]
        self.levels: list[list[JsonObject]] = []
        self.reads: list[tuple[Held, asyncio.Task[Any]]] = []
        self.writes: list[tuple[Held, asyncio.Task[Any]]] = []
        self.there.monkeypatch.setattr(level_batcher, "EDGE_CAP", cap)
        self.there.monkeypatch.setattr(level_batcher, "VISITED_CAP", visited)
        self.run(self.write_planned([*range(1, len(URNS))], edges, [], None))

    def teardown(self) -> None:
        """Let everything end that is under way."""
        while self.reads or self.writes:
            self.end_read()
            self.end_write()

    @rule(steps=st.sampled_from([1, 1, 2, 5, 40]))
    def wait(self, steps: int) -> None:
        """Let time pass."""
        self.now += steps

    @precondition(lambda self: not self.writes)
    @rule(
        vertices=VERTICES,
        edges=st.lists(EDGES, max_size=3),
        marks=MARKS,
        fault=st.sampled_from([None, None, None, None, "unsent", "lost", "late", "refused"]),
    )
    def write(self, vertices: list[int], edges: list[JsonObject], marks: list[int], fault: Any) -> None:
        """Write vertices, edges and marks in one transaction, which may fail."""
        self.run(self.write_planned(vertices, edges, marks, fault))

    @precondition(lambda self: not self.writes)
    @rule(vertices=VERTICES, edges=st.lists(EDGES, max_size=2))
    def begin_write(self, vertices: list[int], edges: list[JsonObject]) -> None:
        """Begin a transaction that is committed, and whose response arrives later."""
        held = Held()
        work = self.write_planned(vertices, edges, [], None, held=held)
        self.writes.append((held, self.run(self.started(held, work))))

    @rule()
    def end_write(self) -> None:
        """Let the response to a transaction arrive."""
        if self.writes:
            held, task = self.writes.pop()
            held.release.set()
            self.run(ended(task))

    @rule()
    def commit_late(self) -> None:
        """Let the store commit a transaction of each process whose response was lost."""
        self.run(self.there.client.commit_late())
        self.run(self.there.other.commit_late())

    @precondition(lambda self: self.shared)
    @rule(vertices=VERTICES, edges=st.lists(EDGES, max_size=3), marks=MARKS, fault=FOREIGN_FAULTS)
    def write_elsewhere(self, vertices: list[int], edges: list[JsonObject], marks: list[int], fault: Any) -> None:
        """Let the other process write, also while this one reads or waits for the response to a write."""
        self._write_elsewhere(vertices, edges, marks, fault)

    @precondition(lambda self: self.shared and not self.writes)
    @rule(
        edges=st.lists(EDGES, min_size=1, max_size=2),
        further=st.lists(EDGES, min_size=1, max_size=2),
        vertices=VERTICES,
    )
    def write_too_late(self, edges: list[JsonObject], further: list[JsonObject], vertices: list[int]) -> None:
        """Let the other process write between plan and transaction of this one, which is then refused.

        A process that was refused several times in a row writes an entry before its plan, with which others wait.
        """
        planned = []

        async def overtake() -> None:
            planned.append(await sequence(self.there.plain))
            await self.write_planned(vertices, further, [], None, self.there.other)

        self.overtake = overtake
        self.run(self.write_planned([], edges, [], "overtaken"))
        assert self.run(sequence(self.there.plain)) == planned[0] + 1

    @precondition(lambda self: not self.writes and not self.reads)
    @rule()
    def restart(self) -> None:
        """Start the store again: transactions without a response are lost if they were not committed."""
        self.there.client.late.clear()
        self.there.other.late.clear()
        self.host.starts += 1

    @rule(level=LEVELS)
    def begin_read(self, level: list[JsonObject]) -> None:
        """Begin a read over the cache whose response, if it needs one, arrives later."""
        if len(self.reads) == MAX_READS:
            self.end_read()
        held = Held()
        self.run(self.learn())
        self.there.client.held_read = held
        self.reads.append((held, self.run(self.started(held, self.read_level(level, self.now, self.cache)))))
        self.there.client.held_read = None

    @rule()
    def end_read(self) -> None:
        """Let the response to a read arrive."""
        if self.reads:
            held, task = self.reads.pop(0)
            held.release.set()
            self.run(ended(task))

    @rule(levels=st.lists(LEVELS, min_size=1, max_size=3), ago=st.sampled_from([0, 0, 0, 1, 4]))
    def read(self, levels: list[list[JsonObject]], ago: int) -> None:
        """Compare reads over the cache with those of the store, also when all of it was read just before."""
        self.levels = [*levels, *self.levels][:4]
        for level in (*levels, *self.levels):
            self._compare(level, ago)

    @precondition(lambda self: not self.writes)
    @rule(
        level=LEVELS,
        vertices=VERTICES,
        edges=st.lists(EDGES, min_size=1, max_size=3),
        begins_before=st.booleans(),
        ends_before=st.booleans(),
    )
    def read_beside_a_write(
        self,
        level: list[JsonObject],
        vertices: list[int],
        edges: list[JsonObject],
        begins_before: bool,  # noqa: FBT001 - drawn by hypothesis
        ends_before: bool,  # noqa: FBT001
    ) -> None:
        """Let a read begin before or during a write, and end during it or after it; then compare the same level."""
        if begins_before:
            self.begin_read(level)
        self.begin_write(vertices, edges)
        if not begins_before:
            self._compare(level)
            self.begin_read(level)
        for _ in range(len(self.reads) if ends_before else 0):
            self.end_read()
        self.end_write()
        while self.reads:
            self.end_read()
        self._compare(level)

    @precondition(lambda self: not self.writes)
    @rule(level=LEVELS, edges=st.lists(EDGES, min_size=1, max_size=3), steps=st.sampled_from([2, 4, 6]))
    def read_earlier_and_later(self, level: list[JsonObject], edges: list[JsonObject], steps: int) -> None:
        """Compare a level after some time, then at an earlier instant, and then at a later one."""
        self.write([], edges, [], None)
        self.now += steps
        self._compare(level)
        self._compare(level, steps)
        self.now += steps
        self._compare(level)

    @precondition(lambda self: not self.writes)
    @rule(level=LEVELS, vertices=VERTICES, edges=st.lists(EDGES, min_size=1, max_size=3))
    def read_before_a_late_commit(self, level: list[JsonObject], vertices: list[int], edges: list[JsonObject]) -> None:
        """Compare a level after a write without a response, and again after the store has committed it."""
        self.write(vertices, edges, [], "late")
        self._compare(level)
        self.commit_late()
        self._compare(level)

    @precondition(lambda self: self.shared)
    @rule(
        level=LEVELS,
        other_level=LEVELS,
        vertices=VERTICES,
        edges=st.lists(EDGES, min_size=1, max_size=3),
        learned=st.booleans(),
        fault=FOREIGN_FAULTS,
    )
    def read_beside_a_foreign_write(  # noqa: PLR0913, PLR0917 - drawn by hypothesis
        self,
        level: list[JsonObject],
        other_level: list[JsonObject],
        vertices: list[int],
        edges: list[JsonObject],
        learned: bool,  # noqa: FBT001
        fault: Any,
    ) -> None:
        """Let the other process write during a read, which may end after the write is known; compare the same level."""
        self.begin_read(level)
        self._write_elsewhere(vertices, edges, [], fault)
        if learned:
            self._compare(other_level)
        while self.reads:
            self.end_read()
        self._compare(level)
        self.commit_late()
        self._compare(level)

    @precondition(lambda self: self.shared)
    @rule(
        level=LEVELS,
        foreign=st.lists(
            st.tuples(st.lists(PLACES, min_size=1, max_size=3), st.lists(EDGES, min_size=1, max_size=3)),
            min_size=1,
            max_size=3,
        ),
    )
    def read_around_foreign_writes(
        self, level: list[JsonObject], foreign: list[tuple[list[int], list[JsonObject]]]
    ) -> None:
        """Compare a level, let the other process write some transactions, and compare the level again."""
        self._compare(level)
        for vertices, edges in foreign:
            self._write_elsewhere(vertices, edges, [], None)
        self._compare(level)

    @precondition(lambda self: self.shared and self.visible == NEVER)
    @rule(level=LEVELS, vertices=VERTICES, edges=st.lists(EDGES, min_size=1, max_size=3))
    def read_between_the_parts(self, level: list[JsonObject], vertices: list[int], edges: list[JsonObject]) -> None:
        """Compare a level while only the log has a transaction, as in a storage of several machines, and after it."""
        self._compare(level)
        self._write_elsewhere(vertices, edges, [], "torn")
        self._compare(level)
        self.commit_late()
        self._compare(level)

    def _write_elsewhere(self, vertices: list[int], edges: list[JsonObject], marks: list[int], fault: Any) -> None:
        given = None if fault == "torn" and self.visible != NEVER else fault
        self.run(self.write_planned(vertices, edges, marks, given, self.there.other))

    def _compare(self, level: list[JsonObject], ago: int = 0) -> None:
        self.run(self.learn())
        over_cache = self.run(self.read_level(level, self.now - ago, self.cache))
        assert over_cache == self.run(self.read_level(level, self.now - ago, None))


@pytest.fixture
def there(
    graph_host: GraphHost, store_schema: StoreSchema, graphs_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Resources]:
    """Open a graph with three clients, on an event loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        clients = runner.run(_opened(stack, graph_host, store_schema, graphs_folder))
        yield Resources(runner, *clients, monkeypatch)
        runner.run(stack.aclose())


async def _opened(
    stack: AsyncExitStack, graph_host: GraphHost, schema: StoreSchema, folder: Any
) -> tuple[FaultyClient, FaultyClient, GremlinClient]:
    graph = await stack.enter_async_context(open_graph(graph_host, schema, folder))
    client = await stack.enter_async_context(FaultyClient(graph.url, source=graph.source, deadline=300))
    other = await stack.enter_async_context(FaultyClient(graph.url, source=graph.source, deadline=300))
    return client, other, await stack.enter_async_context(GremlinClient(graph.url, source=graph.source))


@pytest.mark.timeout(0)
def test_the_cache_returns_what_the_store_has(there: Resources) -> None:
    """Every level read over the cache equals the same level read from the store, with its order, rows and errors."""

    class Machine(Coherence):
        pass

    Machine.there = there
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[phase for phase in Phase if phase.name != os.environ.get("WITHOUT")],
        ),
    )
