"""A client over a store in memory: it applies what is written, and can fail or hold a write."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.writers import NOW, asset, urn

from app.graph.commits.late_writes import INDEXED
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import WRITE
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.flow_statement import FLOW
from app.graph.propagation.stored_levels import BEARING
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.group_commit import GroupCommit
from app.graph.writing.unit.item_size import edge_count
from app.graph.writing.unit.working_set import WorkingSet
from app.telemetry.work import WorkMonitor
from graphql_schema.ports.commands import Command
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal


@dataclass
class MemoryStore:
    """A client over ``memory``. ``refuses`` returns the error of a write, given the URNs of its vertices.

    ``writes`` has these URNs for each write. While ``open`` is not set, a write waits. ``late_index`` is how often the
    index lacks what is stored, when that is read. ``index_error`` is the error of each such read.
    """

    memory: Memory
    writes: list[set[str]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[Exception | None] = field(default_factory=list)
    bad: dict[str, Exception] = field(default_factory=dict)
    write_order: None = None
    write_epoch: None = None
    host: None = None
    work: WorkMonitor = field(default_factory=WorkMonitor)
    exclusive: bool = True
    late_index: int = 0
    index_error: Exception | None = None
    index_reads: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    async def prefetch(self, *_: object) -> WorkingSet:
        """See :func:`app.graph.writing.prefetch.prefetch`; everything stored is read."""
        await asyncio.sleep(0)
        return self.memory.state()

    async def submit(
        self, prepared: PreparedStatement, bindings: Mapping[str, Any], *, writes: bool = False, **_: object
    ) -> list[Any]:
        """See :class:`app.graph.driver.gremlin_client.GremlinClient`."""
        await asyncio.sleep(0)
        if prepared is INDEXED:
            self.index_reads += 1
            if self.index_error is not None:
                raise self.index_error
            return [self.index_reads > self.late_index]
        if prepared is FLOW:
            hops = bindings["hops"]
            return [{"e": [[] for _ in hops], "r": [([], []) for _ in hops], "v": [], "w": [], "n": 0}]
        if prepared is BEARING:
            return []
        if prepared is not WRITE:
            return [{"v": [], "e": [], "p": [], "w": [], "c": [], "n": 0, "large": False}]
        assert writes
        await self.open.wait()
        rows = {name: _decoded(bindings[name]) for name in ("vertices", "edges", "receipts")}
        records = {row["x"]: orjson.loads(row["p"]["record"]) for row in rows["vertices"]}
        urns = {record["id"] for record in records.values() if record["kind"] != "CHANGE"}
        self.writes.append(urns)
        error = self.errors.pop(0) if self.errors else None
        error = error or next((error for urn, error in self.bad.items() if urn in urns), None)
        if error is not None:
            raise error
        self.memory.vertices |= records
        self.memory.edges |= {(row["l"], row["o"], row["i"]): orjson.loads(row["p"]["record"]) for row in rows["edges"]}
        self.memory.receipts |= {row["x"]: orjson.loads(row["record"]) for row in rows["receipts"]}
        return [len(records)]


def _decoded(rows: Any) -> Any:
    """Return rows that may be encoded already: a writer encodes many at once in the side thread."""
    return orjson.loads(orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS))


@dataclass
class Callers:
    """Callers over one store, whose calls are batches of :class:`GroupCommit`."""

    store: MemoryStore
    coordinator: WriteCoordinator = field(default_factory=WriteCoordinator)

    def batch(self, who: Principal, *items: Command, dry_run: bool = False, atomic: bool = False) -> CallBatch:
        """Return a batch of a caller; its instant in the order of commits is a new one."""

        def new_author() -> Any:
            instant = self.coordinator.commit_log.instant(NOW, "default")
            return replace(self.store.memory.author(who), tenant=who.tenant, audit_instant=instant)

        return CallBatch(
            tenant=who.tenant,
            caller=who.subject,
            item_count=len(items),
            edge_count=sum(map(edge_count, items)),
            items=items,
            dry_run=dry_run,
            atomic=atomic,
            budget=OperationBudget(),
            new_author=new_author,
        )

    def write(self, batch: CallBatch) -> asyncio.Task[list[WriteOutcome]]:
        """Begin to write a batch."""
        client: Any = self.store
        return asyncio.create_task(GroupCommit(client, self.coordinator).write(batch))

    def call(
        self, who: Principal, *items: Command, dry_run: bool = False, atomic: bool = False
    ) -> asyncio.Task[list[WriteOutcome]]:
        """Begin a call with one batch."""
        return self.write(self.batch(who, *items, dry_run=dry_run, atomic=atomic))


def names(outcomes: list[WriteOutcome]) -> list[str]:
    """Return the outcomes by name."""
    return [one.outcome.name for one in outcomes]


def data(*texts: str) -> set[str]:
    """Return the URNs of data sets."""
    return {urn(f"dataset {text}") for text in texts}


async def holding(callers: Callers) -> "asyncio.Task[object]":
    """Begin a transaction that stays under way until the store is opened."""
    callers.store.open.clear()
    first: asyncio.Task[object] = asyncio.ensure_future(callers.call(ROOT, asset("dataset first")))
    for _ in range(20):
        await asyncio.sleep(0)
    assert callers.coordinator.lock.locked()
    return first
