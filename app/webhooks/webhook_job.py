"""The job that sends webhooks: runs a delivery for each webhook, in the process that leads, and stores their states."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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

    ``running`` are the deliveries of this process by vertex id. ``pause_seconds`` is the longest pause between steps.
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

    async def run(self) -> None:
        """Work until cancelled; a failure is logged, and retried after ``pause_seconds``.

        After a failure, states are stored at once, without a read of the registrations. A pause as long as that took
        follows, because failures without end would otherwise have the write lock all the time.
        """
        loop = asyncio.get_running_loop()
        while True:
            self.store.changed.clear()
            await _logged(self.step)
            until = loop.time() + self.pause_seconds
            while await self._is_reported(until):
                begun = loop.time()
                await _logged(self.save)
                await asyncio.sleep(min(loop.time() - begun, until - loop.time()))

    async def step(self) -> None:
        """Store the states of deliveries, and start and stop deliveries so that they are those of the store."""
        await self.save()
        if not self.store.leads:
            await self._stop([*self.running])
            self._states.clear()
            return
        stored = {each.x: each for each in await self.store.all()}
        for webhook in [*stored.values()]:
            if (ended := self.rights.ended(webhook)) is not None:
                await self.store.put(ended)
        in_turns = OperationBudget().in_turns(stored.items())  # each state decrypts a secret
        states = {x: self.rights.state_of(webhook) async for x, webhook in in_turns}
        wanted = {x for x, state in states.items() if state in _SENT}
        self._states = Counter(states.values())
        for x, each in [*self.running.items()]:
            if x not in wanted:
                await self._stop([x])
            elif _differs(each, stored[x]):
                await self._stop([x])
                self._start(stored[x], each.delivery)
        for x in wanted - self.running.keys():
            self._start(stored[x])

    async def save(self) -> None:
        """Store the states that are not stored yet, except those of registrations that have changed since."""
        for each in [*self.running.values()]:
            delivery = each.delivery
            if delivery.unsaved:
                delivery.unsaved = False
                kept = False
                try:
                    kept = await self.store.save_state(delivery.webhook)
                finally:
                    delivery.unsaved |= not kept

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
            self._reported.set,
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
        for x in vids:
            await self.running.pop(x).stop()

    async def _is_reported(self, until: float) -> bool:
        """Wait for the report of a delivery, and return true.

        Return false if a registration changes in this process before that, or at the instant ``until`` of the loop.
        """
        loop = asyncio.get_running_loop()
        waits = [asyncio.create_task(event.wait()) for event in (self.store.changed, self._reported)]
        try:
            await asyncio.wait(waits, timeout=max(until - loop.time(), 0.0), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        is_reported = self._reported.is_set()
        self._reported.clear()
        return is_reported and not self.store.changed.is_set() and loop.time() < until


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
