"""A receiver of webhooks: records each request, and answers with the statuses that a test wants."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass
class Inbox:
    """The requests so far as (headers, body); ``answers`` are the next statuses, then 204. It waits while not open."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    headers: dict[str, str] = field(default_factory=dict)
    response: bytes = b""

    async def receive(self, request: web.Request) -> web.Response:
        """Record a request, and answer it."""
        body = await request.read()
        self.requests.append(({name.lower(): text for name, text in request.headers.items()}, body))
        await self.open.wait()
        status = self.answers.popleft() if self.answers else 204
        if status == 204:
            self.accepted.append(orjson.loads(body))
        return web.Response(status=status, headers=self.headers, body=self.response or None)

    def subjects(self) -> list[str]:
        """Return the names of the subjects of the accepted changes, in the order of their arrival."""
        return [event["subject"].rpartition("/")[2] for event in self.accepted]

    def ids(self) -> list[str]:
        """Return the message ids of all requests."""
        return [headers["webhook-id"] for headers, _ in self.requests]


@asynccontextmanager
async def receiving() -> AsyncIterator[Inbox]:
    """Run a receiver on a free port."""
    inbox = Inbox()
    inbox.open.set()
    application = web.Application()
    application.router.add_post("/{path:.*}", inbox.receive)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield inbox
    finally:
        inbox.open.set()
        await runner.cleanup()
