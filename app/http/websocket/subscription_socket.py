"""Subscriptions over a WebSocket, in the protocol ``graphql-transport-ws``; docs/http.md lists its manners.

Strawberry's handler speaks the protocol. What is ours is who may connect and for how long, what may be run, and that
errors, limits and the access log are those of HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final, cast

from graphql import GraphQLError
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    ErrorMessage,
    Message,
    NextMessage,
    SubscribeMessage,
)
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.utils.aio import aclosing

from app.http.errors import HttpError
from app.http.graphql.graphql_request import RequestLimits, checked
from app.http.graphql.graphql_result import settle
from app.http.graphql.graphql_view import OperationContext, unknown_operation
from app.http.json_response import error_payload
from app.http.middleware import coded
from app.http.websocket.socket_messages import SocketMessages, malformed
from app.http.websocket.socket_session import Authenticate, SocketSession, expired, seconds_left
from policies.errors import Code, CodedError, LimitError
from policies.principal import Principal

MAX_SUBSCRIPTIONS: Final = 20
"""Subscriptions that run over one connection at a time."""

FORBIDDEN: Final = 4403
"""The close code for a token that is missing, refused or expired: clients that have another one connect again."""

CLOSE_CODES: Final = {Code.UNAUTHENTICATED: FORBIDDEN, Code.FORBIDDEN: FORBIDDEN, Code.INTERNAL: 1011}
"""By which code of an error a connection is closed; by any other, "try again later"."""

TRY_AGAIN_LATER: Final = 1013

MakeContext = Callable[[WebSocket, Principal, Callable[[], Awaitable[Principal]]], OperationContext]


class SubscriptionHandler(BaseGraphQLTransportWSHandler[SocketSession, None]):
    """One connection."""

    view: "SubscriptionSocket"
    _expiry: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        """Serve the connection until it is closed, by whichever side."""
        try:
            await super().handle()
        except Exception as fault:  # noqa: BLE001 - the boundary, as for HTTP
            await self._leave(coded(fault, self.context.request_id))

    async def shutdown(self) -> None:
        """End everything that runs for the connection."""
        if self._expiry is not None:
            self._expiry.cancel()
        await super().shutdown()

    async def handle_message(self, message: Message) -> None:
        """Take one message; what is none of the protocol ends the connection."""
        if wrong := malformed(message):
            await self.handle_invalid_message(wrong)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Let the caller in with a valid token, and out when it expires, also when nothing happens."""
        try:
            await super().handle_connection_init(message)
            if self.connection_acknowledged and self._expiry is None:
                remaining = seconds_left(await self.context.principal())
                self._expiry = asyncio.create_task(self._expire(remaining), name="token expiry")
        except CodedError as error:
            await self._leave(error)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin a subscription, unless there are too many or its document is too large."""
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                checked(message["payload"], self.view.limits)
                self._refuse_many()
            except CodedError as error:
                if error.code is Code.LIMIT_EXCEEDED:
                    await self.send_message(self._error(message["id"], [error]))
                else:
                    await self.handle_invalid_message(error.message)
                return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[SocketSession, None]) -> None:
        """Run one subscription to its end, each event with its errors judged and its reads logged."""
        caller = self.context
        try:
            context = self.view.make_context(caller.request, await caller.principal(), caller.principal)
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=[OperationType.SUBSCRIPTION],
            )
            async with aclosing(results):
                async for result in results:
                    assert isinstance(result, ExecutionResult)  # noqa: S101 - incremental delivery is off
                    await self._tell(operation, context, result)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except Exception as fault:  # noqa: BLE001 - the boundary, as for HTTP
            await self._end(operation, [coded(fault, caller.request_id, operation.query)])

    async def _tell(
        self, operation: Operation[SocketSession, None], context: OperationContext, result: ExecutionResult
    ) -> None:
        """Send one event; what failed outside of any event ends the subscription."""
        result.errors = [_explained(error) for error in result.errors or ()]
        result.extensions = {**(result.extensions or {}), **context.finish()}
        request_id = self.context.request_id
        outcome = settle(result, request_id, operation.query, suggestions=self.view.suggestions)
        if outcome.executed:
            payload = cast("Any", outcome.content(request_id))
            await operation.send_operation_message(NextMessage(id=operation.id, type="next", payload=payload))
        else:
            await self._end(operation, [error for _, error in outcome.errors])

    async def _end(self, operation: Operation[SocketSession, None], errors: Sequence[CodedError]) -> None:
        """End a subscription, and the connection when its caller is nobody any more."""
        try:
            await operation.send_operation_message(self._error(operation.id, errors))
        except WebSocketDisconnected:
            return
        for error in errors:
            if CLOSE_CODES.get(error.code) == FORBIDDEN:
                await self._leave(error)

    async def _leave(self, error: CodedError) -> None:
        """Close the connection, and end at once what runs over it."""
        await self.websocket.close(CLOSE_CODES.get(error.code, TRY_AGAIN_LATER), error.message)
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._leave(expired())

    def _refuse_many(self) -> None:
        if len(self.operations) >= MAX_SUBSCRIPTIONS:
            raise LimitError(
                f"{MAX_SUBSCRIPTIONS} subscriptions run over this connection; complete one, or open another.",
                limit="subscriptions",
                maximum=MAX_SUBSCRIPTIONS,
            )

    def _error(self, operation_id: str, errors: Sequence[CodedError]) -> ErrorMessage:
        payload = [cast("Any", error_payload(error, self.context.request_id)) for error in errors]
        return ErrorMessage(id=operation_id, type="error", payload=payload)


class SubscriptionSocket(GraphQL[SocketSession, None]):
    """Serves the subscriptions of ``schema``; see :class:`app.http.graphql.graphql_view.GraphQLView` for the rest.

    ``authenticate`` gets what ``connection_init`` holds. ``make_context`` gets the handshake, the caller and what finds
    out who the caller is later.
    """

    graphql_transport_ws_handler_class = SubscriptionHandler
    websocket_adapter_class = SocketMessages

    def __init__(
        self,
        schema: BaseSchema,
        authenticate: Authenticate,
        make_context: MakeContext,
        *,
        limits: RequestLimits | None = None,
        suggestions: bool = True,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=(limits or RequestLimits()).init_seconds),
            max_subscriptions_per_connection=None,  # the handler counts them, with an error that has a code
        )
        self.authenticate = authenticate
        self.make_context = make_context
        self.limits = limits or RequestLimits()
        self.suggestions = suggestions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.run(WebSocket(scope, receive, send))

    async def get_context(self, request: Any, response: Any) -> SocketSession:  # noqa: ANN401 - Strawberry's signature
        """What the handler of a connection calls its context: who is at the other end."""
        del response
        return SocketSession(request, self.authenticate)

    async def on_ws_connect(self, context: SocketSession) -> dict[str, object]:
        """Let in whoever has a valid token, and say by which id the logs know the connection; raises CodedError."""
        await context.principal()
        return {"requestId": context.request_id}


def _explained(error: GraphQLError) -> GraphQLError:
    """The errors that Strawberry has for what a document asks to run, in our words."""
    cause: CodedError
    if isinstance(error.original_error, InvalidOperationTypeError):
        cause = HttpError(400, "Only subscriptions run over a WebSocket. Send queries and mutations by POST /graphql.")
    elif isinstance(error.original_error, CannotGetOperationTypeError):
        cause = unknown_operation()
    else:
        return error
    return GraphQLError(cause.message, original_error=cause)
