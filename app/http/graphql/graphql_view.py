"""Serves GraphQL over HTTP: executes the operation of one request; docs/http.md describes the behaviour."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Generic, Protocol, TypeVar

from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.fair_queue import FairQueue
from app.http.compression import MIN_BYTES, NO_TRANSFORM, InParts, compressed
from app.http.connections.departure import Departure
from app.http.errors import HttpError
from app.http.graphql.body_queues import BodyQueues
from app.http.graphql.graphql_request import RequestLimits, declared_size, read_params
from app.http.graphql.graphql_result import build_result
from app.http.graphql.operation_span import operation_span
from app.http.graphql.operation_watch import Endable, watched
from app.http.graphql.persisted_documents import PersistedDocuments
from app.http.json_response import NO_CACHE_HEADERS, error_response
from app.http.middleware import coded_or_masked, request_id_of
from app.http.negotiation import JSON, negotiate
from app.http.response_metrics import OBSERVED
from app.http.untaken_responses import HeldSlots, UntakenResponses
from app.telemetry.operation_report import OperationReport
from app.telemetry.spans import DISCONNECTED, NO_SPANS, Spans
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.operation.document_cache import ANYBODY, Caller
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.ports.turns.gradual_release import RELEASE
from policies.errors import Code, CodedError
from policies.principal import Principal


class OperationContext(Protocol):
    """The context of one operation, as far as the HTTP layer uses it.

    ``on_admission`` is called when its document and variables are admitted.
    """

    on_admission: Callable[[], None] | None

    @property
    def principal(self) -> Principal:
        """The caller."""

    @property
    def budget(self) -> Endable:
        """What the operation may use while it runs."""

    @property
    def is_confidential(self) -> bool:
        """Whether restricted or secret fields were read; false after `finish`."""

    def release(self) -> None:
        """Discard what the operation has read; called once, after the operation."""

    def finish(self) -> dict[str, object]:
        """Write the access log of one response, and return its extensions, such as ``authorization``.

        A subscription has a response per event. Raises `CodedError` if the log cannot be written.
        """


ContextT = TypeVar("ContextT", bound=OperationContext)

CONFIDENTIAL_HEADERS = {"Cache-Control": f"{NO_CACHE_HEADERS['Cache-Control']}, {NO_TRANSFORM}"}
"""Headers of a response with a restricted or secret value, which is not compressed.

The length of a compressed response would disclose whether the value repeats a text that the request contains.
"""

_ALLOWED_OPERATIONS = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}


class GraphQLView(GraphQL[ContextT, None], Generic[ContextT]):
    """Serves ``schema`` over HTTP.

    ``make_context`` returns the context of one operation from the request and its caller. ``documents`` finds the
    documents of operations. ``challenge`` returns the response headers for a missing scope. ``suggestions=False``
    removes "Did you mean …" from messages of graphql-core and about input values: it would disclose names of the schema
    to a client that guesses. ``observe`` receives a report of each operation, and ``spans`` has a span for it.
    """

    schema: OperationSchema

    def __init__(  # noqa: PLR0913 - two parts of the application, and what differs between installations
        self,
        schema: OperationSchema,
        make_context: Callable[[Request, Principal], Awaitable[ContextT]],
        *,
        limits: RequestLimits | None = None,
        documents: PersistedDocuments | None = None,
        suggestions: bool = True,
        challenge: Callable[[str], Mapping[str, str]] = lambda _scope: {},
        observe: Callable[[OperationReport], None] = lambda _report: None,
        spans: Spans = NO_SPANS,
    ) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self.make_context = make_context
        self.limits = limits or RequestLimits()
        self.documents = documents or PersistedDocuments()
        self.reads, self.writes = FairQueue(spare=16), FairQueue(slots=32, per_caller=8, spare=16)
        self.parses = FairQueue(slots=2, per_caller=1)
        self.bodies = BodyQueues()
        self.untaken = UntakenResponses()
        self.suggestions = suggestions
        self.challenge = challenge
        self.observe = observe
        self.spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; send nothing if the client has disconnected."""
        request, report, begun = Request(scope, receive), OperationReport(), perf_counter()
        held = HeldSlots()
        with held.operation, held.response, Departure(request.receive) as departure:
            try:
                response = await self.respond(request, report, held, departure)
            except ClientDisconnect:
                report.code = DISCONNECTED
                return
            finally:
                report.seconds = perf_counter() - begun
                scope["state"][OBSERVED] = True
                self.observe(report)
            is_plain = len(response.body) < MIN_BYTES or _is_uncompressed(response)
            sending = InParts(response, departure) if is_plain else compressed(response, departure)
            with self.untaken.counted(_caller_of(request), len(response.body)):
                held.operation.close()
                await sending(scope, receive, send)

    async def respond(
        self, request: Request, report: OperationReport, held: HeldSlots, departure: Departure
    ) -> Response:
        """Return the response to ``request``, and set all values of ``report`` except its seconds.

        ``held`` gets the slot of the operation, which is to be released when the response counts.
        Every error is JSON with a code and the request id. Raises only `ClientDisconnect`.
        """
        request_id = request_id_of(request.scope)
        media, document = JSON, None
        try:
            media = negotiate(request.headers.get("accept"))
            async with self._slot_of_body(request), held.body:
                claim = held.claim(self.bodies.long, _caller_of(request))
                params = await read_params(request, self.limits, claim)
                report.name = params.operation_name
                context = await self.context_of(request)
                held.response.callback(context.budget.response_sent)
                params.query = document = self.documents.text_of(params, context.principal)
                with operation_span(self.spans, document, report, self.schema, _caller_of(request) or ANYBODY):
                    result = await self.result_of(request, params, context, report, held, departure=departure)
                    headers = CONFIDENTIAL_HEADERS if context.is_confidential else {}
                    result.extensions = {**(result.extensions or {}), **_finished(context, result)}
                    built = build_result(result, request_id, document, suggestions=self.suggestions)
                    report.code, report.errors = built.first_code, built.errors
                    report.is_stale = "index" in built.extensions  # the index that was used lags
            missing_scope = built.missing_scope
            headers = {**headers, **(self.challenge(missing_scope) if missing_scope else {})}
            return await built.response(request_id, media, context.budget, departure, headers)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            coded = coded_or_masked(error, request_id, document)
            report.code = str(coded.code)
            forget_frames(error)  # the budget has it, and the frames lead to the budget
            return error_response(coded, request_id, media)

    async def result_of(  # noqa: PLR0913 - the parts of one request
        self,
        request: Request,
        params: GraphQLRequestData,
        context: ContextT,
        report: OperationReport,
        held: HeldSlots,
        *,
        departure: Departure,
    ) -> ExecutionResult:
        """Execute the operation until it ends or is ended, and set its type and name in ``report``.

        ``held`` gets its slot. Raises as :func:`app.http.graphql.operation_watch.watched` does.
        """
        execution = self.execute_in_turn(request, params, context, held)
        try:
            return await watched(departure, execution, context.budget, self.limits)
        finally:
            _report_use(report, context.budget)
            context.release()

    def _slot_of_body(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Return a slot for a body, or for the parameters of a GET, before any of it is read."""
        size = declared_size(request.headers) if request.method == "POST" else len(request.url.query)
        return self.bodies.slot(_caller_of(request), size)

    async def context_of(self, request: Request) -> ContextT:
        """Return the context of one operation.

        Raises `CodedError` with the code UNAUTHENTICATED if no middleware has set ``request.state.principal``.
        """
        principal = getattr(request.state, "principal", None)
        if not isinstance(principal, Principal):
            raise CodedError(
                "The request is not authenticated. Send the header `Authorization: Bearer <token>`.",
                Code.UNAUTHENTICATED,
            )
        return await self.make_context(request, principal)

    async def execute_in_turn(
        self, request: Request, params: GraphQLRequestData, context: ContextT, held: HeldSlots
    ) -> ExecutionResult:
        """Execute the operation when the caller has a slot; reads and writes have queues of their own.

        ``held`` gets the slot: a response that is being encoded counts nowhere else, and takes ten times as much
        memory and time as the operation. When it is closed, the slot is released as soon as the store works on no
        request of the operation. The store continues when the client has left, and a caller who repeats that would
        otherwise occupy the store. A caller who has not taken earlier responses waits before.

        Raises LimitError if too many operations of the caller wait, and what :meth:`execute` raises.
        """
        caller = _caller_of(request)
        queue = self.writes if await self._is_mutation(params, caller) else self.reads
        await self.untaken.acquire(queue, caller, held)
        held.operation.callback(context.budget.after_requests, partial(queue.release, caller))
        return await self.execute(request.method, params, context)

    async def _is_mutation(self, params: GraphQLRequestData, caller: Caller | None) -> bool:
        """Return whether the operation is a mutation; its document is parsed if it contains that word."""
        if "mutation" not in (params.query or ""):
            return False
        async with self.parses.slot(caller):
            return await self.schema.is_mutation(params.query or "", params.operation_name, caller or ANYBODY)

    async def execute(self, method: str, params: GraphQLRequestData, context: ContextT) -> ExecutionResult:
        """Execute the operation and return its result.

        Raises `HttpError` if the HTTP method may not run the operation: GET runs queries, POST also mutations.
        """
        try:
            return await self.schema.execute(
                params.query,
                variable_values=params.variables,
                context_value=context,
                operation_name=params.operation_name,
                operation_extensions=params.extensions,
                allowed_operation_types=_ALLOWED_OPERATIONS[method],
            )
        except CannotGetOperationTypeError:
            unknown = unknown_operation_error()
            return PreExecutionError(data=None, errors=[GraphQLError(unknown.message, original_error=unknown)])
        except InvalidOperationTypeError as error:
            raise _operation_not_allowed_error(error.operation_type) from None


def _report_use(report: OperationReport, budget: Endable) -> None:
    """Set what an operation was and used in its report."""
    if budget.operation is not None:
        report.kind, report.name = budget.operation
    report.rows, report.items = budget.rows, budget.items
    report.cuts, report.is_partial = budget.cuts, budget.is_partial


def _finished(context: OperationContext, result: ExecutionResult) -> Mapping[str, object]:
    """Return the extensions of a context that has finished; a result that is withheld then is freed in turns."""
    try:
        return context.finish()
    except CodedError:
        RELEASE.free_response(result.data)
        raise


def _caller_of(request: Request) -> Caller | None:
    """Return the caller of a request, by whom the queues share their slots; None without one."""
    principal: Principal | None = getattr(request.state, "principal", None)
    return None if principal is None else (principal.tenant, principal.subject)


def _is_uncompressed(response: Response) -> bool:
    return NO_TRANSFORM in response.headers["Cache-Control"]


def unknown_operation_error() -> CodedError:
    """Return the error for a document without an operation, or without one that has the given ``operationName``."""
    return CodedError(
        "The document has no operation, or none with the given `operationName`. Use the name of one of its operations.",
        Code.BAD_REQUEST,
    )


def _operation_not_allowed_error(operation: OperationType) -> HttpError:
    if operation is OperationType.MUTATION:
        return HttpError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "GET does not run mutations. Send the mutation by POST.",
            headers={"Allow": "POST"},
        )
    return HttpError(
        HTTPStatus.BAD_REQUEST,
        "Subscriptions do not run over HTTP. Open a WebSocket to /graphql with the subprotocol "
        "`graphql-transport-ws`, or poll the query `changes`.",
    )
