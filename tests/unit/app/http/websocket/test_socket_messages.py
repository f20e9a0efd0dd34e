"""Messages of a WebSocket: which are malformed, and why."""

from typing import Any

import pytest

from app.http.websocket.socket_messages import message_problem


@pytest.mark.parametrize(
    "message",
    [
        {"type": "ping"},
        {"type": "connection_init", "payload": None},
        {"type": "complete", "id": "1"},
        {"type": "subscribe", "id": "x" * 128, "payload": {}},
        {"type": "unknown"},
    ],
)
def test_a_message_with_type_id_and_payload_is_well_formed(message: Any) -> None:
    """Only what a type needs is checked; an unknown type is left to the protocol handler."""
    assert message_problem(message) is None


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (None, "The message is malformed"),
        ([], "The message is malformed"),
        ({}, "The message is malformed"),
        ({"type": 1}, "The message is malformed"),
        ({"type": "subscribe", "payload": {}}, "`id` is malformed. Send a string of 1 to 128 characters."),
        ({"type": "subscribe", "id": "", "payload": {}}, "`id` is malformed"),
        ({"type": "subscribe", "id": 1, "payload": {}}, "`id` is malformed"),
        ({"type": "complete", "id": "x" * 129}, "`id` is malformed"),
        ({"type": "subscribe", "id": "1"}, "`payload` is malformed"),
        ({"type": "subscribe", "id": "1", "payload": "{ a }"}, "`payload` is malformed"),
    ],
)
def test_a_malformed_message_is_named_by_its_member(message: Any, problem: str) -> None:
    """The reason becomes part of the close frame."""
    found = message_problem(message)
    assert found is not None
    assert found.startswith(problem)
