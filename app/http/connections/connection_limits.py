"""The limits of connections, from the settings and from the descriptors that the system grants the process."""

import resource
from dataclasses import dataclass

from app.settings import Network, Settings

RESERVED_DESCRIPTORS = 160
"""Descriptors for everything but admitted connections: store, logs, keys, and connections that are being refused.

A process that may open fewer than 240 descriptors reserves fewer; see `admissible`.
"""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections are admitted, and how many seconds their clients may take.

    ``total`` and ``per_address`` count open connections; the latter does not hold for addresses in ``proxies``, and an
    IPv6 network of 64 bits is one address. A request head, and again the body after it, must arrive within
    ``request_seconds``. A connection between two requests is closed after ``idle_seconds``. A client that does not take
    16 KiB of what was sent, or the rest, within ``reader_seconds`` is disconnected.
    """

    total: int
    per_address: int
    proxies: tuple[Network, ...]
    request_seconds: float
    idle_seconds: int
    reader_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """Return the limits of this process, whose descriptors bound the total; an address gets half of it at most."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        total = admissible(settings.max_connections, None if soft == resource.RLIM_INFINITY else soft)
        return cls(
            total=total,
            per_address=min(settings.max_connections_per_address, max(1, total // 2)),
            proxies=settings.trusted_proxies,
            request_seconds=settings.request_seconds,
            idle_seconds=settings.idle_seconds,
            reader_seconds=settings.reader_seconds,
        )


def admissible(wanted: int, descriptors: int | None) -> int:
    """Return ``wanted``, or if it is lower, the number of ``descriptors`` that remain for connections.

    That number is ``descriptors`` without `RESERVED_DESCRIPTORS`, or a third of them if that is more. None is an
    unlimited number of descriptors.
    """
    if descriptors is None:
        return wanted
    return min(wanted, max(descriptors - RESERVED_DESCRIPTORS, descriptors // 3))
