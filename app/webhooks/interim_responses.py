"""The number of interim responses (1xx) before the response of a receiver.

The HTTP client skips interim responses without a limit. 32 KiB have 1,250 of them, each of which is parsed on the event
loop. They would make a delivery ten times as expensive as without them.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeAlias

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage

MAX_INTERIM: Final = 8
"""Maximum number of interim responses before a response; receivers usually send none, or one 103."""

_Received: TypeAlias = tuple[RawResponseMessage, aiohttp.StreamReader]


class TooManyInterimError(aiohttp.ClientError):
    """A receiver has sent more interim responses than it may."""


class InterimBoundedResponse(aiohttp.ClientResponse):
    """A response that fails after `MAX_INTERIM` interim ones; its connection is closed then."""

    async def start(self, connection: Connection) -> Self:
        """See :meth:`aiohttp.ClientResponse.start`; raises TooManyInterimError."""
        protocol = connection.protocol
        if protocol is None:  # the start fails then
            await super().start(connection)
            return self
        with _InterimCounter(protocol):
            await super().start(connection)
        return self


class _InterimCounter:
    """Counts the responses that are read of a connection, inside of ``with``."""

    def __init__(self, protocol: ResponseHandler) -> None:
        self._protocol = protocol
        self._read: Callable[[], Awaitable[_Received]] = protocol.read
        self._left = MAX_INTERIM + 1

    def __enter__(self) -> None:
        # The client has no hook for interim responses: it reads one after the other by this method.
        self._protocol.read = self.read  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        del self._protocol.read

    async def read(self) -> _Received:
        """Return the next response, interim or not; raises TooManyInterimError."""
        if not self._left:
            raise TooManyInterimError("The receiver sends too many interim responses.")
        self._left -= 1
        return await self._read()
