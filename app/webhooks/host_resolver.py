"""The addresses of the hosts of webhooks, looked up in threads of their own.

The look-up of a name whose server does not answer takes many seconds, and owners may choose such names. In the threads
that others of the process use, a few of them would delay the keys of issuers.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

MAX_LOOKUPS: Final = 16
"""Maximal number of look-ups at the same time; further ones wait for their turn."""

_NUMERIC: Final = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


class HostResolver(AbstractResolver):
    """Looks up hosts for all webhooks of a process, each name once at a time.

    Who waits may end earlier: the look-up continues, and the next attempt for this name waits for the same one.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_LOOKUPS, thread_name_prefix="webhook-host")
        self._running: dict[tuple[str, int, int], asyncio.Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host; raises OSError without one."""
        key = host, port, int(family)
        lookup = self._running.get(key)
        if lookup is None:
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port, family)
            self._running[key] = lookup
            lookup.add_done_callback(lambda done: self._end(key, done))
        return [*await asyncio.shield(lookup)]

    async def close(self) -> None:
        """Begin no further look-up; the threads end with those under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _end(self, key: tuple[str, int, int], lookup: asyncio.Future[list[ResolveResult]]) -> None:
        """Forget a look-up. Its error is read here, because everyone who waited for it may have left."""
        del self._running[key]
        if not lookup.cancelled():
            lookup.exception()


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=socket.getnameinfo(address, _NUMERIC)[0],  # with the zone of a local IPv6 address
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in found
    ]
