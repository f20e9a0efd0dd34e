"""The API on a real port, and a client that sends and receives single messages of ``graphql-transport-ws``."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE = 30.0
"""Seconds that a test waits for a message before it fails."""


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a port, 0 for a free one, and give its address without a scheme."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(
            app, log_config=None, lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=int(PATIENCE)
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}/graphql"
        finally:
            server.should_exit = True
            await running


class SocketClient:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = json.loads(await self.connection.recv())
            return message

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the end and skip messages before it; return code and reason of the server."""
        async with asyncio.timeout(PATIENCE):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason

    async def init(self, token: str) -> dict[str, Any]:
        """Open the session with a token."""
        await self.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        return await self.receive()

    async def subscribe(self, query: str, name: str = "1", **variables: Any) -> None:
        """Start an operation."""
        await self.send(type="subscribe", id=name, payload={"query": query, "variables": variables})

    async def event(self) -> Any:
        """Return the data of the next event."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]


@asynccontextmanager
async def connected(address: str, token: str | None = None) -> AsyncIterator[SocketClient]:
    """Open a connection, and a session if a token is given."""
    async with connect(f"ws://{address}", subprotocols=[PROTOCOL], proxy=None) as connection:
        talk = SocketClient(connection)
        if token is not None:
            assert (await talk.init(token))["type"] == "connection_ack"
        yield talk
