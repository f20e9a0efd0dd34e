"""The write log: one order of the transactions of all processes that write to one store.

A store that no process hosts may have several writers. Each of their transactions has the next number, and leaves an
entry with that number in the same transaction (:mod:`app.graph.records.log_entry`). The text ``WRITE`` refuses a
transaction if its process did not know the last entry when the transaction was planned. It is then planned again. So
the transactions of all processes have the same results as those of one process.

A process learns the entries of the others:

- when an operation begins (:meth:`WriteLog.learn`);
- when a level of a query was read after a transaction that the process does not know (:meth:`WriteLog.learn_to`);
- under its write lock, before it plans a transaction (:meth:`WriteLog.begin`);
- every WATCH_SECONDS.

The process then forgets what those transactions touched, adds their outbox entries with the sensitivity floors, and
wakes the readers of the change feed.

A lock in the JVM of JanusGraph orders the transactions that it receives. Between several JVMs, JanusGraph's own lock on
the property ``sequence`` does. A storage of several machines may show the parts of a transaction at different times,
and the index later. So what another process touched is not kept in the graph cache before VISIBLE_SECONDS have passed.

A transaction that takes long to plan would lose its turn again and again to processes that write often. A planner that
has lost some turns in a row, such as a job, therefore writes an entry with which the other processes **wait** for its
next transaction (:mod:`app.graph.commits.turns.lost_turns`). If its plan has none, a further entry ends their wait.

The log also has the **job lease**: the process that holds it runs the background jobs. It is prolonged while the
process runs, ended at its exit, and taken by another process when its time is over or it was not prolonged.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import uuid4

import orjson
import structlog

from app.graph.commits.turns.lost_turns import LostTurns
from app.graph.commits.turns.process_waits import ProcessWaits
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.errors import LostTurnError, TransientConflictError
from app.graph.driver.foreign_writes import pass_on
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.clock import epoch_milliseconds, steady_milliseconds
from app.graph.records.log_entry import Lease, LogEntry, entries_of, entry_vids, lease_of
from app.graph.records.touched import EVERYTHING, NOTHING, Touched
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.record import JsonObject
from policies.errors import CodedError

HEAD: Final = vertex_id("write log", "head")
"""Id of the vertex with the number of the last transaction, ``sequence``, and the last job lease, ``note``."""

VISIBLE_SECONDS: Final = 10.0
"""Seconds for which what another process has touched is not kept: storage and index may show it in parts meanwhile."""

WATCH_SECONDS: Final = 1.0
"""Seconds between two looks of :meth:`WriteLog.watch` at the log; operations look at it when they begin."""

LEASE_MS: Final = 30_000
"""Milliseconds of a job lease. The clocks of the processes must agree to a fraction of this."""

WAIT_POLL_SECONDS: Final = 0.05
"""Seconds between two looks at the log while a process waits for another one."""

_WAIT_ATTEMPTS: Final = 20
"""Number of attempts to write the entry that lets others wait; it needs no plan, so that few are lost."""

KEPT: Final = 10_000
"""Number of last entries that surely stay; a process that lacks a deleted one forgets all and reads the outbox."""

DROPPED_AT_ONCE: Final = 100
"""Each transaction whose number is a multiple of this deletes as many old entries."""

_AT_ONCE: Final = 16
"""Maximal number of entries that one request reads; further ones are read by further requests."""

_LOOK_AGAIN_SECONDS: Final = (0.05, 0.1, 0.2)
"""Pauses before further looks for a missing entry: a storage of several machines may show it after the head."""

_OPEN: Final = PreparedStatement.of(
    f"""
def head = {render(g.V(param("x")))}.tryNext().orElse(null) ?:
  g.addV('Logged').property(T.id, x).property('sequence', 0L).next()
[[at: head.value('sequence'), note: head.property('note').orElse(null)]]
""",
    "x",
    name="learn",
)

LEARN: Final = PreparedStatement.of(
    f"""
def at = {render(g.V(param("x")).values("sequence"))}.tryNext().orElse(0L)
[[at: at, notes: at > since ? {render(g.V(param("xs")).values("note"))}.toList() : []]]
""",
    "x",
    "since",
    "xs",
    name="learn",
)
"""Reads ``{at, notes}``: the number in the head ``x``, and the entries with the ids ``xs`` if it is above ``since``."""

_log = structlog.get_logger(__name__)


class WriteLog:
    """The log as one process knows it; ``process`` is its name, unique among all processes of the store.

    ``lag`` is the number of entries of others that the last look found. ``clock`` returns epoch milliseconds, and
    ``steady`` those of a clock that is never set.
    """

    def __init__(
        self,
        client: GremlinClient,
        coordinator: WriteCoordinator,
        clock: Callable[[], int] = epoch_milliseconds,
        steady: Callable[[], int] = steady_milliseconds,
    ) -> None:
        self.process = uuid4().hex
        self.head = HEAD
        self._client = client
        self._coordinator = coordinator
        self._clock = clock
        self._steady = steady
        self._lease: Lease | None = None
        self._lease_read = 0
        self._confirmed: set[int] = set()
        self.lag = self._known = self._base = self._begun = self._sent = 0
        self._lost = defaultdict[str, LostTurns](LostTurns)
        self._planner = LostTurns()
        self._waits = ProcessWaits()
        self._reading: asyncio.Future[None] | None = None
        self._next: asyncio.Future[None] | None = None

    @property
    def known(self) -> int:
        """The number of the last transaction that this process knows."""
        return self._known

    @classmethod
    async def opened(
        cls,
        client: GremlinClient,
        coordinator: WriteCoordinator,
        clock: Callable[[], int] = epoch_milliseconds,
        steady: Callable[[], int] = steady_milliseconds,
    ) -> "WriteLog":
        """Return the log, with all stored transactions as known; call it before outbox and commit log are loaded."""
        log = cls(client, coordinator, clock, steady)
        (found,) = await repeat_contended(partial(client.submit, _OPEN, {"x": HEAD}, writes=NOTHING))
        log._known = found["at"]
        log._hold(None if found["note"] is None else lease_of(orjson.loads(found["note"])))
        return log

    async def learn(self) -> None:
        """Learn what other processes have written before this call. Callers who wait share the next request."""
        if self._next is None:
            self._next = asyncio.create_task(self._learn_after(self._reading), context=Context())  # for all callers
        await asyncio.shield(self._next)

    async def learn_to(self, number: int) -> None:
        """Learn the entries up to a number, which a response of the store had, unless they are known."""
        if number > self._known:
            await self.learn()

    async def begin(self, planner: str) -> None:
        """Learn all entries, and begin the plan of a transaction; call it under the write lock.

        Wait for another process if that lets others wait, and let others wait if the ``planner`` has lost too often.
        """
        self._planner = self._lost[planner]
        await self._learn_in_turn()
        if self._planner.wait:
            await self._let_others_wait(self._planner.wait)
        self._begun = self._steady()

    async def _learn_in_turn(self) -> None:
        """Learn all entries, and again until this process waits for no other one."""
        await self.learn()
        while self._waits.must_wait(self._steady()):
            await asyncio.sleep(WAIT_POLL_SECONDS)
            await self.learn()
        self._base = self._known

    async def _let_others_wait(self, milliseconds: int) -> None:
        """Write an entry with which other processes wait; after _WAIT_ATTEMPTS conflicts, go on without it."""
        for _ in range(_WAIT_ATTEMPTS):
            writes = WriteSet()
            writes.let_others_wait(milliseconds)
            self._begun = self._steady()  # it has no plan, so the time since the last one does not count
            try:
                await writes.submit(self._client)
            except LostTurnError:
                await self._learn_in_turn()
            else:
                self._waits.let_others_wait(self._steady() + milliseconds)
                return

    async def end_plan(self) -> None:
        """Let others go on that wait for a plan without a transaction; call it under the write lock.

        If this is not written, they wait until the time is over.
        """
        if self._waits.others_wait(self._steady()):
            writes = WriteSet()
            writes.let_others_wait(0)
            with suppress(CodedError):
                await writes.submit(self._client)

    def turn(self, entry: LogEntry) -> JsonObject:
        """Return the binding ``turn`` of the text ``WRITE`` for a transaction planned since :meth:`begin`.

        Number, process and instants of ``entry`` are replaced by those of the log.
        """
        number = self._sent = self._base + 1
        commits = self._coordinator.commit_log
        now = commits.present(self._clock())
        entry = replace(entry, number=number, process=self.process, at=commits.last, now=now)
        oldest = number - KEPT - DROPPED_AT_ONCE
        dropped = range(max(oldest, 1), oldest + DROPPED_AT_ONCE) if number % DROPPED_AT_ONCE == 0 else ()
        return {
            "head": HEAD,
            "n": number,
            "x": entry.vid,
            "note": entry.text(),
            "lease": entry.lease and entry.lease.text(),
            "old": entry_vids(dropped),
        }

    def no_longer_sent(self) -> None:
        """Record that the transaction of the last :meth:`turn` has a response, or that this was lost."""
        self._sent = 0

    def end_turn(self, *, written: bool) -> None:
        """Record the end of the transaction of the last :meth:`turn`; the next one follows it.

        Raises LostTurnError if it was not written, because another process came before.
        """
        if not written:
            self._planner.lose(self._steady() - self._begun)
            raise LostTurnError("Another process wrote first, so nothing was written; repeat the request.")
        self._planner.win()
        self._waits.release_others()
        self._base += 1
        if self._base > self._known:
            self._confirmed.add(self._base)

    @property
    def leads(self) -> bool:
        """Whether this process holds the job lease."""
        lease = self._lease
        return lease is not None and lease.holder == self.process and lease.until > self._clock()

    async def watch(self) -> None:
        """Until cancelled, learn every WATCH_SECONDS, and take or prolong the job lease; failures are logged."""
        while True:
            try:
                await self.learn()
                await self.lead()
            except TransientConflictError:  # another process wrote first: the next look may take the lease
                pass
            except CodedError as error:
                _log.warning("write_log_unread", code=str(error.code))
            except Exception:  # noqa: BLE001 - the job boundary; an ended watch would leave readers without changes
                _log.exception("write_log_failed")
            await asyncio.sleep(WATCH_SECONDS)

    async def resign(self) -> None:
        """End the job lease, if this process holds it; a failure is logged, and the lease ends by time."""
        try:
            if self.leads:
                await self._take_lease(0)
        except CodedError as error:
            _log.warning("job_lease_not_ended", code=str(error.code))

    async def lead(self) -> None:
        """Take the job lease if it is free, and prolong it when a third of its time is over or the clock was set."""
        lease, now = self._lease, self._clock()
        is_due = lease is not None and not LEASE_MS * 2 // 3 <= lease.until - now <= LEASE_MS
        if self._is_free or (self.leads and is_due):
            await self._take_lease(now + LEASE_MS)

    @property
    def _is_free(self) -> bool:
        """Whether the time of the job lease is over, or it was not prolonged for as long as it lasts.

        The second does not depend on the clock of the holder, which may have been wrong.
        """
        lease = self._lease
        return lease is None or lease.until <= self._clock() or self._steady() - self._lease_read >= LEASE_MS

    def _hold(self, lease: Lease | None) -> None:
        """Record the job lease that an entry has, None for no change.

        A process that leads from now on loads its outbox: its entries lack what the former holder did.
        """
        if lease is None:
            return
        led = self.leads
        self._lease, self._lease_read = lease, self._steady()
        if self.leads and not led:
            _log.info("job_lease_taken", until=lease.until)
            self._coordinator.outbox.stale = True
            self._coordinator.outbox.wake()

    async def _take_lease(self, until: int) -> None:
        """Write a job lease until an instant in epoch milliseconds, unless another process has one now.

        Raises LostTurnError if another process writes first.
        """
        async with self._coordinator.lock:
            await self.begin("lease")
            if self._lease is not None and self._lease.holder != self.process and not self._is_free:
                await self.end_plan()
                return
            lease = Lease(self.process, until)
            writes = WriteSet()
            writes.take_lease(lease)
            await writes.submit(self._client)
            self._hold(lease)

    async def _learn_after(self, before: asyncio.Future[None] | None) -> None:
        """Learn by a request that is sent after the one under way has ended: that one may have missed a transaction."""
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        await self._learn()

    async def _learn(self) -> None:
        found, pauses = 0, iter(_LOOK_AGAIN_SECONDS)
        while True:
            wanted = range(self._known + 1, self._known + 1 + _AT_ONCE)
            bindings = {"x": HEAD, "since": self._known, "xs": entry_vids(wanted)}
            (response,) = await self._client.submit(LEARN, bindings)
            if response["at"] < bindings["since"]:  # the store was restored; without this, every turn would be refused
                await self._take_all(response["at"])
            entries = await entries_of(response["notes"])
            found += await self._take(entries)
            if self._known < response["at"] and len(entries) < _AT_ONCE:
                pause = next(pauses, None)
                await (self._take_all(response["at"]) if pause is None else asyncio.sleep(pause))
            if self._known >= response["at"]:
                self.lag = found
                return

    async def _take(self, entries: Sequence[LogEntry]) -> int:
        """Apply the entries until one is missing; return how many of other processes were applied."""
        found = 0
        for entry in entries:
            if entry.number == self._known + 1:
                await self._apply(entry)
                self._known = entry.number
                self._confirmed.discard(entry.number)
                found += entry.process != self.process
        return found

    async def _take_all(self, last: int) -> None:
        """Take everything for changed; then the transactions up to the number ``last`` are known."""
        _log.warning("write_log_gap", known=self._known, last=last)
        self._coordinator.propagating_tags.forget_touched(EVERYTHING)
        await self._pass_on(EVERYTHING)
        await self._coordinator.outbox.learn_all(self._client)
        await self._coordinator.commit_log.load(self._client)
        self._known = last
        self._confirmed.clear()

    async def _apply(self, entry: LogEntry) -> None:
        """Apply one entry; an own one was applied when its response arrived, or is late as one of another process.

        What an own one touches that is sent is forgotten when its response arrives, or when that is lost.
        """
        self._hold(entry.lease)
        own = entry.process == self.process
        if not own:
            self._waits.learn(entry.process, entry.wait, self._steady())
            self._coordinator.contention.wrote(entry.by)
        if own and entry.number in self._confirmed:
            return
        self._coordinator.propagating_tags.forget_touched(entry.touched)
        if not own or entry.number != self._sent:
            await self._pass_on(entry.touched)
        await self._coordinator.outbox.learn(self._client, entry.added, entry.deleted)
        self._coordinator.commit_log.learned(entry.at, entry.now)

    async def _pass_on(self, touched: Touched) -> None:
        """Let the graph cache forget what a learned transaction touched, and keep none of it before VISIBLE_SECONDS."""
        await pass_on(touched, self._client.write_watches, VISIBLE_SECONDS)
