"""A TCP relay to a store that cuts, holds and replaces responses on command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """A TCP relay to the store: real requests and answers, and failures of the network on demand."""

    store: str
    port: int = 0
    cuts: int = 0
    """How many of the next answers are thrown away with their connection, after the store has given them."""
    canned: bytes = b""
    """A response to return without a request to the store."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    requests: int = 0
    arrival: asyncio.Condition = field(default_factory=asyncio.Condition)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Return the URL of the proxy, with the user info of the store, which the client uses in place of the store."""
        return self.store.replace(f":{urlsplit(self.store).port}/", f":{self.port}/")

    async def open(self) -> None:
        """Listen, on the earlier port if there was one."""
        self.gate.set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection, as a killed process does."""
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        await self.server.wait_closed()

    async def arrived(self, requests: int) -> None:
        """Wait until this many requests have arrived."""
        async with self.arrival:
            await self.arrival.wait_for(lambda: self.requests >= requests)

    async def _arrived(self) -> None:
        async with self.arrival:
            self.requests += 1
            self.arrival.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.add(writer)
        store = urlsplit(self.store)
        up_reader, up_writer = await asyncio.open_connection(store.hostname, store.port)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await _message(reader)
                await self._arrived()
                if not self.canned:
                    up_writer.write(request)
                response = self.canned or await _message(up_reader)
                await self.gate.wait()
                if self.cuts:
                    self.cuts -= 1
                    break
                writer.write(response)
        self.writers.discard(writer)
        writer.transport.abort()
        up_writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP/1.1 message, whose body has a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    return head + await reader.readexactly(int(fields.get(b"content-length", 0)))


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """Run a relay to the store at ``url``."""
    proxy = Proxy(url)
    await proxy.open()
    try:
        yield proxy
    finally:
        proxy.gate.set()
        await proxy.close()
