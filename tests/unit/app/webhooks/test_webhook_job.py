"""The job that starts and stops deliveries, and stores their states."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.stores.webhook_memory import WebhookMemory, webhook
from support.unpaused_calls import UnpausedCalls
from support.waiting import until

from app.fair_queue import PROCESS
from app.graph.webhooks.stored_webhook import DeliveryState, StoredWebhook
from app.webhooks import webhook_job
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_delivery import RetryPlan
from app.webhooks.webhook_job import WebhookJob, sending
from app.webhooks.webhook_rights import RightsEndedError, WebhookRights
from policies.errors import CodedError

URL = "http://127.0.0.1:1"


@dataclass
class Silent:
    """Events that never come; ``begun`` are the names of the webhooks that wait for them, ``ended`` those no more."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def after(self, hook: StoredWebhook, _: str, __: object) -> AsyncGenerator[dict[str, Any], None]:
        """Wait for ever."""
        self.begun.append(hook.name)
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append(hook.name)
        yield {}


def job_over(store: WebhookMemory, events: Silent) -> WebhookJob:
    """Return a job whose rights last for ever."""
    rights = WebhookRights(ReceiverHosts.parse((URL,)), 1 << 60, b"k" * 32)
    for x, each in store.stored.items():
        sealed = replace(each, secret=rights.seal("whsec_AAAA"), x=x)
        store.stored[x] = replace(sealed, text=sealed.record())
    return WebhookJob(store, events, rights, "http://here", pause_seconds=600.0)  # type: ignore[arg-type]  # in memory


async def test_deliveries_follow_the_store() -> None:
    """A stored webhook is sent, a changed one begins again, a removed or disabled one ends."""
    store, events = WebhookMemory({8: webhook("a"), 16: webhook("b")}), Silent()
    job = job_over(store, events)
    async with sending(job):
        await until(lambda: sorted(events.begun) == ["a", "b"])
        await store.put(replace(store.stored[8], filter={"kinds": ["MODEL"]}))
        await until(lambda: events.begun[2:] == ["a"])
        store.stored[16] = store.stored[16].with_state(DeliveryState("c", disabled_at=1))
        await store.remove(store.stored[8])
        await until(lambda: not job.running)
    assert sorted(events.ended) == ["a", "a", "b"]


async def test_rights_that_are_ahead_of_the_clock_end_in_the_store() -> None:
    """Otherwise they would begin again when the clock reaches the call that was dated ahead."""
    store, events = WebhookMemory({8: webhook("a", rights_at=1 << 50)}), Silent()
    job = job_over(store, events)
    job.rights = replace(job.rights, rights_ms=100, clock=lambda: 1_000)
    await job.step()
    assert store.stored[8].rights_at == 900
    assert not job.running


async def test_only_the_leader_sends() -> None:
    """A process that does not lead starts nothing, and one that leads no more stops what it sent."""
    store, events = WebhookMemory({8: webhook("a")}), Silent()
    job = job_over(store, events)
    store.leads = False
    await job.step()
    assert job.running == {}
    store.leads = True
    await job.step()
    await until(lambda: events.begun == ["a"])
    store.leads = False
    await job.step()
    assert (job.running, events.ended) == ({}, ["a"])


async def test_states_are_stored_at_each_step_and_at_the_end() -> None:
    """A state in memory is stored; a changed registration continues after it, unless its owner has set the cursor."""
    store, events = WebhookMemory({8: webhook("a")}), Silent()
    job = job_over(store, events)
    await job.step()
    delivery = job.running[8].delivery
    delivery.webhook, delivery.unsaved = delivery.webhook.with_state(DeliveryState("next")), True
    await job.step()
    assert store.stored[8].state == DeliveryState("next")
    delivery.webhook, delivery.unsaved = delivery.webhook.with_state(DeliveryState("late")), True
    await store.put(replace(store.stored[8], filter={"kinds": []}))
    await job.step()
    await job.step()
    assert store.stored[8].state == DeliveryState("late")
    delivery = job.running[8].delivery
    delivery.webhook, delivery.unsaved = delivery.webhook.with_state(DeliveryState("later")), True
    await store.put(replace(store.stored[8], replays=1, state=DeliveryState("replayed")))
    await job.step()
    assert store.stored[8].state == job.running[8].delivery.webhook.state == DeliveryState("replayed")
    delivery = job.running[8].delivery
    delivery.webhook, delivery.unsaved = delivery.webhook.with_state(DeliveryState("last")), True
    await job.close()
    assert store.stored[8].state == DeliveryState("last")


@dataclass
class Failing(Silent):
    """Events that cannot be read, except for the names ``waiting``; ``over`` ends the rights of all."""

    waiting: set[str] = field(default_factory=set)
    over: bool = False

    async def after(self, hook: StoredWebhook, _: str, __: object) -> AsyncGenerator[dict[str, Any], None]:
        """Raise an error."""
        self.begun.append(hook.name)
        if hook.name in self.waiting:
            await asyncio.Event().wait()
        raise RightsEndedError("over") if self.over else CodedError("no events")
        yield {}


@dataclass
class Counted(WebhookMemory):
    """Webhooks in memory; ``reads`` counts the reads of all, and ``saved`` has the webhook of each stored state."""

    reads: int = 0
    saved: list[str] = field(default_factory=list)

    async def save_state(self, given: StoredWebhook) -> bool:
        """Store the state alone."""
        self.saved.append(given.name)
        return await super().save_state(given)

    async def all(self, caller: Hashable = PROCESS) -> list[StoredWebhook]:
        """Return all webhooks."""
        self.reads += 1
        return await super().all(caller)


async def test_a_failure_is_stored_without_a_read_of_the_registrations() -> None:
    """Receivers that fail all the time made the job read all webhooks each time; a registration does so at once."""
    store, events = Counted({8: webhook("a"), 16: webhook("b")}), Failing()
    job = job_over(store, events)
    job.plan = RetryPlan(first=3_600.0)
    async with sending(job):
        await until(lambda: all(each.state.failures == 1 for each in store.stored.values()))
        assert (sorted(events.begun), store.reads) == (["a", "b"], 1)
        await store.put(replace(store.stored[8], filter={"kinds": ["MODEL"]}))
        await until(lambda: store.reads == 2 and len(events.begun) == 3)


async def test_failures_without_end_do_not_keep_the_job_from_reading() -> None:
    """Webhooks that other processes registered, renewed or removed count also while one fails all the time."""
    store = Counted({8: webhook("a")})
    job = job_over(store, Failing())
    job.plan, job.pause_seconds = RetryPlan(first=0.0), 0.0
    async with sending(job):
        await until(lambda: store.reads > 3)


async def test_failures_without_end_do_not_delay_a_registration() -> None:
    """A webhook that is registered in this process is sent at once, although another one fails all the time."""
    store = Counted({8: webhook("a")})
    job = job_over(store, Failing())
    job.plan = RetryPlan(first=0.0)
    async with sending(job):
        await until(lambda: len(store.saved) > 0)
        await store.put(webhook("b", x=16, secret=job.rights.seal("whsec_BBBB")))
        await until(lambda: 16 in job.running)


async def test_failures_without_end_leave_the_write_lock_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause follows each time that states are stored because of a failure: that needs the lock of all writers.

    A receiver that alternates between failure and success made the job store its state up to 20 times a second.
    """
    monkeypatch.setattr(webhook_job, "SAVE_SECONDS", 600.0)
    store, events = Counted({8: webhook("a")}), Failing()
    job = job_over(store, events)
    job.plan = RetryPlan(first=0.0)
    async with sending(job):
        await until(lambda: len(events.begun) > 20)
        assert store.saved == ["a"]
    assert store.stored[8].state.failures == len(events.begun) > 20  # at an orderly end nothing is lost


async def test_what_is_reported_in_a_pause_is_stored_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner sees that the receiver works again, or why its webhook ended, also if nothing happens later."""
    monkeypatch.setattr(webhook_job, "SAVE_SECONDS", 0.01)
    store, events = Counted({8: webhook("a")}), Failing()
    job = job_over(store, events)
    job.plan = RetryPlan(first=0.0)
    async with sending(job):
        await until(lambda: len(store.saved) > 0)
        events.over = True
        await until(job.running[8].task.done)
        last = job.running[8].delivery.webhook.state
        await until(lambda: store.stored[8].state == last)


async def test_neither_a_failure_nor_a_registration_has_other_states_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise one receiver that fails, or one caller, would have the positions of all webhooks stored each time."""
    monkeypatch.setattr(webhook_job, "SAVE_SECONDS", 0.0)
    store, events = Counted({8: webhook("a")}), Failing(waiting={"a"})
    job = job_over(store, events)
    job.plan = RetryPlan(first=3_600.0)
    async with sending(job):
        await until(lambda: events.begun == ["a"])
        job.running[8].delivery.unsaved = True
        await store.put(webhook("b", x=16, secret=job.rights.seal("whsec_BBBB")))
        await until(lambda: store.stored[16].state.failures == 1)
        assert store.saved == ["b"]
    assert store.saved == ["b", "a"]


async def test_the_last_state_of_a_delivery_is_stored_when_its_rights_have_ended() -> None:
    """A registration in this process stores no states, and may be what makes the job see that rights have ended."""
    store = WebhookMemory({8: webhook("a", rights_at=1_000)})
    job = job_over(store, Silent())
    job.rights = replace(job.rights, rights_ms=1_000_000, clock=lambda: 1_000)
    await job.step()
    delivery = job.running[8].delivery
    delivery.webhook, delivery.unsaved = delivery.webhook.with_state(DeliveryState("last")), True
    job.rights = replace(job.rights, clock=lambda: 2_000_000)
    await job.follow()
    assert (job.running, store.stored[8].state) == ({}, DeliveryState("last"))


async def test_rights_that_are_ahead_of_the_clock_end_after_the_delivery() -> None:
    """The end of the rights changes the registration, and the last state of a delivery before that was refused."""
    store = WebhookMemory({8: webhook("a", rights_at=1 << 30)})
    job = job_over(store, Silent())
    job.rights = replace(job.rights, rights_ms=100, clock=lambda: 1 << 30)
    await job.step()
    delivery = job.running[8].delivery
    delivery.webhook, delivery.unsaved = delivery.webhook.with_state(DeliveryState("last")), True
    job.rights = replace(job.rights, clock=lambda: 1_000)
    await job.follow()
    await job.follow()
    assert (store.stored[8].rights_at, store.stored[8].state) == (900, DeliveryState("last"))


async def test_the_states_of_webhooks_are_decided_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may end a turn, because its secret is decrypted: a thousand of them held the event loop for 50 ms."""
    store = WebhookMemory({x: webhook(f"w{x}") for x in range(20)})
    job = job_over(store, Silent())
    calls = UnpausedCalls(monkeypatch)
    calls.observe(WebhookRights, "state_of")
    await job.step()
    assert (len(job.running), calls.longest) == (20, 1)
    await job.close()


async def test_a_webhook_that_is_registered_again_begins_anew() -> None:
    """It has the id and the name of the removed one, and the job may see both only together: no position is kept."""
    store, events = WebhookMemory({8: webhook("a")}), Silent()
    job = job_over(store, events)
    await job.step()
    first = job.running[8].delivery
    first.webhook, first.unsaved = first.webhook.with_state(DeliveryState("old", failures=3, next_at=9)), True
    await store.remove(store.stored[8])
    again = webhook("a", created_at=7, secret=job.rights.seal("whsec_BBBB"), state=DeliveryState("new"))
    assert await store.put(again)
    await job.step()
    assert job.running[8].delivery is not first
    assert store.stored[8].state == job.running[8].delivery.webhook.state == DeliveryState("new")
    await job.close()
    assert store.stored[8].state == DeliveryState("new")


async def test_metrics_count_webhooks_by_state() -> None:
    """Each state has a number, also 0, and attempts are counted by result from 0 on."""
    store = WebhookMemory({8: webhook("a"), 16: webhook("b", state=DeliveryState("c", disabled_at=1))})
    job = job_over(store, Silent())
    await job.step()
    states, results = job.metrics()
    numbers = {sample.labels["state"]: sample.value for sample in states.samples}
    assert numbers == {"ACTIVE": 1, "FAILING": 0, "RIGHTS_ENDED": 0, "DISABLED": 1, "OFF": 0}
    assert {sample.labels["result"]: sample.value for sample in results.samples} == {"DELIVERED": 0}
    await job.close()
