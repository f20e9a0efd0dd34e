"""The registry of the webhooks of one caller."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support.stores.webhook_memory import SERVICE, WebhookMemory, webhook

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.webhooks.stored_webhook import DeliveryState, StoredWebhook
from app.graph.webhooks.webhook_store import WebhookStore
from app.webhooks.owned_webhooks import ABANDONED_MS, MAX_OF_TENANT, MAX_OWNED, OwnedWebhooks
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_rights import FORMER_MS, WebhookRights
from graphql_schema.ports.outcomes import MutationErrorCode
from graphql_schema.ports.webhooks.webhook_registry import WebhookOrder, WebhookRefusedError
from policies.principal import Principal, Scope

HOSTS = ReceiverHosts.parse(("hooks.example.com",))
URL = "https://hooks.example.com/in"
RIGHTS = WebhookRights(HOSTS, 100, b"k" * 32, lambda: 1_000)


def registry(store: WebhookMemory, caller: Principal = SERVICE) -> OwnedWebhooks:
    """Return the registry of a caller over a store in memory."""
    return OwnedWebhooks(store, RIGHTS, caller)  # type: ignore[arg-type]  # the rules of the store, in memory


async def refused(call: object) -> MutationErrorCode:
    """Return the reason for which a call is refused."""
    with pytest.raises(WebhookRefusedError) as found:
        await call  # type: ignore[misc]  # an awaitable
    return found.value.reason


async def test_a_webhook_may_only_read() -> None:
    """The stored owner has the rights of the caller, narrowed to reading, and ids that no caller can compute."""
    store, admin = WebhookMemory(), replace(SERVICE, scopes=frozenset(Scope))
    answer = await registry(store, admin).register(WebhookOrder("a", URL, {}, "cursor"))
    (stored,) = store.stored.values()
    assert stored.owner.scopes == {Scope.READ}
    assert stored.state == DeliveryState("cursor")
    assert RIGHTS.secrets(stored) == [answer.secret]
    other = WebhookMemory()
    elsewhere = OwnedWebhooks(other, replace(RIGHTS, key=b"x" * 32), SERVICE)  # type: ignore[arg-type]  # in memory
    await elsewhere.register(WebhookOrder("a", URL))
    assert other.stored.keys() != store.stored.keys()


async def test_each_read_takes_a_slot_of_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lists, updates or removes webhooks reads all of them as the caller; the job reads them as the process."""
    client, callers = GremlinClient("http://127.0.0.1:1"), list[object]()

    async def submit(*_: object, caller: object = PROCESS) -> list[object]:
        callers.append(caller)
        return [[], 0]

    monkeypatch.setattr(client, "submit", submit)
    store = WebhookStore(client, asyncio.Lock())
    owned = OwnedWebhooks(store, RIGHTS, replace(SERVICE, tenant="other"))
    assert await owned.owned() == []
    assert await refused(owned.update(WebhookOrder("a"))) is MutationErrorCode.NOT_FOUND
    assert await refused(owned.remove("a")) is MutationErrorCode.NOT_FOUND
    await owned.register(WebhookOrder("a", URL, dry=True))
    assert await store.all() == []
    assert callers == [("other", "ci")] * 4 + [PROCESS]


async def test_names_are_of_one_owner() -> None:
    """Two owners may use a name, one owner only once; a caller neither lists nor changes those of another."""
    store, other = WebhookMemory(), replace(SERVICE, subject="other")
    await registry(store).register(WebhookOrder("a", URL))
    assert await refused(registry(store).register(WebhookOrder("a", URL))) is MutationErrorCode.CONFLICT
    assert await registry(store, other).owned() == []
    assert await refused(registry(store, other).update(WebhookOrder("a"))) is MutationErrorCode.NOT_FOUND
    assert await refused(registry(store, other).remove("a")) is MutationErrorCode.NOT_FOUND
    await registry(store, other).register(WebhookOrder("a", URL))
    await registry(store).remove("a")
    assert [each.owner.subject for each in store.stored.values()] == ["other"]


async def test_calls_at_once_do_not_exceed_the_maximum() -> None:
    """An owner has at most MAX_OWNED webhooks, also if several are registered at the same time."""
    store = WebhookMemory()
    calls = (registry(store).register(WebhookOrder(str(number), URL)) for number in range(MAX_OWNED + 3))
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert len(store.stored) == MAX_OWNED
    assert sum(isinstance(each, WebhookRefusedError) for each in done) == 3


async def test_the_number_is_bounded() -> None:
    """An owner has at most MAX_OWNED webhooks, and a tenant MAX_OF_TENANT, which takes none from other tenants."""
    store = WebhookMemory()
    for number in range(MAX_OWNED):
        await registry(store).register(WebhookOrder(f"n{number}", URL))
    assert await refused(registry(store).register(WebhookOrder("more", URL))) is MutationErrorCode.CONFLICT
    others = {x: webhook(f"w{x}", x=x, owner=replace(SERVICE, subject=f"s{x}")) for x in range(MAX_OF_TENANT)}
    full, newcomer = WebhookMemory(others), replace(SERVICE, subject="newcomer")
    assert await refused(registry(full, newcomer).register(WebhookOrder("one", URL))) is MutationErrorCode.CONFLICT
    elsewhere = replace(newcomer, tenant="other")
    await registry(full, elsewhere).register(WebhookOrder("one", URL))
    assert [each["name"] for each in await registry(full, elsewhere).owned()] == ["one"]


async def test_an_abandoned_webhook_leaves_its_place() -> None:
    """No account may remove those of one that exists no more, and the result names it; a dry run removes nothing."""
    others = {x: webhook(f"w{x}", x=x, owner=replace(SERVICE, subject=f"s{x}"), rights_at=x) for x in range(100)}
    store, ended = WebhookMemory({**others}), RIGHTS.rights_ms + ABANDONED_MS
    newcomer = replace(SERVICE, subject="newcomer")

    def at(now: int) -> OwnedWebhooks:
        return OwnedWebhooks(store, replace(RIGHTS, clock=lambda: now), newcomer)  # type: ignore[arg-type]  # in memory

    assert await refused(at(ended - 1).register(WebhookOrder("one", URL))) is MutationErrorCode.CONFLICT
    dry = await at(ended + 1).register(WebhookOrder("one", URL, dry=True))
    assert (dry.removed, store.stored) == (None, others)
    results = [await at(ended + 1).register(WebhookOrder(name, URL)) for name in ("one", "two")]
    assert [each.removed for each in results] == [("w0", "s0"), ("w1", "s1")]
    assert len(store.stored) == 100
    assert {0, 1}.isdisjoint(store.stored)
    assert await refused(at(ended + 1).register(WebhookOrder("three", URL))) is MutationErrorCode.CONFLICT


class Renewed(WebhookMemory):
    """Webhooks one of which its owner renews when another one is stored."""

    async def put(self, given: StoredWebhook) -> bool:
        """Store a registration, and change the first one."""
        done = await super().put(given)
        self.stored[0] = replace(self.stored[0], text="renewed")
        return done


async def refused_beside(store: WebhookMemory) -> dict[int, StoredWebhook]:
    """Register one webhook more than a tenant may have, which is refused; return those that were stored before."""
    others = {x: webhook(f"w{x}", x=x, owner=replace(SERVICE, subject=f"s{x}"), rights_at=x) for x in range(100)}
    store.stored = {**others}
    ended = RIGHTS.rights_ms + ABANDONED_MS
    later = OwnedWebhooks(store, replace(RIGHTS, clock=lambda: ended + 1), SERVICE)  # type: ignore[arg-type]  # in memory
    assert await refused(later.register(WebhookOrder("one", URL))) is MutationErrorCode.CONFLICT
    return others


async def test_a_webhook_that_is_renewed_meanwhile_keeps_its_place() -> None:
    """The new one is removed again and refused, so that the tenant has no more than before."""
    store = Renewed({})
    others = await refused_beside(store)
    assert store.stored.keys() == others.keys()


class Refusing(WebhookMemory):
    """Webhooks to which another process adds the same one first."""

    async def put(self, given: StoredWebhook) -> bool:  # noqa: ARG002 - as the store has it
        """Refuse a registration."""
        return False


async def test_a_refused_webhook_takes_no_place() -> None:
    """The abandoned one is removed only after the new one was stored."""
    store = Refusing({})
    assert await refused_beside(store) == store.stored


async def test_an_update_changes_what_it_names_and_ends_failures() -> None:
    """Absent values keep the stored ones; rights are renewed, failures end, and a rotation keeps the former secret."""
    store = WebhookMemory()
    first = await registry(store).register(WebhookOrder("a", URL, {"kinds": ["MODEL"]}, "c1"))
    (stored,) = store.stored.values()
    store.stored[stored.x] = stored.with_state(DeliveryState("c2", 7, failures=3, failing_since=5, disabled_at=9))
    answer = await registry(store).update(WebhookOrder("a", rotates=True))
    (updated,) = store.stored.values()
    assert (updated.url, updated.filter, updated.state) == (URL, {"kinds": ["MODEL"]}, DeliveryState("c2", 7))
    assert RIGHTS.secrets(updated) == [answer.secret, first.secret]
    assert updated.former_until == 1_000 + FORMER_MS
    await registry(store).update(WebhookOrder("a", filter={}, cursor="c0"))
    (updated,) = store.stored.values()
    assert (updated.filter, updated.state.cursor) == ({}, "c0")


@pytest.mark.parametrize("granted", ["token_teams", "roles", "scopes"])
async def test_further_rights_serve_no_address_that_they_did_not_state(granted: str) -> None:
    """A weaker token of the same account could otherwise set the address that has all rights after a renewal."""
    store = WebhookMemory()
    full = replace(SERVICE, token_teams=frozenset({"mlg://team/catalog/default/ads"}), roles=frozenset({"reader"}))
    nothing: Any = {granted: frozenset()}
    weak = replace(full, **nothing)
    await registry(store, full).register(WebhookOrder("a", URL))
    await registry(store, replace(full, acts_for=frozenset({"mlg://user/catalog/default/bo"}))).update(
        WebhookOrder("a")
    )
    await registry(store, weak).update(WebhookOrder("a"))
    assert await refused(registry(store, full).update(WebhookOrder("a"))) is MutationErrorCode.CONFLICT
    await registry(store, full).update(WebhookOrder("a", URL))
    (stored,) = store.stored.values()
    assert (stored.url, stored.owner.roles) == (URL, full.roles)


async def test_addresses_that_are_not_allowed_are_refused() -> None:
    """Neither a registration nor an update may name another host."""
    store = WebhookMemory()
    assert await refused(registry(store).register(WebhookOrder("a", "https://x.example"))) is MutationErrorCode.INVALID
    await registry(store).register(WebhookOrder("a", URL))
    assert await refused(registry(store).update(WebhookOrder("a", "http://10.0.0.1/"))) is MutationErrorCode.INVALID


async def test_a_registration_that_changed_meanwhile_is_a_conflict() -> None:
    """If another call changed the webhook between read and write, nothing is written."""
    store = WebhookMemory()
    await registry(store).register(WebhookOrder("a", URL))
    (stored,) = store.stored.values()
    stale = WebhookMemory({stored.x: stored})
    store.stored[stored.x] = replace(stored, text="changed")
    store.all = stale.all  # type: ignore[method-assign]
    assert await refused(registry(store).update(WebhookOrder("a"))) is MutationErrorCode.CONFLICT
    assert await refused(registry(store).remove("a")) is MutationErrorCode.CONFLICT


async def test_one_change_of_a_caller_waits_for_the_writers() -> None:
    """Each change takes the lock of the writers: a caller with hundreds would let everybody wait for all of them."""
    store, at_once, most = WebhookMemory(), 0, 0
    for name in ("a", "b", "c"):
        await registry(store).register(WebhookOrder(name, URL))
    put, remove = store.put, store.remove

    async def change(method: Callable[[StoredWebhook], Awaitable[bool]], given: StoredWebhook) -> bool:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return await method(given)

    store.put, store.remove = partial(change, put), partial(change, remove)  # type: ignore[method-assign]
    other = registry(store, replace(SERVICE, subject="other"))
    orders = [registry(store).update(WebhookOrder("a")), registry(store).update(WebhookOrder("b"))]
    await asyncio.gather(*orders, registry(store).remove("c"), registry(store).register(WebhookOrder("d", URL)))
    assert most == 1
    await asyncio.gather(registry(store).remove("a"), other.register(WebhookOrder("a", URL)))
    assert most == 2
