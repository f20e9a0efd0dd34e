"""The departure of a client: the message that says so, and no other one."""

from starlette.types import Message

from app.http.connections.departure import departed


async def test_only_a_disconnect_is_a_departure() -> None:
    """The parts of a body that was not read are passed over, and nothing is received after the disconnect."""
    messages: list[Message] = [{"type": "http.disconnect"}, {"type": "http.disconnect"}, {"type": "http.request"}]

    async def receive() -> Message:
        return messages.pop()

    await departed(receive)
    assert messages == [{"type": "http.disconnect"}]
