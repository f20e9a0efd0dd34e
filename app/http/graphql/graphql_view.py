"""The GraphQL view: one HTTP request in, one JSON answer out; docs/http.md lists its manners."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLRequestData
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.http.errors import HttpError
from app.http.graphql.graphql_request import RequestLimits, read_params
from app.http.graphql.graphql_result import settle
from app.http.json_response import refusal
from app.http.middleware import coded, request_id_of
from app.http.negotiation import JSON, negotiate
from policies.errors import Code, CodedError
from policies.principal import Principal


class OperationContext(Protocol):
    """What the view asks of a context: facts about the whole operation that belong in the response's extensions."""

    def finish(self) -> dict[str, Any]:
        """End the operation; the response extensions collected while resolving, such as ``authorization``."""


ContextT = TypeVar("ContextT", bound=OperationContext)

_ALLOWED = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}


class GraphQLView(GraphQL[ContextT, None], Generic[ContextT]):
    """Serves ``schema`` over HTTP. ``make_context`` gets the request and the principal that authentication left.

    ``challenge`` makes the headers of an answer that lacks a scope. ``suggestions`` off removes graphql-core's
    "Did you mean", which spells out names to those who guess.
    """

    def __init__(
        self,
        schema: BaseSchema,
        make_context: Callable[[Request, Principal], ContextT],
        *,
        limits: RequestLimits | None = None,
        suggestions: bool = True,
        challenge: Callable[[str], Mapping[str, str]] = lambda _scope: {},
    ) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self.make_context = make_context
        self.limits = limits or RequestLimits()
        self.suggestions = suggestions
        self.challenge = challenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        try:
            response = await self.answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Return the answer to ``request``, whatever happens: every failure is JSON with a code and the request id."""
        request_id = request_id_of(request.scope)
        media, document = JSON, None
        try:
            media = negotiate(request.headers.get("accept"))
            params = await read_params(request, self.limits)
            document = params.query
            context = self.context_of(request)
            result = await self.execute(request.method, params, context)
            result.extensions = {**(result.extensions or {}), **context.finish()}
            outcome = settle(result, request_id, params.query or "", suggestions=self.suggestions)
            lacking = outcome.lacking
            return outcome.response(request_id, media, self.challenge(lacking) if lacking else None)
        except ClientDisconnect:
            raise
        except Exception as fault:  # noqa: BLE001 - the HTTP boundary
            return refusal(coded(fault, request_id, document), request_id, media)

    def context_of(self, request: Request) -> ContextT:
        """Make the context of one operation. Raises UNAUTHENTICATED when no authentication has let the request in."""
        principal = getattr(request.state, "principal", None)
        if not isinstance(principal, Principal):
            raise CodedError("The request has no identity. Send `Authorization: Bearer <token>`.", Code.UNAUTHENTICATED)
        return self.make_context(request, principal)

    async def execute(self, method: str, params: GraphQLRequestData, context: ContextT) -> ExecutionResult:
        """Run the operation, if the method may carry it."""
        try:
            return await self.schema.execute(
                params.query,
                variable_values=params.variables,
                context_value=context,
                operation_name=params.operation_name,
                operation_extensions=params.extensions,
                allowed_operation_types=_ALLOWED[method],
            )
        except CannotGetOperationTypeError:
            unknown = unknown_operation()
            return PreExecutionError(data=None, errors=[GraphQLError(unknown.message, original_error=unknown)])
        except InvalidOperationTypeError as error:
            raise _not_allowed(error.operation_type) from None


def unknown_operation() -> CodedError:
    """What is said of an ``operationName`` that the document does not define."""
    return CodedError(
        "The document has no operation of that name. Send one it defines as `operationName`.", Code.BAD_REQUEST
    )


def _not_allowed(operation: OperationType) -> HttpError:
    if operation is OperationType.MUTATION:
        return HttpError(
            HTTPStatus.METHOD_NOT_ALLOWED, "Mutations are not run by GET. Send it by POST.", headers={"Allow": "POST"}
        )
    return HttpError(
        HTTPStatus.BAD_REQUEST,
        "Subscriptions are not answered over HTTP. Open a WebSocket to /graphql with the subprotocol "
        "`graphql-transport-ws`, or poll `changes`.",
    )
