"""A process with a graph cache beside another process: what a state machine of hypothesis does over their graph."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis.stateful import RuleBasedStateMachine
from support.stores.faulty_client import Fault, FaultyClient, Held
from support.stores.random_levels import edge_of, kind_code, record_of_place, request_of

from app.graph.cache.graph_cache import GraphCache
from app.graph.commits import write_log
from app.graph.commits.state_read import StoredState, read_state
from app.graph.commits.write_set import WriteSet
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.level_batcher import LevelBatcher, LevelResponse
from app.graph.records.edge_record import EdgeKey
from app.graph.records.inferred_edge import CHAINS, LABEL
from app.graph.records.read_time import ReadTime
from app.store.errors import StoreReason
from graphql_schema.catalog.relations import FEEDS
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject
from policies.errors import CodedError, LimitError


@dataclass
class Host:
    """A host of the store that was started ``starts`` times."""

    starts: int = 1

    def outage(self) -> StoreReason | None:
        """Return that there is none."""
        return None

    def free_bytes(self) -> int:
        """Return a constant."""
        return 1 << 40

    def has_space(self) -> bool:
        """Return that there is space."""
        return True

    async def restart(self, _: StoreReason) -> None:
        """Start the store again."""
        self.starts += 1


@dataclass
class Resources:
    """The graph of all runs, with three clients.

    ``client`` is that of the writers and cached readers, ``other`` that of another process, and ``plain`` that of the
    reader without a cache.
    """

    runner: asyncio.Runner
    client: FaultyClient
    other: FaultyClient
    plain: GremlinClient
    monkeypatch: pytest.MonkeyPatch


@dataclass
class Outcome:
    """What one level returned: the response to each request or the class of its error, and the counted rows."""

    responses: list[Any]
    rows: int


class TwoProcesses(RuleBasedStateMachine):
    """Reads and writes over vertices of one tenant; ``overtake`` writes between plan and transaction of a write."""

    there: Resources
    overtake: Callable[[], Awaitable[None]]
    tenant: str
    now: int
    number: int
    vids: list[int]

    def run(self, work: Any) -> Any:
        """Run a coroutine to its end."""
        return self.there.runner.run(work)

    async def learn(self) -> None:
        """Learn what the other process has written, as each operation does at its begin."""
        order = self.there.client.write_order
        if order is not None:
            await order.learn()

    def _next(self) -> int:
        self.number += 1
        return self.number

    async def started(self, held: Held, work: Any) -> asyncio.Task[Any]:
        """Return a task that is done, or whose response is held back."""
        task = asyncio.create_task(work)
        received = asyncio.create_task(held.received.wait())
        await asyncio.wait([task, received], return_when=asyncio.FIRST_COMPLETED)
        received.cancel()
        return task

    async def read_level(self, level: list[JsonObject], now: int, cache: GraphCache | None) -> Outcome:
        """Read a level over the cache, or without one from the store."""
        budget = OperationBudget()
        client = self.there.plain if cache is None else self.there.client
        batcher = LevelBatcher(client, self.tenant, ReadTime(now), budget, cache)
        requests = [request_of(each, self.vids) for each in level]
        found = await asyncio.gather(*map(batcher.fetch, requests), return_exceptions=True)
        return Outcome([_plain(each) for each in found], budget.rows)

    async def write_planned(  # noqa: PLR0913 - what a transaction has, and what happens to it
        self,
        vertices: list[int],
        edges: list[JsonObject],
        marks: list[int],
        fault: Fault | str | None,
        client: FaultyClient | None = None,
        *,
        held: Held | None = None,
    ) -> None:
        """Plan and write vertices, edges and marks in one transaction, which fails with a ``fault``.

        Its response is ``held`` back; that of the entry with which others wait, if one is written before, is not.
        """
        client = client or self.there.client
        if client.write_order is not None:
            await client.write_order.begin("writer")
        writes = await self._planned(vertices, edges, marks)
        if fault == "refused":
            writes.edge((FEEDS.name, 256, 512), {"relation": FEEDS.name, "validFrom": 0}, kinds=("DATASET", "DATASET"))
        elif fault == "overtaken":
            await self.overtake()
        elif fault is not None:
            client.fault = fault  # type: ignore[assignment]
        client.held_write = held
        try:
            await writes.submit(client)
        except CodedError:
            assert fault is not None
        finally:
            client.fault = None

    async def _planned(self, vertices: list[int], edges: list[JsonObject], marks: list[int]) -> WriteSet:
        """Return a transaction that is planned on what the store has now."""
        named = {*vertices, *marks, *(edge[end] for edge in edges for end in ("source", "target"))}
        keys = [(edge["relation"], self.vids[edge["source"]], self.vids[edge["target"]]) for edge in edges]
        stored = await read_state(self.there.plain, [self.vids[place] for place in named], edges=[])
        writes = WriteSet()
        for place in sorted(named):
            before = stored.records.get(self.vids[place])
            if before is None or place in vertices:
                writes.vertex(
                    self.vids[place], record_of_place(self.tenant, place, self.vids, self._next()), before=before
                )
        for key, edge in dict(zip(keys, edges, strict=True)).items():
            await self._add_edge(writes, key, edge, stored)
        for place in marks:
            new = self.vids[place] not in stored.records
            writes.mark(self.vids[place], "lastUsedAt", self.number, exact=False, new=new)
        return writes

    async def _add_edge(self, writes: WriteSet, key: EdgeKey, drawn: JsonObject, stored: StoredState) -> None:
        record = edge_of(drawn, self.vids, self.now, self._next())
        kinds = tuple(kind_code(vid, self.vids) for vid in key[1:])
        relation = LABEL[key[0]] if CHAINS in record else key[0]
        there = bool(stored.records.keys() >= {*key[1:]})
        known = (await read_state(self.there.plain, key[1:], edges=[(relation, *key[1:])])).edges if there else [None]
        writes.edge(key, record, kinds=None if known[0] else (kinds[0], kinds[1]))


def _plain(found: LevelResponse | BaseException) -> Any:
    if isinstance(found, LimitError):
        return type(found)
    if isinstance(found, BaseException):
        raise found
    return found.edges, found.records, found.listings


async def sequence(client: GremlinClient) -> int:
    """Return the number of the last transaction in the store."""
    (found,) = await client.submit(write_log.LEARN, {"x": write_log.HEAD, "since": 1 << 60, "xs": [write_log.HEAD]})
    return int(found["at"])


async def ended(task: asyncio.Task[Any]) -> None:
    """Wait for a task, and raise its error."""
    await asyncio.wait([task])
    task.result()
