"""The port of the embedded store: reserved for its JVM, and refused if another program listens there."""

import socket

import pytest

from app.store.embedded.port import LOOPBACK, reserve_port
from app.store.errors import PortBusyError


def test_a_free_port_is_chosen_on_loopback_only() -> None:
    """Port 0 means any; the address is not reachable from other machines."""
    with reserve_port(0) as held:
        address, port = held.getsockname()
        assert (address, port > 0) == (LOOPBACK, True)


def test_a_reserved_port_is_free_for_the_jvm_and_can_be_released() -> None:
    """A program that sets SO_REUSEADDR listens there while the port is reserved; afterwards it is reserved again."""
    with reserve_port(0) as held:
        port = held.getsockname()[1]
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((LOOPBACK, port))
            server.listen()
    with reserve_port(port) as again:
        assert again.getsockname()[1] == port


def test_a_port_of_another_program_is_refused_with_the_setting() -> None:
    """The message names the port, the setting, and what to do."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"Port {port} on 127.0.0.1, set by MLG_STORE_PORT.*or to 0"):
            reserve_port(port)
