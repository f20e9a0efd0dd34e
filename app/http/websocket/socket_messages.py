"""Reads and writes the messages of one WebSocket: JSON in text frames, within limits."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected

from app.http.connections.connection_protocols import WRITABLE
from app.http.errors import HttpError
from app.http.graphql.graphql_request import LONG_JSON, RequestLimits, read_json_in_turn
from app.http.websocket.caller_sockets import CallerSockets
from app.http.websocket.long_messages import long_message

MAX_ID_LENGTH = 128
"""Maximum number of characters of the ``id`` that a client gives to a subscription."""

MAX_REASON_BYTES = 123
"""Maximum number of bytes of the reason in a close frame (RFC 6455 section 5.5)."""

MESSAGE_TOO_BIG = 1009
"""Close code for an oversized message (RFC 6455 section 7.4.1)."""


class SocketMessages(ASGIWebSocketAdapter):
    """The interface of Strawberry's handler to the WebSocket; the limits are those of ``view.limits``."""

    ws: WebSocket
    acknowledged = False
    """Whether the client has been authenticated."""
    caller: CallerSockets
    """What the sockets of the caller share; before authentication, of this socket alone."""
    slot: ExitStack
    """The slot of the message that was yielded last, if that is long and its slot was not passed on."""
    _sending: asyncio.Lock
    """Held while one message is sent; the others wait for it as objects."""

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Yield the received messages until one side closes the socket; close the socket after an oversized message.

        Messages that were received together are read in turns with other tasks. A long one is parsed when its caller
        has a slot, which is in ``slot`` then. None is parsed after the client has left.

        Raises `NonJsonMessageReceived` for text that `read_json_in_turn` refuses: not JSON, nested too deeply, or with
        too many elements. Raises `NonTextMessageReceived` for a binary message.
        """
        del ignore_parsing_errors  # graphql-transport-ws closes the connection after a message that is not JSON
        self.caller, self.slot, self._sending = CallerSockets(), ExitStack(), asyncio.Lock()
        try:
            while self.ws.application_state is not WebSocketState.DISCONNECTED:
                yield await self._next()
        except HttpError as error:
            raise NonJsonMessageReceived from error
        except KeyError as error:
            raise NonTextMessageReceived from error
        except WebSocketDisconnect:
            return

    async def _next(self) -> object:
        """Return the next message; raises `WebSocketDisconnect` if there is none."""
        limits: RequestLimits = self.view.limits  # type: ignore[attr-defined]
        text = (await self.ws.receive_text()).encode("utf-8", "surrogatepass")
        maximum = limits.message_bytes if self.acknowledged else limits.init_bytes
        if len(text) > maximum:
            await self.close(MESSAGE_TOO_BIG, f"The message is larger than {maximum} bytes. Send less.")
        elif len(text) > LONG_JSON and not self.is_gone:
            self.slot = await long_message(self.view.messages, self.caller, self)  # type: ignore[attr-defined]
        with ExitStack() as failed:
            failed.callback(self.slot.close)
            # After the wait for a slot, because the queue of slots limits how many texts of the caller are in memory.
            await self.caller.turns.pause()
            if self.is_gone:
                raise WebSocketDisconnect
            message = await read_json_in_turn(text, limits, "The message")
            failed.pop_all()
            return message

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one message; raises `WebSocketDisconnected` if the socket is closed.

        A message takes up to 25 MB as text, six times its characters. So it becomes text when the client has taken the
        earlier ones. It is sent in the same turn: of all sockets, only one message is text at any time. An event also
        waits until the clients of the caller have taken enough; other messages, which are short, overtake it meanwhile.
        """
        is_event = message["type"] == "next"
        while True:
            if is_event:
                await self.caller.wait(self)
            async with self._sending:
                await self._until_writable()
                await self.caller.turns.pause()
                # Others may have been sent events meanwhile; nothing is awaited between this look and the write.
                if not (is_event and self.caller.are_behind) or self.is_gone:
                    await self._send(message)
                    return

    async def _send(self, message: Mapping[str, object]) -> None:
        """Send one message now."""
        if self.is_gone:
            raise WebSocketDisconnected
        self.acknowledged |= message["type"] == "connection_ack"
        encoded = orjson.dumps(message)
        size, text = len(encoded), encoded.decode()
        del encoded
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as gone:
            raise WebSocketDisconnected from gone
        self.caller.sent(self, size)

    @property
    def untaken(self) -> int:
        """Number of bytes that were sent and that the client has not taken; 0 if the server has no such extension."""
        return self._asked("untaken")

    @property
    def is_gone(self) -> bool:
        """Whether the socket is closed, or its connection ends."""
        return bool(self._asked("is_closing")) or self.ws.application_state is WebSocketState.DISCONNECTED

    def _asked(self, name: str) -> int:
        """Return what the extension of the server says of the connection; 0 if the server has none."""
        extension = self.ws.scope.get("extensions", {}).get(WRITABLE)
        return 0 if extension is None else int(extension[name]())

    async def _until_writable(self) -> None:
        """Return when the client has taken what was sent; at once if the server has no such extension."""
        extension = self.ws.scope.get("extensions", {}).get(WRITABLE)
        if extension is not None:
            await extension["wait"]()

    async def close(self, code: int, reason: str) -> None:
        """Close the socket unless it is closed; ``reason`` is cut to `MAX_REASON_BYTES`."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        try:
            await self.ws.close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))
        except WebSocketDisconnect:
            return


def message_problem(message: object) -> str | None:
    """Return the reason why the ``type``, ``id`` or ``payload`` of a decoded message is malformed, None if none is."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "The message is malformed. Send a JSON object with a `type`."
    if message["type"] in {"subscribe", "complete"}:
        name = message.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_ID_LENGTH:
            return f"`id` is malformed. Send a string of 1 to {MAX_ID_LENGTH} characters."
    if message["type"] == "subscribe" and not isinstance(message.get("payload"), dict):
        return "`payload` is malformed. Send an object with a `query`."
    return None
