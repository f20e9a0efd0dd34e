"""Keeps the loopback port of the store bound, also while its JVM is restarted."""

from __future__ import annotations

import errno
import socket

from app.store.errors import PortBusyError

LOOPBACK = "127.0.0.1"


def reserve_port(port: int) -> socket.socket:
    """Bind ``port`` on loopback, 0 for a free port, and return the socket; close the socket to release the port.

    The socket never listens. While it is bound, the system does not hand the port out as a free port, so the URL of the
    store survives a restart of the JVM. The JVM can listen on the port because both set SO_REUSEADDR. A program that
    sets SO_REUSEADDR can still take the port while the JVM is down.

    Raises `PortBusyError` if a program listens on the port, or has bound it without SO_REUSEADDR.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((LOOPBACK, port))
    except OSError as error:
        holder.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortBusyError(
            f"Port {port} on {LOOPBACK}, set by MLG_STORE_PORT for the embedded store, is used by another program. "
            "Stop that program, or set MLG_STORE_PORT to another port, or to 0 for a free port."
        ) from error
    return holder
