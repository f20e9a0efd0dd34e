"""Serves subscriptions over WebSockets with the subprotocol ``graphql-transport-ws``; see docs/http.md.

Strawberry's handler implements the protocol. This module adds authentication, the end of a connection when its token
expires, the restriction to subscriptions, and the errors, limits and access log of HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Final, cast
from weakref import WeakValueDictionary

from graphql import GraphQLError, GraphQLFormattedError
from opentelemetry.trace import Span
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    CompleteMessage,
    ConnectionInitMessage,
    ErrorMessage,
    Message,
    NextMessage,
    NextMessagePayload,
    SubscribeMessage,
)
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.utils.aio import aclosing

from app.http.allowed_origins import has_name
from app.http.errors import HttpError
from app.http.graphql.graphql_request import OperationParams, RequestLimits, checked_params
from app.http.graphql.graphql_result import build_result
from app.http.graphql.graphql_view import OperationContext, unknown_operation_error
from app.http.graphql.operation_span import subscription_span
from app.http.graphql.persisted_documents import PersistedDocuments
from app.http.json_response import error_payload
from app.http.middleware import coded_or_masked
from app.http.websocket.caller_sockets import CallerSockets
from app.http.websocket.long_messages import message_slots
from app.http.websocket.socket_messages import SocketMessages, message_problem
from app.http.websocket.socket_session import (
    Authenticate,
    CookieAuthorization,
    SocketSession,
    no_cookies,
    seconds_left,
    token_expired_error,
)
from app.telemetry.spans import NO_SPANS, Spans
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.operation.variable_size import has_more_elements
from policies.errors import Code, CodedError, LimitError
from policies.principal import Principal

FORBIDDEN: Final = 4403
"""Close code for a token that is missing, refused, expired or lacks a scope, and for a refused cookie."""

CLOSE_CODES: Final = {Code.UNAUTHENTICATED: FORBIDDEN, Code.FORBIDDEN: FORBIDDEN, Code.INTERNAL: 1011}
"""Close codes by error code; another `CodedError` that closes a connection gives `TRY_AGAIN_LATER`."""

TRY_AGAIN_LATER: Final = 1013

MakeContext = Callable[[WebSocket, Principal, Callable[[], Awaitable[Principal]]], Awaitable[OperationContext]]
"""Returns the context of one subscription from the handshake, the caller, and a function that authenticates again."""


class SubscriptionHandler(BaseGraphQLTransportWSHandler[SocketSession, None]):
    """The protocol handler of one connection."""

    view: "SubscriptionSocket"
    _expiry: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        """Serve the connection until one side closes it; an exception outside of a subscription closes it."""
        try:
            await super().handle()
        except Exception as error:  # noqa: BLE001 - the boundary, as for HTTP
            await self._close_connection(coded_or_masked(error, self.context.request_id))

    async def shutdown(self) -> None:
        """Cancel the timer of the token expiry and all subscriptions of the connection."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None  # its error will have frames of this object, which would be in a cycle
        await super().shutdown()

    async def handle_message(self, message: Message) -> None:
        """Handle one message; a malformed message closes the connection. Nothing of a handled one is kept."""
        try:
            if problem := message_problem(message):
                await self.handle_invalid_message(problem)
            else:
                await super().handle_message(message)
        finally:
            self._discard(message)

    @property
    def _messages(self) -> SocketMessages:
        return cast("SocketMessages", self.websocket)

    def _discard(self, value: object) -> None:
        """Empty a message or its payload, because Strawberry keeps it until the next message, and release its slot."""
        if isinstance(value, dict | list):
            value.clear()
        self._messages.slot.close()

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Authenticate the caller, and start the timer that closes the connection when the token expires.

        The timer is needed because the token is validated again only when a subscription starts or reads events.
        """
        try:
            await super().handle_connection_init(message)
            if self.connection_acknowledged and self._expiry is None:
                principal = await self.context.principal()
                self._messages.caller = self.view.sockets_of(principal)
                self._messages.caller.connections.add(self)
                remaining = seconds_left(principal)
                self._expiry = asyncio.create_task(self._close_after(remaining), name="token expiry")
        except CodedError as error:
            await self._close_connection(error)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Start a subscription.

        A breach of a limit is reported as an ``error`` message for the subscription. Malformed parameters close the
        connection. Limits of numbers are checked here, because a task that waits would keep the variables meanwhile.
        """
        if not self.connection_acknowledged or message["id"] in self.operations:
            await super().handle_subscribe(message)  # which closes the connection
            return
        try:
            params = self._checked(message)
        except CodedError as error:
            self._discard(message["payload"])
            forget_frames(error)
            if error.code is Code.LIMIT_EXCEEDED:
                await self.send_message(self._error_message(message["id"], [error]))
            else:
                await self.handle_invalid_message(error.message)
            return
        message["payload"]["query"] = params.query or ""  # Strawberry requires the member
        await super().handle_subscribe(message)
        slot = self._messages.slot.pop_all()
        self.context.requested[message["id"]] = params, slot
        task = self.operations[message["id"]].task
        assert task is not None  # noqa: S101 - the handler of Strawberry has set it
        task.add_done_callback(lambda _: slot.close())  # a task that is cancelled early runs nothing

    def _checked(self, message: SubscribeMessage) -> OperationParams:
        """Return the parameters of a subscription that may start; raises `CodedError`."""
        params = checked_params(message["payload"], self.view.limits)
        self._check_subscription_count()
        maximum = cast("OperationSchema", self.schema).limits.query_variables
        if has_more_elements(params.variables or {}, maximum):
            raise LimitError(
                f"The limit of variables is {maximum}; the subscription has more. Send fewer elements.",
                limit="variables",
                maximum=maximum,
            )
        return params

    async def cleanup_operation(self, operation_id: str) -> None:
        """End a subscription, also one that has not started yet."""
        self.context.requested.pop(operation_id, None)
        await super().cleanup_operation(operation_id)

    async def run_operation(self, operation: Operation[SocketSession, None]) -> None:
        """Run one subscription to its end. Errors and the access log of each event are those of a query over HTTP."""
        params, slot = self.context.requested.pop(operation.id)
        running = self._run(operation, params, slot)
        del params  # what has ended keeps nothing while its client takes the last message
        try:
            errors = await running
        except WebSocketDisconnected:
            return
        except Exception as error:  # noqa: BLE001 - the boundary, as for HTTP
            errors = [coded_or_masked(error, self.context.request_id, operation.query)]
            forget_frames(error, *errors)
        operation.variables = None
        slot.close()
        await self._end_operation(operation, errors)

    async def _run(
        self, operation: Operation[SocketSession, None], params: OperationParams, slot: ExitStack
    ) -> Sequence[CodedError]:
        """Send the events of a subscription until it ends; return the errors of its end.

        Close ``slot`` at its admission. Raises `WebSocketDisconnected` if the client has left, and what ends it else.
        """
        session = self.context
        await self._messages.caller.turns.pause()  # a client may start thousands at once
        if self._messages.is_gone:
            raise WebSocketDisconnected
        principal = await session.principal()
        operation.query = self.view.documents.text_of(params, principal)
        del params  # a hash can come with very much that nothing reads
        context = await self.view.make_context(session.request, principal, session.principal)
        context.on_admission = slot.close
        with subscription_span(self.view.spans, operation.query, operation.operation_name) as span:
            return await self._send_events(operation, context, span)

    async def _send_events(
        self, operation: Operation[SocketSession, None], context: OperationContext, span: Span
    ) -> Sequence[CodedError]:
        """Send the events of one subscription, until it ends; return the errors of its end; ``span`` has the number."""
        events = 0
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
            allowed_operation_types=[OperationType.SUBSCRIPTION],
        )
        operation.variables = None  # the admission converts them
        async with aclosing(results):
            async for result in results:
                assert isinstance(result, ExecutionResult)  # noqa: S101 - incremental delivery is off
                if errors := await self._send_event(operation, context, result):
                    return errors
                events += 1
                span.set_attribute("mlg.events", events)
        return ()

    async def _send_event(
        self, operation: Operation[SocketSession, None], context: OperationContext, result: ExecutionResult
    ) -> Sequence[CodedError]:
        """Send one event; return request errors, such as of a document that is invalid: they end the subscription."""
        result.errors = [_with_own_message(error) for error in result.errors or ()]
        result.extensions = {**(result.extensions or {}), **context.finish()}
        request_id = self.context.request_id
        built = build_result(result, request_id, operation.query, suggestions=self.view.suggestions)
        if not built.executed:
            return [error for _, error in built.errors]
        payload = cast("NextMessagePayload", built.content(request_id))
        await operation.send_operation_message(NextMessage(id=operation.id, type="next", payload=payload))
        return ()

    async def _end_operation(self, operation: Operation[SocketSession, None], errors: Sequence[CodedError]) -> None:
        """Send the errors that end a subscription, or that it is complete.

        Close the connection if the token has expired, is refused or lacks a scope.
        """
        complete = CompleteMessage(id=operation.id, type="complete")
        try:
            await operation.send_operation_message(self._error_message(operation.id, errors) if errors else complete)
        except WebSocketDisconnected:
            return
        for error in errors:
            if CLOSE_CODES.get(error.code) == FORBIDDEN:
                await self._close_connection(error)

    async def _close_connection(self, error: CodedError) -> None:
        """Close the connection with the code for ``error``, and cancel its subscriptions."""
        await self.websocket.close(CLOSE_CODES.get(error.code, TRY_AGAIN_LATER), error.message)
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)

    async def _close_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._close_connection(token_expired_error())

    def _check_subscription_count(self) -> None:
        maximum = self.view.limits.subscriptions
        if len(self.operations) >= maximum:
            raise LimitError(
                f"The connection has {maximum} subscriptions already. Complete one, or connect once more.",
                limit="subscriptions",
                maximum=maximum,
            )
        maximum = self.view.limits.caller_subscriptions
        if self._messages.caller.subscriptions >= maximum:
            raise LimitError(
                f"You have {maximum} subscriptions already, over all connections to this process. Complete "
                "one, or pass the events of one on to several readers; a filter can name many subjects.",
                limit="callerSubscriptions",
                maximum=maximum,
            )

    def _error_message(self, operation_id: str, errors: Sequence[CodedError]) -> ErrorMessage:
        payload = [cast("GraphQLFormattedError", error_payload(error, self.context.request_id)) for error in errors]
        return ErrorMessage(id=operation_id, type="error", payload=payload)


class SubscriptionSocket(GraphQL[SocketSession, None]):
    """The ASGI application that serves the subscriptions of ``schema``.

    ``authenticate`` validates the token of a connection, which ``cookie_authorization`` finds if `connection_init` has
    none. ``make_context`` returns the context of one subscription.
    ``limits``, ``documents`` and ``suggestions`` are as in `app.http.graphql.graphql_view.GraphQLView`. Pages of
    ``origins`` may connect, and other pages of the host and port that the client connects to. If that host is a name,
    these other pages may connect only if the flag ``trusts_host_names`` is set. A client without an origin is not a
    page, and may connect. ``spans`` has a span for each subscription, without the reads of its events.
    """

    graphql_transport_ws_handler_class = SubscriptionHandler
    websocket_adapter_class = SocketMessages

    def __init__(  # noqa: PLR0913 - three parts of the application, and what bounds its clients
        self,
        schema: BaseSchema,
        authenticate: Authenticate,
        make_context: MakeContext,
        *,
        limits: RequestLimits | None = None,
        documents: PersistedDocuments | None = None,
        suggestions: bool = True,
        origins: Sequence[str] = (),
        trusts_host_names: bool = True,
        spans: Spans = NO_SPANS,
        cookie_authorization: CookieAuthorization = no_cookies,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allowed_origins=origins,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=(limits or RequestLimits()).init_seconds),
            max_subscriptions_per_connection=None,  # the handler counts them, with an error that has a code
        )
        self.authenticate = authenticate
        self.cookie_authorization = cookie_authorization
        self.make_context = make_context
        self.trusts_host_names = trusts_host_names
        self._sockets = WeakValueDictionary[tuple[str, str], CallerSockets]()
        self.limits = limits or RequestLimits()
        self.messages = message_slots()
        self.documents = documents or PersistedDocuments()
        self.suggestions = suggestions
        self.spans = spans

    def sockets_of(self, principal: Principal) -> CallerSockets:
        """Return what all sockets of a caller share, however many the caller has."""
        caller = principal.tenant, principal.subject
        return self._sockets.setdefault(caller, CallerSockets(*caller))

    def _check_websocket_origin(self, request: WebSocket) -> bool:
        """Return whether a handshake is accepted: by its origin, not only by its `Host`, which a page can choose."""
        origin = request.headers.get("origin")
        if not super()._check_websocket_origin(request):
            return False
        is_safe = origin is None or self.trusts_host_names or not has_name(origin)
        return is_safe or self.is_websocket_origin_allowed(request, str(origin))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until it is closed."""
        await self.run(WebSocket(scope, receive, send))

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> SocketSession:
        """Return the session of a new connection, which the handler uses as its context; ``request`` is a WebSocket."""
        del response
        return SocketSession(cast("WebSocket", request), self.authenticate, self.cookie_authorization)

    async def on_ws_connect(self, context: SocketSession) -> dict[str, object]:
        """Return the payload of the acknowledgement: the request id, which log lines of the connection contain.

        Raises `CodedError` unless the token is valid.
        """
        await context.principal()
        return {"requestId": context.request_id}


def _with_own_message(error: GraphQLError) -> GraphQLError:
    """Return ``error`` with the message and code of this API if Strawberry cannot run the selected operation."""
    cause: CodedError
    if isinstance(error.original_error, InvalidOperationTypeError):
        cause = HttpError(400, "Only subscriptions run over a WebSocket. Send queries and mutations by POST /graphql.")
    elif isinstance(error.original_error, CannotGetOperationTypeError):
        cause = unknown_operation_error()
    else:
        return error
    return GraphQLError(cause.message, original_error=cause)
