"""The listening socket of a process without free descriptors."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.http.connections.listener import bound_listener
from policies.errors import ConfigurationError


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Take all descriptors of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.dup(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe + 20, hard))
    taken = [probe]
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    try:
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_connection_sends_small_parts_at_once() -> None:
    """A connection of asyncio has TCP_NODELAY, so that a body does not wait for the acknowledgement of its head."""
    accepted = asyncio.Event()
    options = []

    class Served(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            accepted.set()

    listener = bound_listener("127.0.0.1", 0)
    server = await asyncio.get_running_loop().create_server(Served, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        await accepted.wait()
        writer.close()
    assert [option != 0 for option in options] == [True]


def test_without_descriptors_the_queue_is_emptied() -> None:
    """Each accept disconnects one client of the queue, so that it does not wait and the accepts do not spin."""
    with bound_listener("127.0.0.1", 0) as listener:
        listener.listen()
        listener.settimeout(0)
        clients = [socket.create_connection(listener.getsockname(), timeout=30) for _ in range(3)]
        with no_descriptors():
            for _ in range(3):
                with pytest.raises(BlockingIOError, match="no free descriptor"):
                    listener.accept()
            with pytest.raises(BlockingIOError, match="unavailable"):
                listener.accept()
        assert [client.recv(1) for client in clients] == [b"", b"", b""]
        with socket.create_connection(listener.getsockname(), timeout=30):
            listener.accept()[0].close()
        for client in clients:
            client.close()


def test_a_port_in_use_is_refused() -> None:
    """A port that another process uses is named, with the setting that selects another one."""
    with bound_listener("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} of 127.0.0.1 .* MLG_PORT={port + 1}"):
            bound_listener("127.0.0.1", port)


def test_the_port_that_is_proposed_instead_exists() -> None:
    """Instead of the last port, which has no next one, the one before it is proposed."""
    with pytest.raises(ConfigurationError, match=r"Port 65535 of 192\.0\.2\.1 .* MLG_PORT=65534,"):
        bound_listener("192.0.2.1", 65535)
