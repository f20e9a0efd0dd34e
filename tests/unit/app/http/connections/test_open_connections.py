"""The count of open connections, and the time of their clients."""

import asyncio
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import cast

import pytest

from app.http.connections.connection_limits import ConnectionLimits
from app.http.connections.open_connections import PROGRESS_BYTES, OpenConnection, OpenConnections, Owed
from app.http.errors import HttpError

LIMITS = ConnectionLimits(total=5, per_address=2, proxies=(), request_seconds=10, idle_seconds=5, reader_seconds=10)


@dataclass(eq=False)
class Line:
    """A transport of one client; ``unsent`` bytes wait for it."""

    address: str
    unsent: int = 0

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        """Return the address of the client."""
        return self.address, 1

    def get_write_buffer_size(self) -> int:
        """Return the bytes that wait."""
        return self.unsent

    def end_overdue(self, _owed: Owed) -> bool:
        """End the connection, as its protocol does."""
        return True


def admitted(connections: OpenConnections, address: str) -> Line:
    """Return a new connection; raises HttpError if it is refused."""
    line = Line(address)
    connections.admit(cast("asyncio.Transport", line), line)
    return line


def refused_status(connections: OpenConnections, address: str) -> int:
    """Return the status with which a connection is refused."""
    with pytest.raises(HttpError) as refused:
        admitted(connections, address)
    return refused.value.status


async def test_connections_are_counted_until_they_are_released() -> None:
    """The maximum holds for one address and for all, and a released connection does not count any more."""
    connections = OpenConnections(LIMITS)
    first = admitted(connections, "10.0.0.1")
    admitted(connections, "10.0.0.1")
    assert refused_status(connections, "10.0.0.1") == 429
    for address in ("10.0.0.2", "10.0.0.2", "10.0.0.3"):
        admitted(connections, address)
    assert refused_status(connections, "10.0.0.4") == 503
    for _ in range(2):  # the second time, it is unknown
        connections.release(cast("asyncio.Transport", first))
    admitted(connections, "10.0.0.1")
    assert refused_status(connections, "10.0.0.4") == 503


async def test_a_proxy_is_limited_with_all_others_only() -> None:
    """The maximum per address does not apply to a trusted proxy."""
    connections = OpenConnections(replace(LIMITS, proxies=(ip_network("10.1.0.0/16"),)))
    for _ in range(5):
        admitted(connections, "10.1.0.7")
    assert refused_status(connections, "10.1.0.7") == 503


async def test_an_ipv6_network_is_one_address() -> None:
    """A client with 2**64 addresses has the connections of one, and its neighbour has its own."""
    connections = OpenConnections(LIMITS)
    admitted(connections, "2001:db8:0:1::1")
    admitted(connections, "2001:db8:0:1:ffff::2")
    assert refused_status(connections, "2001:db8:0:1::3") == 429
    admitted(connections, "2001:db8:0:2::1")


def test_a_reader_makes_progress_by_bytes() -> None:
    """The time starts again when a client has taken 16 KiB or everything; fewer bytes do not count."""
    line = Line("10.0.0.1", 0)
    connection = OpenConnection("10.0.0.1", cast("asyncio.Transport", line), line, None, 0, 0)
    steps = [(0, 100_000, False), (9, 100_000 - PROGRESS_BYTES, False), (18, 80_000, False), (20, 90_000, True)]
    for now, unsent, stalled in steps:
        line.unsent = unsent
        assert connection.is_stalled(now, 10) == stalled, now
    line.unsent = 0
    assert not connection.is_stalled(30, 10)
    line.unsent = 1
    assert not connection.is_stalled(31, 10)
    assert connection.is_stalled(41, 10)


def test_the_time_starts_again_with_each_part() -> None:
    """The time of a part of a request is that of its first byte, and not that of its last one."""
    line = Line("10.0.0.1")
    connection = OpenConnection("10.0.0.1", cast("asyncio.Transport", line), line, Owed.HEAD, 0, 0)
    connection.owe(Owed.HEAD, 5)
    assert connection.owed_since == 0
    connection.owe(Owed.BODY, 6)
    assert connection.owed_since == 6
