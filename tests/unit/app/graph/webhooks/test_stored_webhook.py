"""Webhooks as stored text."""

from dataclasses import replace

from support.stores.webhook_memory import SERVICE, webhook

from app.graph.webhooks.stored_webhook import DeliveryState, webhook_from_row
from policies.principal import Scope


def test_a_webhook_is_read_as_it_was_written() -> None:
    """All values that decide about rights and deliveries come back, and the text is kept for the next comparison."""
    owner = replace(SERVICE, teams=frozenset({"t"}), roles=frozenset({"r"}), user="u", scopes=frozenset({Scope.READ}))
    state = DeliveryState("c", 1, 2, 3, 4, "HTTP 500", 5, "p")
    given = webhook(owner=owner, filter={"kinds": ["MODEL"]}, secret="s", former_secret="f", replays=2, state=state)  # noqa: S106 - no secret
    found = webhook_from_row({"x": given.x, "record": given.record(), "note": given.state_text()})
    assert (found, found.text) == (given, given.record())


def test_a_call_of_the_owner_ends_failures() -> None:
    """The next state has the position, or the one that the owner sets, and no failure."""
    failed = DeliveryState("c", 1, 2, 3, 4, "HTTP 500", 5, "p")
    assert failed.resumed(None) == DeliveryState("c", 1, passed="p")
    assert failed.resumed("d") == DeliveryState("d", 1)
    assert failed.delivered("e", 9) == DeliveryState("e", 9)


def test_other_releases_read_the_state() -> None:
    """A position that is not needed is not stored, and a value of a later release is passed over."""
    given = webhook()
    assert "passed" not in given.state_text()
    later = given.state_text().replace("{", '{"later":1,', 1)
    assert webhook_from_row({"x": given.x, "record": given.record(), "note": later}) == given
