"""What is received of a receiver: small parts, up to a number of bytes for each request."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.webhooks.bounded_socket import MAX_PART, MAX_RECEIVED, Allowance, BoundedSocket, TooLongError
from app.webhooks.host_resolver import HostResolver
from app.webhooks.receiver import DeliveryFailedError, Receiver
from app.webhooks.receiver_hosts import HostRule

HEAD = b"HTTP/1.1 200 OK\r\n"
FLOODS = {
    "interim responses": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000,
    "headers": HEAD + b"a: b\r\n" * 40_000,
    "chunks": HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 40_000 + b"0\r\n\r\n",
}
"""Responses of 240 KB and more in small messages, each of which is parsed by itself."""

REASONS = {"interim responses": "TOO_LONG", "headers": "NO_CONNECTION", "chunks": ""}
"""What each is answered with: the client has a limit for headers, and closes a long body after the status."""


def pair() -> tuple[BoundedSocket, socket.socket]:
    """Return a bounded socket and the other end of its connection."""
    near, far = socket.socketpair()
    bounded = BoundedSocket(fileno=near.detach())
    bounded.allowance = Allowance()
    return bounded, far


def test_a_part_is_small_and_all_parts_are_bounded() -> None:
    """Both ways to read return at most a part, and raise after the allowance, until it is renewed."""
    near, far = pair()
    with near, far:
        far.sendall(b"x" * (MAX_RECEIVED + 2 * MAX_PART))
        assert len(near.recv(1 << 18)) == MAX_PART
        buffer = bytearray(1 << 18)
        assert near.recv_into(buffer) == MAX_PART
        assert near.recv_into(buffer, 10) == 10
        received = 2 * MAX_PART + 10
        while near.allowance.left:
            received += len(near.recv(1 << 18))
        assert received == MAX_RECEIVED
        with pytest.raises(TooLongError):
            near.recv(1)
        with pytest.raises(TooLongError):
            near.recv_into(buffer)
        near.allowance.renew()
        assert len(near.recv(1 << 18)) == MAX_PART


@asynccontextmanager
async def flooding(response: bytes) -> AsyncIterator[str]:
    """Run a receiver that sends a text after each request; yield its URL."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            writer.write(response)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("flood", FLOODS)
async def test_no_callback_parses_a_flood(flood: str, received_parts: list[int]) -> None:
    """A flood of small messages is read in small parts, of which the whole is bounded."""
    async with flooding(FLOODS[flood]) as url, Receiver(url, HostRule.parse(url), HostResolver()) as there:
        try:
            await there.send({}, b"{}")
            failure = ""
        except DeliveryFailedError as error:
            failure = error.reason
    assert failure == REASONS[flood]
    assert received_parts
    assert max(received_parts) <= MAX_PART
    assert sum(received_parts) <= MAX_RECEIVED
