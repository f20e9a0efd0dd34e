"""The loopback port of the store, kept ours while the JVM is away."""

from __future__ import annotations

import errno
import socket

from app.store.errors import PortBusyError

LOOPBACK = "127.0.0.1"


def reserve_port(port: int) -> socket.socket:
    """Bind the port (0: a free one) and return the socket, which never listens; close it to give the port back.

    A bound socket keeps the system from lending the port to anybody else, so the store's address survives a
    restart. The JVM may listen beside it because both set SO_REUSEADDR. Raises PortBusyError.
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
            f"Port {port} on {LOOPBACK}, which MLG_STORE_PORT names for the embedded store, is taken by another "
            "program. Stop that program, or set MLG_STORE_PORT to another port or to 0 for a free one."
        ) from error
    return holder
