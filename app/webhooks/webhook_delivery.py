"""Sends the changes of one webhook, one at a time and in order; an event is read again before each further attempt."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

import orjson
import structlog

from app.graph.records.clock import epoch_milliseconds
from app.graph.webhooks.stored_webhook import StoredWebhook
from app.store.growing_pauses import GrowingPauses, PausePolicy
from app.webhooks.host_resolver import HostResolver
from app.webhooks.receiver import DeliveryFailedError, Receiver
from app.webhooks.webhook_events import WebhookEvents
from app.webhooks.webhook_rights import RightsEndedError, WebhookRights
from app.webhooks.webhook_signature import message_id, signed_headers
from graphql_schema.catalog.instants import is_ahead
from graphql_schema.ports.record import JsonObject
from policies.errors import Code, CodedError

SAVED_MS: Final = 60_000
"""Milliseconds after which the position of a webhook that passes hidden changes only is stored again."""

DELIVERED: Final = "DELIVERED"
"""The result of a delivery that the receiver accepted, in metrics."""

MAX_STORE_PAUSE: Final = 15.0
"""Longest pause in seconds before an event is read again while the store of the server is away."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """When a failed delivery is repeated: ``first`` and ``max_pause`` are in seconds.

    The pause doubles with each failure. After ``days`` of failures a webhook is disabled.
    """

    first: float = 1.0
    max_pause: float = 3_600.0
    days: float = 5.0

    def pause(self, failures: int, wish: float | None = None) -> float:
        """Return the pause after a number of failures: shortened at random by up to half, or longer by ``wish``."""
        full = min(self.first * 2 ** min(failures - 1, 30), self.max_pause)
        spread = random.uniform(full / 2, full)  # noqa: S311 - spreads retries, hides nothing
        return max(spread, min(wish or 0.0, self.max_pause))


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What all deliveries of a process share.

    ``source`` is the URL of the server, ``results`` counts attempts by their result, and ``clock`` returns epoch
    milliseconds. ``report`` is called after each failure and at their end, so that the state is stored soon.
    """

    events: WebhookEvents
    rights: WebhookRights
    source: str
    results: Counter[str]
    report: Callable[[], None]
    plan: RetryPlan = RetryPlan()
    clock: Callable[[], int] = epoch_milliseconds
    resolver: HostResolver = field(default_factory=HostResolver)


class WebhookDelivery:
    """Sends the changes of one webhook.

    ``webhook`` has its present state; ``unsaved``, a flag: that state is not stored yet.
    """

    def __init__(self, webhook: StoredWebhook, parts: DeliveryParts) -> None:
        self.webhook = webhook
        self.unsaved = False
        self._parts = parts
        self._passed_at = 0

    async def run(self) -> None:
        """Send until the webhook is disabled or its rights have ended.

        That the store of the server is away is no failure of the receiver: it is tried again within MAX_STORE_PAUSE.
        """
        rule = self._parts.rights.hosts.rule_for(self.webhook.url)
        assert rule is not None  # noqa: S101 - the job starts allowed webhooks only
        pauses = GrowingPauses(PausePolicy(self._parts.plan.first, MAX_STORE_PAUSE))
        async with Receiver(self.webhook.url, rule, self._parts.resolver) as receiver:
            while not self.webhook.state.disabled_at:
                await asyncio.sleep(self._seconds())
                begun = monotonic()
                try:
                    await self._send_events(receiver)
                except RightsEndedError:
                    return
                except DeliveryFailedError as error:
                    self._record_failure(error)
                except Exception as error:  # noqa: BLE001 - the boundary of a webhook: it is logged and retried
                    if isinstance(error, CodedError) and error.code is Code.STORE_UNAVAILABLE:
                        self._parts.results[error.code.value] += 1
                        _log.info("webhook_waits_for_store", webhook=self.webhook.name)
                        await asyncio.sleep(pauses.after(monotonic() - begun))
                    else:
                        self._record_failure(DeliveryFailedError(_reason(error)))

    def _seconds(self) -> float:
        """Return the seconds until the next attempt; 0 if its instant is later than a right clock can have set."""
        now, at, max_pause = self._parts.clock(), self.webhook.state.next_at, self._parts.plan.max_pause * 1_000
        return 0.0 if is_ahead(at - int(max_pause), now) else max(at - now, 0) / 1_000

    async def _send_events(self, receiver: Receiver) -> None:
        """Send the events after the last delivered change; ends with an error only."""
        async with aclosing(self._parts.events.after(self.webhook, self.webhook.state.position, self._pass)) as events:
            async for change in events:
                await self._send(receiver, change)

    def _pass(self, cursor: str) -> None:
        """Advance the state over hidden changes, so that no later attempt or process reads them again."""
        self.webhook = self.webhook.with_state(replace(self.webhook.state, passed=cursor))
        now = self._parts.clock()
        if now - self._passed_at >= SAVED_MS:
            self._passed_at, self.unsaved = now, True

    async def _send(self, receiver: Receiver, change: JsonObject) -> None:
        """Send one change, and advance the state; raises DeliveryFailedError."""
        rights = self._parts.rights
        message = message_id(*self.webhook.of, self.webhook.name, change["id"])
        body = orjson.dumps(cloud_event(change, self._parts.source))
        now = self._parts.clock()
        headers = signed_headers(rights.secrets(self.webhook), message, now // 1_000, body)
        await receiver.send({"Content-Type": "application/cloudevents+json", **headers}, body)
        self._parts.results[DELIVERED] += 1
        recovered = self.webhook.state.failures > 0
        self.webhook = self.webhook.with_state(self.webhook.state.delivered(change["cursor"], now))
        self.unsaved = True
        if recovered:
            self._parts.report()

    def _record_failure(self, error: DeliveryFailedError) -> None:
        """Record a failure in the state: when the next attempt is due, or that the webhook is disabled."""
        now, state, plan = self._parts.clock(), self.webhook.state, self._parts.plan
        since = now if is_ahead(state.failing_since, now) else state.failing_since or now
        failures = state.failures + 1
        ends = error.gone or now - since >= plan.days * 24 * 3_600_000
        self.webhook = self.webhook.with_state(
            replace(
                state,
                failures=failures,
                failing_since=since,
                error=error.reason,
                next_at=0 if ends else now + int(plan.pause(failures, error.retry_after) * 1_000),
                disabled_at=now if ends else 0,
            )
        )
        self._parts.results["HTTP" if error.reason.startswith("HTTP") else error.reason] += 1
        self.unsaved = True
        log = _log.warning if ends else _log.info
        log("webhook_failed", webhook=self.webhook.name, error=error.reason, failures=failures, disabled=ends)
        self._parts.report()


def cloud_event(change: JsonObject, source: str) -> JsonObject:
    """Return the CloudEvents 1.0 object of a change, whose ``data`` are the fields of the subscription."""
    return {
        "specversion": "1.0",
        "id": change["id"],
        "source": source,
        "type": f"mlgraph.change.{change['action'].lower()}",
        "subject": change["subjectId"],
        "time": change["at"],
        "datacontenttype": "application/json",
        "data": change,
    }


def _reason(error: Exception) -> str:
    """Return the code of an error of the server; an unexpected one is logged."""
    if isinstance(error, CodedError):
        return error.code.value
    _log.error("webhook_error", exc_info=error)
    return Code.INTERNAL.value
