"""The listening socket of a process without free descriptors."""

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
