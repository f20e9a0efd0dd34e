"""The context that the resolvers of one operation share: caller, reader, writer and policy report."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import strawberry

from graphql_schema.ports.cost_report import CostReport, PlanReport
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.protocols import ChangeFeed, GraphReader, GraphWriter
from graphql_schema.ports.record import JsonObject, Position
from graphql_schema.ports.shared_results import SharedResults
from graphql_schema.ports.webhooks.webhook_registry import WebhookRegistry
from policies.installation.gates import NO_GATES, Gates
from policies.principal import Principal

ResultT = TypeVar("ResultT")


class SharedWork(Protocol):
    """What one subscription shares with the others of a process: results, and turns."""

    def results(self, principal: Principal) -> SharedResults:
        """Return the current results, which subscriptions of callers with equal rights and preferences share."""
        ...

    def open(self, principal: Principal, *, of_event: bool = False) -> "Context":
        """Return a context for the making of a shared result."""
        ...

    async def begin_turn(self) -> None:
        """Return when it is the turn of this subscription; at once if it has the turn."""
        ...

    def end_turn(self) -> None:
        """Let the next subscription have its turn; without effect if this one has none."""
        ...


@dataclass(slots=True)
class Context:
    """The state of one operation.

    - ``open_reader`` opens a reader for a caller, as of an instant or of the present (None).
    - ``budget`` is what the operation may use while it runs.
    - ``policy_report`` collects the fields, ids and writes that the policy hid, logged or denied.
    - ``log_access`` writes a policy report to the access log; it raises CodedError if it cannot.
    - ``spellings`` returns other ids that mean the same as an id by the rules of namespaces, each with the rule.
    - ``document_turn`` is held while an unknown document is parsed and validated, one at a time for each caller.
    - ``on_admission`` is called when the document and the variables are admitted, before the execution.
    - ``index_lags`` returns whether the index of the store is known to lack confirmed writes.
    - ``change_feed`` wakes a subscription when there may be new changes. ``recheck`` authenticates the caller of a
      subscription again and returns the principal; it raises CodedError if that fails.
    - ``fan_out`` is what a subscription shares with others; None if it shares nothing. ``results`` are the shared
      results of its turn, None between two turns.
    - ``passed`` is called with the position up to which a subscription has no further changes to send.
    - ``selection`` is equal for subscriptions that show a change alike; None before the first event.
    - ``gates`` are those of the installation. ``clock`` returns epoch milliseconds.
    - ``cost_report`` is filled and returned if the request has the header ``Prefer: cost``; None without it.
    - ``plan_report`` is filled and returned if the request has the header ``Prefer: explain``; None without it.
    - ``webhooks`` are those of the caller; None if webhooks are off.
    - ``vectored``, a flag: a query is executed over vectors; otherwise by graphql-core.
    - ``plans`` are the plans of the document; None before it is admitted, or if ``vectored`` is false.
    - ``former_readers`` are those opened before the read time was known; fields may still wait for what they read.
    - ``selected`` caches the names of what a field of the document selects, by the id() of its syntax nodes.
    - ``instants`` caches the values of ``asOf`` in the document; None before they are read.
    """

    principal: Principal
    open_reader: Callable[[Principal, int | None], GraphReader]
    writer: GraphWriter
    policy_report: PolicyReport
    cursor_key: bytes
    clock: Callable[[], int]
    budget: OperationBudget = field(default_factory=OperationBudget)
    request_id: str = ""
    gates: Gates = NO_GATES
    log_access: Callable[[Principal, str, PolicyReport], None] = lambda *_: None
    document_turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    on_admission: Callable[[], None] | None = None
    index_lags: Callable[[], bool] = lambda: False
    spellings: Callable[[str], Sequence[tuple[str, str]]] = lambda _: ()
    webhooks: WebhookRegistry | None = None
    vectored: bool = True
    plans: object = None
    selected: dict[tuple[int, ...], frozenset[str]] = field(default_factory=dict)
    change_feed: ChangeFeed | None = None
    recheck: Callable[[], Awaitable[Principal]] | None = None
    as_of: int | None = None
    instants: frozenset[int | None] | None = None
    cost_report: CostReport | None = None
    plan_report: PlanReport | None = None
    fan_out: SharedWork | None = None
    results: SharedResults | None = None
    passed: Callable[[Position], None] = lambda _: None
    selection: Hashable = None
    former_readers: Sequence[GraphReader] = ()
    _reader: GraphReader | None = field(init=False, default=None)
    _computed: SharedResults | None = field(init=False, default=None)

    @property
    def reader(self) -> GraphReader:
        """The reader of the fields; the first use opens it, because an operation may read nothing."""
        if self._reader is None:
            self._reader = self.open_reader(self.principal, self.as_of)
        return self._reader

    async def once(self, key: Hashable, make: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return the result of ``make``, in a turn; it is called once for equal keys, until the next write.

        A key names everything that the result depends on, except the reader.
        """
        if self._computed is None:
            self._computed = SharedResults()
        result = await self._computed.get(key, make)
        await self.budget.pause()
        return result

    def reset_reader(self) -> None:
        """Discard cached rows and results, so that fields resolved after a write return the new state."""
        discarded: list[object] = [self._reader, self._computed]
        self._reader = self._computed = None
        self.budget.free(discarded)

    def restart(self) -> None:
        """Begin the operation again: discard what it has read, reported and counted, and what it is reading."""
        self._abandon_readers()
        self.policy_report.clear()
        if self.plan_report is not None:
            self.plan_report.clear()
        self.budget.restart()

    def release(self) -> None:
        """Discard all rows of the operation, which has ended, and what it is still reading if its client has left.

        The executor of graphql-core refers to itself, and to this context, until a garbage collection.
        """
        self._abandon_readers()
        self.results = None
        self.budget.close()

    def read_at(self, as_of: int | None) -> None:
        """Set the read time of the operation, None for the present; another one than before opens a new reader."""
        if as_of != self.as_of:
            self.as_of = as_of
            self.former_readers = self._opened()
            self.reset_reader()

    def _opened(self) -> tuple[GraphReader, ...]:
        return (*self.former_readers, *([] if self._reader is None else [self._reader]))

    def _abandon_readers(self) -> None:
        """Discard all readers, and what they are reading."""
        if self._computed is not None:
            self._computed.cancel()
        for reader in self._opened():
            reader.abandon()
        discarded: list[object] = [*self.former_readers]
        self.former_readers = ()
        self.reset_reader()
        self.budget.free(discarded)

    def now(self) -> int:
        """Return the read time of the operation in epoch milliseconds; in the present that is the time of the clock."""
        return self.clock() if self.as_of is None else self.as_of

    async def reauthenticate(self) -> None:
        """Authenticate the caller again, so that a subscription reads with current rights.

        Opens a new reader, or takes the shared results of these rights if there is a ``fan_out``. Without ``recheck``
        the caller is not authenticated again. The counts of the budget start at 0. Raises the error of ``recheck``.
        """
        if self.recheck is not None:
            self.principal = await self.recheck()
        self.results = None if self.fan_out is None else self.fan_out.results(self.principal)
        if self.results is None:
            self.reset_reader()
        self.budget.renew()

    async def shared(
        self, key: Hashable, make: Callable[["Context"], Awaitable[ResultT]], *, of_event: bool = False
    ) -> ResultT:
        """Return the result of ``make``, which subscriptions of equal rights and with an equal key share.

        They share it for as long as ``results`` are current. ``make`` then gets a context of its own, even for a single
        subscription, and its policy report is added to that of each. Without ``fan_out`` or ``results``, ``make`` gets
        this context. With ``of_event`` the result is that of an event, whose fields the caller has selected.
        """
        if self.fan_out is None or self.results is None:
            return await make(self)
        result, report = await self.results.get(key, lambda: self._made_apart(make, of_event=of_event))
        self.policy_report.add(report)
        return result

    async def _made_apart(
        self, make: Callable[["Context"], Awaitable[ResultT]], *, of_event: bool
    ) -> tuple[ResultT, PolicyReport]:
        """Return the result of ``make`` for a new context, with the policy report of that context."""
        assert self.fan_out is not None  # noqa: S101 - the caller has tested it
        apart = self.fan_out.open(self.principal, of_event=of_event)
        try:
            return await make(apart), apart.policy_report
        finally:
            apart.release()

    async def begin_turn(self) -> None:
        """Return when it is the turn of a subscription, so that many of them do not hold up other operations."""
        if self.fan_out is not None:
            await self.fan_out.begin_turn()
            self.results = self.fan_out.results(self.principal)

    def end_turn(self) -> None:
        """End the turn of a subscription, and discard what it shares.

        Each subscription that waits would otherwise keep the events of its last turn in memory.
        """
        if self.fan_out is not None:
            self.results = None
            self.fan_out.end_turn()

    @property
    def is_confidential(self) -> bool:
        """Whether the policy report has reads of restricted or secret fields; false after `finish`."""
        return bool(self.policy_report.reads)

    def finish(self) -> JsonObject:
        """Write the access log, clear the policy report, and return the extensions of the response.

        A subscription has many responses, each with its own report. Raises the error of ``log_access``; the report is
        then not cleared.
        """
        self.log_access(self.principal, self.request_id, self.policy_report)
        extensions = self.policy_report.extensions()
        self.policy_report.clear()
        if self.cost_report is not None and self.cost_report.estimate:
            extensions["cost"] = self.cost_report.extension(self.budget)
        if self.plan_report is not None:
            extensions["plan"] = self.plan_report.extension()
        if self.budget.reads_index and self.index_lags():
            extensions["index"] = {"complete": False}
        return extensions


Info = strawberry.Info[Context, None]
