"""The port of the metrics: a used one is refused, and clients cannot take threads or descriptors of the process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from prometheus_client import CollectorRegistry, Counter

from app.telemetry.metrics_server import MAX_CONNECTIONS, MetricsServer
from policies.errors import ConfigurationError

SCRAPE = b"GET /metrics HTTP/1.0\r\n\r\n"


@contextmanager
def served() -> Iterator[int]:
    """Serve one counter on a free port, and give the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    registry = CollectorRegistry()
    Counter("scraped", "A counter.", registry=registry)
    server = MetricsServer(registry, "127.0.0.1", port)
    yield port
    server.stop()


def response(client: socket.socket) -> bytes:
    """Return what a client receives until the connection ends."""
    client.settimeout(30)
    received = b""
    try:
        while part := client.recv(65_536):
            received += part
    except ConnectionResetError:
        return received
    return received


def test_a_port_that_is_used_is_refused() -> None:
    """The error names the setting."""
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        with pytest.raises(ConfigurationError, match="MLG_METRICS_PORT"):
            MetricsServer(CollectorRegistry(), "127.0.0.1", used.getsockname()[1])


def test_many_idle_clients_leave_it_responsive(capfd: pytest.CaptureFixture[str]) -> None:
    """Of a hundred clients that send half a request few have a thread; the next scrape gets its response.

    The others are ended, and none of them writes to the log.
    """
    with served() as port, ExitStack() as stack:
        before = threading.active_count()
        idle = []
        for _ in range(100):
            idle.append(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
            idle[-1].sendall(b"GET /metr")
        with socket.create_connection(("127.0.0.1", port)) as scraper:
            scraper.sendall(SCRAPE)
            assert b"scraped_total 0.0" in response(scraper)
        assert threading.active_count() - before <= MAX_CONNECTIONS
        assert [response(client) for client in idle[: 100 - MAX_CONNECTIONS]] == [b""] * (100 - MAX_CONNECTIONS)
    assert capfd.readouterr().err == ""


def test_each_scrape_frees_its_connection() -> None:
    """More scrapes than there are connections at once all get their response."""
    with served() as port:
        for _ in range(3 * MAX_CONNECTIONS):
            with socket.create_connection(("127.0.0.1", port)) as scraper:
                scraper.sendall(SCRAPE)
                assert response(scraper).startswith(b"HTTP/1.0 200 OK")
