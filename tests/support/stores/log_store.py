"""A store in memory that has a write log alone, its clients, and processes that write by them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from app.graph.commits.entries.stored_entries import READ
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import WriteLog
from app.graph.commits.write_set import WriteSet
from app.graph.commits.write_statements import WRITE
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import Touched


@dataclass
class LogStore:
    """The head and the entries of a log, as the three texts read and write them."""

    sequence: int = 0
    lease: str | None = None
    entries: dict[int, str] = field(default_factory=dict)
    outbox: dict[int, dict[str, Any]] = field(default_factory=dict)
    reads: int = 0


@dataclass
class LogClient:
    """A client of a LogStore, with the cache's side of writes recorded in ``forgotten``."""

    store: LogStore
    write_order: WriteLog | None = None
    write_epoch: None = None
    write_watches: list[Any] = field(default_factory=list)
    forgotten: list[Touched] = field(default_factory=list)
    coordinator: WriteCoordinator = field(default_factory=WriteCoordinator)
    loses_response: bool = False
    late: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write_watches = [self]

    def begun(self, touched: Touched) -> None:
        """Record what is forgotten."""
        self.forgotten.append(touched)

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Do nothing."""

    async def submit(self, prepared: PreparedStatement, bindings: Mapping[str, Any], **_: object) -> Any:
        """Return what the store would."""
        await asyncio.sleep(0)
        store = self.store
        if prepared is WRITE:
            if self.loses_response:
                self.late.append(bindings)
                raise StoreUnavailableError("no response", unknown_outcome=True)
            return self.commit(bindings)
        if "since" in bindings:
            store.reads += 1
            found = [store.entries[vid] for vid in bindings["xs"] if vid in store.entries]
            return [{"at": store.sequence, "notes": found if store.sequence > bindings["since"] else []}]
        if "x" in bindings:
            return [{"at": store.sequence, "note": store.lease}]
        if prepared is READ:
            return [[[store.outbox[x] for x in bindings["xs"] if x in store.outbox], []]]
        return [[]] if "xs" in bindings else []

    def commit(self, bindings: Mapping[str, Any]) -> list[int]:
        """Write a transaction, unless another one has its number."""
        store, turn = self.store, bindings["turn"]
        if turn["n"] != store.sequence + 1:
            return [-1]
        store.sequence, store.lease = turn["n"], turn["lease"] or store.lease
        store.entries[turn["x"]] = turn["note"]
        store.outbox |= {row["x"]: _stored(row) for row in bindings["notes"]}
        for vid in turn["old"]:
            store.entries.pop(vid, None)
        return [1]


def _stored(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"x": row["x"], "note": row["p"]["note"], "covered": row["p"].get("covered"), "frontier": row["f"]}


class Clock:
    """A clock that a test sets, in epoch milliseconds."""

    now = 1_000_000

    def __call__(self) -> int:
        """Return the time."""
        return self.now


CLIENTS: WeakKeyDictionary[WriteLog, Any] = WeakKeyDictionary()
"""The client of each log."""


async def opened(store: LogStore, clock: Clock, steady: Clock | None = None) -> WriteLog:
    """Return the log of a new process."""
    client: Any = LogClient(store)
    client.write_order = await WriteLog.opened(client, client.coordinator, clock, steady or clock)
    log: WriteLog = client.write_order
    CLIENTS[log] = client
    return log


async def write(log: WriteLog, vid: int = 256) -> None:
    """Write a vertex as a process does."""
    await log.begin("writer")
    await submit(log, vid)


async def submit(log: WriteLog, vid: int = 256) -> None:
    """Write a vertex without a begin."""
    writes = WriteSet()
    writes.mark(vid, "usedAt", 1, exact=True, new=False)
    await writes.submit(CLIENTS[log])
