"""The job that sends webhooks: runs a delivery for each webhook, in the process that leads, and stores their states."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from prometheus_client.metrics_core import Metric

from app.graph.webhooks.stored_webhook import StoredWebhook
from app.graph.webhooks.webhook_store import WebhookStore
from app.telemetry.metrics import counts, gauges
from app.webhooks.host_resolver import HostResolver
from app.webhooks.webhook_delivery import DELIVERED, DeliveryParts, RetryPlan, WebhookDelivery
from app.webhooks.webhook_events import WebhookEvents
from app.webhooks.webhook_rights import WebhookRights
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.webhooks.webhook import WebhookState
from policies.errors import CodedError

PAUSE_SECONDS: Final = 5.0
"""Seconds between two reads of the registrations; after a kill, changes of this time are sent again."""

SAVE_SECONDS: Final = 1.0
"""Shortest pause in seconds between two times that states are stored because of failures and their ends."""

_SENT: Final = frozenset({WebhookState.ACTIVE, WebhookState.FAILING})

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RunningDelivery:
    """A delivery and its task."""

    delivery: WebhookDelivery
    task: asyncio.Task[None]

    async def stop(self) -> None:
        """Cancel the delivery, and wait for its end."""
        self.task.cancel()
        await asyncio.wait([self.task])


@dataclass
class WebhookJob:
    """Sends the webhooks of ``store``. ``source`` is the URL of the server, as events have it.

    ``running`` are the deliveries of this process by vertex id. ``pause_seconds`` is the pause between two steps.
    """

    store: WebhookStore
    events: WebhookEvents
    rights: WebhookRights
    source: str
    plan: RetryPlan = field(default_factory=RetryPlan)
    pause_seconds: float = PAUSE_SECONDS
    running: dict[int, RunningDelivery] = field(default_factory=dict)
    _resolver: HostResolver = field(default_factory=HostResolver)
    _results: Counter[str] = field(default_factory=lambda: Counter({DELIVERED: 0}))
    _states: Counter[WebhookState] = field(default_factory=Counter)
    _reported: asyncio.Event = field(default_factory=asyncio.Event)
    _reports: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Work until cancelled; a failure is logged, and retried after ``pause_seconds``.

        A registration that changes in this process counts at once. A delivery that fails, or works again, has its state
        stored without a read of the registrations. A pause of SAVE_SECONDS follows, or of the time that this took if it
        is longer: receivers that alternate between both would otherwise have the write lock all the time.
        """
        loop = asyncio.get_running_loop()
        step_at = save_at = loop.time()
        while True:
            self.store.changed.clear()
            if loop.time() >= step_at:
                await _logged(self.step)
                step_at = loop.time() + self.pause_seconds
            else:
                await _logged(self.follow)
            while await self._is_reported(save_at, step_at):
                begun = loop.time()
                await _logged(self.save_reported)
                save_at = loop.time() + max(SAVE_SECONDS, loop.time() - begun)

    async def step(self) -> None:
        """Store the states of deliveries, and follow the store."""
        await self.save()
        await self.follow()

    async def follow(self) -> None:
        """Start and stop deliveries so that they are those of the store; the states of those that end are stored.

        Rights of a clock that was ahead end in the store after the delivery, whose last state would be refused else.
        """
        if not self.store.leads:
            await self._stop([*self.running])
            self._states.clear()
            return
        stored = {each.x: each for each in await self.store.all()}
        for x, webhook in stored.items():
            if x not in self.running and (ended := self.rights.ended(webhook)) is not None:
                await self.store.put(ended)
        in_turns = OperationBudget().in_turns(stored.items())  # each state decrypts a secret
        states = {x: self.rights.state_of(webhook) async for x, webhook in in_turns}
        wanted = {x for x, state in states.items() if state in _SENT}
        self._states = Counter(states.values())
        for x, each in [*self.running.items()]:
            if x not in wanted:
                await self._stop([x])
            elif _differs(each, stored[x]):
                await each.stop()
                self._start(stored[x], each.delivery)
        for x in wanted - self.running.keys():
            self._start(stored[x])

    async def save(self) -> None:
        """Store the states that are not stored yet, except those of registrations that have changed since."""
        self._take_reports()
        for each in [*self.running.values()]:
            await self._save(each.delivery)

    async def save_reported(self) -> None:
        """Store the states of deliveries that have failed, or work again, since their states were stored last."""
        for x in self._take_reports() & self.running.keys():
            await self._save(self.running[x].delivery)

    async def close(self) -> None:
        """Stop all deliveries, and store their states, so that the next process repeats nothing."""
        for each in self.running.values():
            await each.stop()
        await self._resolver.close()
        try:
            await self.save()
        except CodedError as error:
            _log.warning("webhook_states_not_stored", reason=error.message)
        self.running.clear()

    def metrics(self) -> Iterator[Metric]:
        """Yield the number of webhooks by state, and of attempts by result."""
        states = {state.name: float(self._states[state]) for state in WebhookState}
        yield gauges("mlg_webhooks", "Webhooks, by state, in the process that sends them.", "state", states)
        results = {result: float(number) for result, number in self._results.items()}
        yield counts("mlg_webhook_deliveries", "Attempts to deliver a change, by result.", "result", results)

    def _start(self, webhook: StoredWebhook, former: WebhookDelivery | None = None) -> None:
        """Start a delivery.

        It continues after the last change that the ``former`` delivery of the webhook sent, if there is one. If the
        owner has set the cursor of the webhook since then, or has registered it anew, it begins after that cursor.
        """
        parts = DeliveryParts(
            self.events,
            self.rights,
            self.source,
            self._results,
            partial(self._report, webhook.x),
            self.plan,
            self.rights.clock,
            self._resolver,
        )
        delivery = WebhookDelivery(webhook, parts)
        if former is not None and webhook.continues(former.webhook):
            delivery.webhook = webhook.with_state(former.webhook.state.resumed(None))
            delivery.unsaved = True
        task = asyncio.create_task(delivery.run(), name=f"webhook {webhook.name}")
        self.running[webhook.x] = RunningDelivery(delivery, task)

    async def _stop(self, vids: list[int]) -> None:
        """End deliveries, and store their last states."""
        for x in vids:
            await self.running[x].stop()
        for x in vids:
            await self._save(self.running[x].delivery)
            del self.running[x]

    async def _save(self, delivery: WebhookDelivery) -> None:
        """Store the state of a delivery if it is not stored yet."""
        if not delivery.unsaved:
            return
        delivery.unsaved = kept = False
        try:
            kept = await self.store.save_state(delivery.webhook)
        finally:
            delivery.unsaved |= not kept

    def _report(self, x: int) -> None:
        self._reports.add(x)
        self._reported.set()

    def _take_reports(self) -> set[int]:
        """Return the webhooks whose deliveries have reported since the last call."""
        self._reported.clear()
        taken, self._reports = self._reports, set()
        return taken

    async def _is_reported(self, begin: float, until: float) -> bool:
        """Wait for the instant ``begin`` of the loop and for the report of a delivery, and return true.

        Return false if a registration changes in this process before that, or at the instant ``until``.
        """
        loop = asyncio.get_running_loop()
        waits = [asyncio.create_task(self.store.changed.wait()), asyncio.create_task(self._reported_after(begin))]
        try:
            await asyncio.wait(waits, timeout=max(until - loop.time(), 0.0), return_when=asyncio.FIRST_COMPLETED)
            return waits[1].done() and not self.store.changed.is_set() and loop.time() < until
        finally:
            for wait in waits:
                wait.cancel()

    async def _reported_after(self, begin: float) -> None:
        await asyncio.sleep(max(begin - asyncio.get_running_loop().time(), 0.0))
        await self._reported.wait()


async def _logged(work: Callable[[], Awaitable[None]]) -> None:
    """Do a part of the job, and log its failure."""
    try:
        await work()
    except Exception:  # noqa: BLE001 - the job boundary
        _log.exception("webhook_job_failed")


def _differs(running: RunningDelivery, stored: StoredWebhook) -> bool:
    """Return whether a delivery is of another registration than the stored one, or has ended with a stored state."""
    ended = running.task.done() and not running.delivery.unsaved
    return ended or running.delivery.webhook.text != stored.text


@asynccontextmanager
async def sending(job: WebhookJob) -> AsyncIterator[None]:
    """Run a job, and close it at exit."""
    task = asyncio.create_task(job.run(), name="webhooks")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await job.close()
