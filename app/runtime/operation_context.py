"""Contexts of operations: the reader and the writer of one caller, over the store and the policy of the process."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import HTTPConnection

from app.fair_queue import FairQueue
from app.graph.cache.graph_cache import GraphCache
from app.graph.commits.commit_log import CommitFeed
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LevelBatcher
from app.graph.reading.lineage.walk_budget import WalkLimits
from app.graph.reading.reader import LineageSettings, PolicedReader
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.read_time import ReadTime
from app.graph.writing.writer import PolicedWriter
from app.http.middleware import request_id_of
from app.http.preferences import preference
from app.ingest.sources.openlineage.spellings import Spellings
from app.runtime.fan_out import FanOut, SubscriptionFanOut
from app.runtime.operation_memory import OperationMemory
from graphql_schema.execution.side_thread import CALLER
from graphql_schema.fields.context import Context
from graphql_schema.ports.cost_report import CostReport, PlanReport
from graphql_schema.ports.operation_budget import EVENT_LIMITS, OperationBudget, UsageLimits
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.webhooks.webhook_registry import WebhookRegistry
from policies.installation.disclosure import Disclosure
from policies.installation.gates import Gates
from policies.policy import Policy
from policies.principal import Principal

Recheck = Callable[[], Awaitable[Principal]]
"""A function that returns the caller with current rights, and raises CodedError if the token is no longer valid."""


def _document_turns() -> FairQueue:
    """Return the queue of unknown documents; the number of operations of a caller is limited where they begin."""
    return FairQueue(slots=2, per_caller=1, waiting_per_caller=sys.maxsize)


@dataclass(slots=True)
class OperationContexts:
    """Opens the context of each operation.

    ``clock`` returns epoch milliseconds, and ``log_access`` writes a policy report to the access log. ``cursor_key`` is
    the key that seals cursors. ``spellings`` finds the other ids that mean the same as an id. ``memory`` is shared by
    queries and mutations; the events of subscriptions are not charged, because callers share them. ``documents`` has
    the turns in which callers have unknown documents examined. ``fan_out`` is what subscriptions share, ``change_feed``
    wakes them. ``webhooks`` returns those of a caller, None if webhooks are off. ``vectored``, a flag: queries are
    executed over vectors, otherwise by graphql-core. ``graph_cache`` is None if everything is read from the store.
    """

    client: GremlinClient
    coordinator: WriteCoordinator
    policy: Policy
    gates: Gates
    disclosure: Disclosure
    walk_limits: WalkLimits
    cursor_key: bytes
    log_access: Callable[[Principal, str, PolicyReport], None]
    spellings: Spellings
    memory: OperationMemory
    clock: Callable[[], int] = epoch_milliseconds
    webhooks: Callable[[Principal], WebhookRegistry] | None = None
    vectored: bool = True
    graph_cache: GraphCache | None = None
    documents: FairQueue = field(default_factory=_document_turns)
    fan_out: FanOut = field(init=False)
    change_feed: CommitFeed = field(init=False)

    def __post_init__(self) -> None:
        self.change_feed = CommitFeed(self.coordinator.commit_log, self.client)
        self.fan_out = FanOut(lambda: self.coordinator.commit_log.count)

    async def learn(self) -> None:
        """Learn what other processes have written, so that an operation which begins then reads it."""
        await self.change_feed.learn()

    def open(self, request: HTTPConnection, principal: Principal, recheck: Recheck | None = None) -> Context:
        """Return the context of one operation of ``principal``; a subscription passes ``recheck``."""
        request_id = request_id_of(request.scope)
        strict = preference(request.headers, "policy") == "strict"
        context = self._context(principal, request_id, strict=strict)
        cost = preference(request.headers, "cost")
        if cost is not None:
            context.cost_report = CostReport(only=cost == "only")
        if preference(request.headers, "explain") is not None:
            context.plan_report = PlanReport()
        if recheck is not None:
            self._follow(context, recheck, strict=strict)
        else:
            context.budget.memory = self.memory.account((principal.tenant, principal.subject))
        return context

    def open_webhook(self, principal: Principal, request_id: str, recheck: Recheck) -> Context:
        """Return the context of the subscription of a webhook of ``principal``."""
        context = self._context(principal, request_id, strict=False)
        self._follow(context, recheck, strict=False)
        return context

    def _follow(self, context: Context, recheck: Recheck, *, strict: bool) -> None:
        """Make a context that of a subscription, in the task of the subscription."""
        open_shared = partial(self._context, request_id=context.request_id, strict=strict, limits=EVENT_LIMITS)
        context.recheck = recheck
        caller = context.principal.tenant, context.principal.subject
        CALLER.set(caller)
        context.fan_out = SubscriptionFanOut(self.fan_out, caller, strict, open_shared)

    def _context(
        self, principal: Principal, request_id: str, *, strict: bool, limits: UsageLimits | None = None
    ) -> Context:
        report = PolicyReport(self.policy.version, strict=strict)
        budget = OperationBudget(limits or UsageLimits())
        writer = PolicedWriter(self.client, self.coordinator, self.policy.access(principal), request_id)
        writer.budget = budget
        return Context(
            principal=principal,
            open_reader=partial(self._reader, report, budget),
            writer=writer,
            policy_report=report,
            budget=budget,
            cursor_key=self.cursor_key,
            request_id=request_id,
            gates=self.gates,
            clock=self.clock,
            log_access=self.log_access,
            spellings=self.spellings.of,
            document_turn=partial(self.documents.slot, (principal.tenant, principal.subject)),
            index_lags=lambda: self.coordinator.index_state.lags,
            change_feed=self.change_feed,
            webhooks=self.webhooks and self.webhooks(principal),
            vectored=self.vectored,
        )

    def _reader(
        self, report: PolicyReport, budget: OperationBudget, caller: Principal, as_of: int | None
    ) -> PolicedReader:
        """Return a reader at the latest repeatable instant, or at ``as_of`` in epoch milliseconds if it is not None.

        Its sensitivity floors are those that are active now, also for a read of the past.
        """
        commit_log = self.coordinator.commit_log
        now = commit_log.stable_until(commit_log.present(self.clock()), caller.tenant)
        floors = self.coordinator.outbox.floors.view(caller.tenant)
        read_time = ReadTime(now) if as_of is None else ReadTime(as_of, recorded=now, past=True)
        row_policy = RowPolicy(self.policy.access(caller), caller.tenant, report, floors, read_time)
        of_caller = caller.tenant, caller.subject
        batcher = LevelBatcher(self.client, caller.tenant, read_time, budget, self.graph_cache, of_caller)
        return PolicedReader(batcher, row_policy, LineageSettings(self.walk_limits, self.disclosure), recorded=now)
