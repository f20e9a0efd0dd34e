"""The deliveries of one webhook: order, retries, and when they end."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.servers.webhook_inbox import Inbox, receiving
from support.stores.webhook_memory import webhook

from app.graph.webhooks.stored_webhook import DeliveryState
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_delivery import DELIVERED, DeliveryParts, RetryPlan, WebhookDelivery, cloud_event
from app.webhooks.webhook_rights import RightsEndedError, WebhookRights
from policies.errors import Code, CodedError

DAY = 24 * 3_600_000


@dataclass
class Feed:
    """Changes by number; reading begins after a cursor, and ends with the error that a test wants."""

    length: int
    hidden: set[int] = field(default_factory=set)
    saved: Callable[[], None] = lambda: None
    errors: list[Exception] = field(default_factory=list)
    begins: list[str] = field(default_factory=list)
    results: Counter[str] = field(default_factory=Counter)

    async def after(
        self, _: object, cursor: str, passed: Callable[[str], None]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the changes after a cursor, except the hidden ones."""
        self.begins.append(cursor)
        for number in range(int(cursor) + 1, self.length + 1):
            if number in self.hidden:
                passed(str(number))
                self.saved()
                continue
            if self.errors:
                raise self.errors.pop(0)
            yield {
                "id": f"c{number}",
                "action": "UPDATED",
                "subjectId": f"s/{number}",
                "at": "t",
                "cursor": f"{number}",
            }
        raise RightsEndedError("the feed of the test is over")


@dataclass
class Clock:
    """A clock that advances by ``step`` milliseconds with each look."""

    now: int = 1_000
    step: int = 0

    def __call__(self) -> int:
        """Return the present."""
        self.now += self.step
        return self.now


def delivery(inbox: Inbox, feed: Feed, clock: Clock, reports: list[int], first: float = 0.0) -> WebhookDelivery:
    """Return a delivery to an inbox, whose pauses are over at once."""
    rights = WebhookRights(ReceiverHosts.parse((inbox.url,)), 1 << 60, b"k" * 32, clock)
    hook = webhook(url=inbox.url, secret=rights.seal("whsec_AAAA"), state=DeliveryState("0"))
    parts = DeliveryParts(
        feed,  # type: ignore[arg-type]  # the changes of a test
        rights,
        "http://here",
        feed.results,
        lambda: reports.append(1),
        RetryPlan(first, first),
        clock,
    )
    return WebhookDelivery(hook, parts)


async def test_a_change_is_read_again_before_each_attempt() -> None:
    """After a failure, reading begins after the last accepted change, and the order is kept."""
    reports: list[int] = []
    async with receiving() as inbox:
        inbox.answers.extend([204, 500, 503])
        feed = Feed(3)
        running = delivery(inbox, feed, Clock(), reports)
        await running.run()
        assert inbox.subjects() == ["1", "2", "3"]
    assert feed.begins == ["0", "1", "1"]
    assert running.webhook.state == DeliveryState("3", 1_000)
    assert len(reports) == 3  # each failure, and the end of failures


async def test_hidden_changes_are_not_read_again() -> None:
    """An attempt after a failure begins behind them, and the cursor, which the owner reads, does not move."""
    async with receiving() as inbox:
        inbox.answers.extend([500])
        feed = Feed(4, hidden={1, 2, 4})
        running = delivery(inbox, feed, Clock(now=100_000), [])
        await running.run()
        assert inbox.subjects() == ["3"]
    assert (feed.begins, running.webhook.state) == (["0", "2"], DeliveryState("3", 100_000, passed="4"))


async def test_the_position_after_hidden_changes_is_stored_once_a_minute() -> None:
    """Hidden changes of others, however many, make no write for each webhook whenever they are read."""
    async with receiving() as inbox:
        marks: list[bool] = []

        def save() -> None:
            marks.append(running.unsaved)
            running.unsaved = False

        feed = Feed(6, hidden=set(range(1, 7)), saved=save)
        running = delivery(inbox, feed, Clock(now=100_000, step=25_000), [])
        await running.run()
    assert marks == [True, False, False, True, False, False]


async def test_errors_of_the_server_are_retried() -> None:
    """An error while a change is read is a failure with its code, and one without a code is internal.

    That the store is away is none of the receiver: it neither delays later deliveries nor disables the webhook.
    """
    reports: list[int] = []
    async with receiving() as inbox:
        away = CodedError("away", Code.STORE_UNAVAILABLE)
        errors = [away, CodedError("broken", Code.STORE_FAILED), ValueError("a defect")]
        running = delivery(inbox, Feed(1, errors=[away, away]), Clock(step=DAY), reports)
        await running.run()
        assert (running.webhook.state.failures, running.webhook.state.failing_since, reports) == (0, 0, [])
        feed = Feed(1, errors=errors)
        await delivery(inbox, feed, Clock(), reports).run()
        assert inbox.subjects() == ["1", "1"]
    assert len(reports) == 3
    assert feed.results == {"STORE_UNAVAILABLE": 1, "STORE_FAILED": 1, "INTERNAL": 1, DELIVERED: 1}


@pytest.mark.parametrize(("status", "step", "attempts"), [(410, 0, 1), (500, DAY, 3)])
async def test_a_webhook_is_disabled(status: int, step: int, attempts: int) -> None:
    """Status 410 disables a webhook at once, and other failures after five days of them."""
    reports: list[int] = []
    async with receiving() as inbox:
        inbox.answers.extend([status] * 20)
        running = delivery(inbox, Feed(1), Clock(step=step), reports)
        await running.run()
        assert len(inbox.requests) == attempts
    state = running.webhook.state
    assert (state.disabled_at > 0, state.error, state.cursor, state.failures) == (True, f"HTTP {status}", "0", attempts)


@pytest.mark.parametrize("state", [DeliveryState("0", failures=1, failing_since=1 << 50, next_at=1 << 50)])
async def test_a_failure_while_the_clock_was_ahead_delays_nothing(state: DeliveryState) -> None:
    """The next attempt is made at once, and a further failure is the first one of the days until the end."""
    reports: list[int] = []
    async with receiving() as inbox:
        inbox.answers.extend([500, 204])
        running = delivery(inbox, Feed(1), Clock(), reports)
        running.webhook = running.webhook.with_state(state)
        failed: list[DeliveryState] = []
        running._parts = replace(running._parts, report=lambda: failed.append(running.webhook.state))  # noqa: SLF001
        await running.run()
    assert [each.failing_since for each in failed] == [1_000, 0]
    assert running.webhook.state.cursor == "1"


def test_pauses_double_up_to_an_hour() -> None:
    """A pause is between half and all of 1 s, 2 s, 4 s, … an hour; the receiver may want a longer one."""
    plan = RetryPlan()
    for failures, full in enumerate((1, 2, 4, 8, 16), start=1):
        assert full / 2 <= plan.pause(failures) <= full
    assert 1_800 <= plan.pause(1_000) <= 3_600
    assert plan.pause(1, 100.0) == 100.0
    assert plan.pause(1, 1e9) == 3_600


def test_an_event_is_a_cloud_event() -> None:
    """The required attributes of CloudEvents 1.0 are present, and `data` is the change as it was read."""
    change = {"id": "c", "action": "STAGE_CHANGED", "subjectId": "s", "at": "t", "fields": []}
    event = cloud_event(change, "https://graph.example.com")
    required: Sequence[str] = ("id", "source", "specversion", "type")
    assert [event[name] for name in required] == [
        "c",
        "https://graph.example.com",
        "1.0",
        "mlgraph.change.stage_changed",
    ]
    assert event["data"] is change
