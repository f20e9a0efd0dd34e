"""When a stored webhook is sent."""

from dataclasses import replace

import pytest
from support.stores.webhook_memory import webhook

from app.graph.webhooks.stored_webhook import DeliveryState
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_rights import FORMER_MS, RightsEndedError, WebhookRights
from graphql_schema.catalog.instants import MAX_AHEAD_MS
from graphql_schema.webhooks.webhook import WebhookState

HOSTS = ReceiverHosts.parse(("http://127.0.0.1:1",))
KEY = b"k" * 32


def rights(now: int = 0, key: bytes = KEY, hosts: ReceiverHosts = HOSTS) -> WebhookRights:
    """Return rules with rights of 100 ms, at an instant."""
    return WebhookRights(hosts, 100, key, lambda: now)


SEALED = webhook(secret=rights().seal("whsec_new"))


def test_the_state_follows_hosts_failures_rights_and_key() -> None:
    """Each reason for which nothing is sent has a state, and the rights end exactly when they are over."""
    failing, disabled = DeliveryState("c", failures=1), DeliveryState("c", failures=9, disabled_at=5)
    assert rights().state_of(SEALED) is WebhookState.ACTIVE
    assert rights(99).state_of(SEALED) is WebhookState.ACTIVE
    assert rights(100).state_of(SEALED) is WebhookState.RIGHTS_ENDED
    assert rights().state_of(SEALED.with_state(failing)) is WebhookState.FAILING
    assert rights().state_of(SEALED.with_state(disabled)) is WebhookState.DISABLED
    assert rights(hosts=ReceiverHosts()).state_of(SEALED) is WebhookState.OFF
    assert rights(key=b"other" * 8).state_of(SEALED) is WebhookState.RIGHTS_ENDED


def test_a_webhook_reads_as_its_owner_until_the_rights_end() -> None:
    """Before the end the caller is the owner; after it an error is raised, so that nothing is read."""
    assert rights(99).principal(SEALED) == SEALED.owner
    with pytest.raises(RightsEndedError):
        rights(100).principal(SEALED)


def test_a_former_secret_signs_for_a_while() -> None:
    """After a rotation both secrets sign, the new one first, until the former one ends; a stored text shows neither."""
    both = replace(SEALED, former_secret=rights().seal("whsec_old"), former_until=50)
    assert rights(49).secrets(both) == ["whsec_new", "whsec_old"]
    assert rights(50).secrets(both) == ["whsec_new"]
    assert rights(key=b"other" * 8).secrets(both) == []
    assert "whsec" not in both.record()


def test_rights_of_a_clock_that_was_ahead_have_ended() -> None:
    """A call that is dated ahead gives no rights, neither now nor when the clock reaches it."""
    slightly, far = (replace(SEALED, rights_at=MAX_AHEAD_MS + more) for more in (0, 1))
    assert (rights().ended(slightly), rights().state_of(slightly)) == (None, WebhookState.ACTIVE)
    assert (rights().until(far), rights().state_of(far)) == (0, WebhookState.RIGHTS_ENDED)
    with pytest.raises(RightsEndedError):
        rights().principal(far)
    stored = rights(1_000).ended(replace(far, rights_at=1_001 + MAX_AHEAD_MS))
    assert stored is not None
    assert (stored.rights_at, rights(1_001 + MAX_AHEAD_MS).state_of(stored)) == (900, WebhookState.RIGHTS_ENDED)


def test_a_former_secret_of_a_clock_that_was_ahead_signs_no_more() -> None:
    """Its end is later than a rotation by a right clock can have set."""
    former = replace(SEALED, former_secret=rights().seal("whsec_old"))
    found = [
        rights().secrets(replace(former, former_until=FORMER_MS + MAX_AHEAD_MS + more)) == ["whsec_new", "whsec_old"]
        for more in (0, 1)
    ]
    assert found == [True, False]
