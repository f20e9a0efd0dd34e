"""The messages of one WebSocket: JSON objects in text frames, within limits, and only while it is open."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected

from app.http.errors import HttpError
from app.http.graphql.graphql_request import RequestLimits, read_json

MAX_ID_LENGTH = 128
"""Characters of the id that a client gives to a subscription."""

MAX_REASON_BYTES = 123
"""Bytes of a close frame's reason (RFC 6455, section 5.5)."""

TOO_LARGE = 1009
"""The close code of RFC 6455 for a message that is too big to process."""


class SocketMessages(ASGIWebSocketAdapter):
    """Reads and writes messages as Strawberry's handler wants them; ``view`` has the ``limits``."""

    ws: WebSocket

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Yield the messages until the socket is closed, by whichever side."""
        del ignore_parsing_errors  # this protocol has no place for what is no JSON
        limits: RequestLimits = self.view.limits  # type: ignore[attr-defined]
        try:
            while self.ws.application_state is not WebSocketState.DISCONNECTED:
                text = (await self.ws.receive_text()).encode("utf-8", "surrogatepass")
                if len(text) > limits.message_bytes:
                    await self.close(TOO_LARGE, f"A message may have {limits.message_bytes} bytes.")
                    return
                yield read_json(text, limits, "The message")
        except HttpError as error:
            raise NonJsonMessageReceived from error
        except KeyError as error:
            raise NonTextMessageReceived from error
        except WebSocketDisconnect:
            return

    async def send_json(self, message: Mapping[str, Any]) -> None:
        """Send one message; raises WebSocketDisconnected when the socket is closed."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except WebSocketDisconnect as gone:
            raise WebSocketDisconnected from gone

    async def close(self, code: int, reason: str) -> None:
        """Close the socket, if it is not closed yet; a long reason is cut."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        try:
            await self.ws.close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))
        except WebSocketDisconnect:
            return


def malformed(message: object) -> str | None:
    """What is wrong with the form of a message of the protocol, None when nothing is."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is a JSON object with a `type`."
    if message["type"] in {"subscribe", "complete"}:
        name = message.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_ID_LENGTH:
            return f"`id` must be text of 1 to {MAX_ID_LENGTH} characters."
    if message["type"] == "subscribe" and not isinstance(message.get("payload"), dict):
        return "`payload` must be an object with a `query`."
    return None
