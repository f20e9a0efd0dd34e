"""The port of the metrics: a few connections at once, each of which has little time.

A client of the port needs no token. Without bounds it could hold connections until the process has no thread
or descriptor left for its API.
"""

import socket
import threading
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from policies.errors import ConfigurationError

MAX_CONNECTIONS: Final = 8
"""Connections that are served at once. A further one ends the oldest of them."""

SECONDS: Final = 5.0
"""Seconds in which a client must send or take the next bytes."""


class _Handler(WSGIRequestHandler):
    """Serves one request of a connection, and logs nothing."""

    timeout = SECONDS

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    """Serves each connection in a thread; the connections are bounded."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._open: dict[socket.socket, None] = {}
        super().__init__(address, handler)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Serve a connection in a slot; if all are taken, end the oldest connection, or this one if that frees none."""
        if not self._slots.acquire(blocking=False):
            oldest = next(iter([*self._open]), None)
            if oldest is not None:
                _end(oldest)
            if not self._slots.acquire(timeout=1):
                super().shutdown_request(request)
                return
        self._open[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Close a connection, and free its slot."""
        super().shutdown_request(request)
        if request in self._open:
            del self._open[request]
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing: a client can break any number of connections."""


def _end(connection: socket.socket) -> None:
    """End what a connection waits for, so that its thread closes it."""
    with suppress(OSError):  # its thread has closed it in the same moment
        connection.shutdown(socket.SHUT_RDWR)


class MetricsServer:
    """Serves ``/metrics`` on a port of its own, in threads, without authentication; the port must not be public.

    Raises ConfigurationError if the port cannot be used.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        try:
            family, *_, (address, *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            server_class: type[_Server] = type("_ServerOfFamily", (_Server,), {"address_family": family})
            self._server = make_server(str(address), port, make_wsgi_app(registry), server_class, _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} of {host} cannot be used for metrics ({error.strerror}); set MLG_METRICS_PORT to a free "
                "port, or to 0 for none."
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and wait for the thread that accepts connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
