"""The parts in which a webhook's sockets receive."""

import pytest

from app.webhooks.bounded_socket import BoundedSocket


@pytest.fixture
def received_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list to which the size of each part is added that a socket receives."""
    parts: list[int] = []
    received = BoundedSocket.recv

    def recv(self: BoundedSocket, bufsize: int, flags: int = 0) -> bytes:
        part = received(self, bufsize, flags)
        parts.append(len(part))
        return part

    monkeypatch.setattr(BoundedSocket, "recv", recv)
    return parts
