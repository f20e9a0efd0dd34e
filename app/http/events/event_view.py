"""Serves `POST /api/v1/lineage` and `POST /api/v1/lineage/batch`; docs/openlineage.md describes the behaviour."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as RequestScope

from app.errors import HTTP_STATUS
from app.http.compression import InParts
from app.http.events.event_intake import EventIntake, report_of
from app.http.events.event_request import GivenEvents, read_events
from app.http.events.event_result import EventResult
from app.http.fair_queue import FairQueue
from app.http.graphql.graphql_request import RequestLimits
from app.http.graphql.operation_watch import watched
from app.http.json_response import error_payload, error_response, json_response
from app.http.middleware import coded_or_masked, request_id_of
from app.http.response_metrics import OBSERVED
from app.http.untaken_responses import UntakenResponses
from app.telemetry.operation_report import OperationReport
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.context import Context
from graphql_schema.ports.record import JsonObject
from policies.errors import CodedError
from policies.principal import Principal, Scope

PATH = "/api/v1/lineage"
"""The path to which the clients of OpenLineage send single events; the batch is one level below."""


class EventView:
    """Serves requests with events, with the queue and the limits of mutations.

    ``open_context`` returns the context of one operation, and ``observe`` receives a report of each request. A long
    body is in memory only while its caller has a slot of ``bodies``, and ``untaken`` counts the responses. With the
    flag ``batch``, the body is a list of events.
    """

    def __init__(  # noqa: PLR0913 - parts of the application
        self,
        intake: EventIntake,
        open_context: Callable[[Request, Principal], Awaitable[Context]],
        *,
        queue: FairQueue,
        bodies: FairQueue,
        untaken: UntakenResponses,
        limits: RequestLimits,
        observe: Callable[[OperationReport], None],
        batch: bool,
    ) -> None:
        self._intake = intake
        self._open_context = open_context
        self._queue = queue
        self._bodies = bodies
        self._untaken = untaken
        self._limits = limits
        self._observe = observe
        self._batch = batch

    async def __call__(self, scope: RequestScope, receive: Receive, send: Send) -> None:
        """Serve one request; send nothing if the client has disconnected."""
        request, begun = Request(scope, receive), perf_counter()
        report = OperationReport("lineage/batch" if self._batch else "lineage", "mutation")
        try:
            response = await self._respond(request, report)
        except ClientDisconnect:
            report.code = "DISCONNECTED"
            return
        finally:
            report.seconds = perf_counter() - begun
            scope["state"][OBSERVED] = True
            self._observe(report)
        with self._untaken.counted(_caller(request), len(response.body)):
            await InParts(response)(scope, receive, send)

    async def _respond(self, request: Request, report: OperationReport) -> Response:
        request_id = request_id_of(request.scope)
        try:
            async with AsyncExitStack() as held:
                return await self._taken(request, report, held)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            coded = coded_or_masked(error, request_id)
            report.code = str(coded.code)
            return error_response(coded, request_id)

    async def _taken(self, request: Request, report: OperationReport, held: AsyncExitStack) -> Response:
        """Read the events of a caller who may write, and take them in; ``held`` keeps the slot of a long body."""
        caller = _caller(request)
        given = GivenEvents([])  # without the scope, the body is not read: the intake refuses the operation
        if request.state.principal.may(Scope.WRITE):
            slot = partial(self._bodies.slot, caller)
            given = await read_events(
                request, self._limits, lambda: held.enter_async_context(slot()), batch=self._batch
            )
        results = await self._written(request, given)
        failed = next((each.error for each in results if each.error is not None), None)
        report.code = report.code if failed is None else str(failed.code)
        respond = partial(_batch_response, results) if self._batch else partial(_single_response, results[0])
        return await run_in_turn(respond, given.are_long, request_id_of(request.scope))

    async def _written(self, request: Request, given: GivenEvents) -> list[EventResult]:
        """Take the events in when the caller has a slot, within the deadline of a mutation; write the access log."""
        context = await self._open_context(request, request.state.principal)
        context.budget.writes = True
        try:
            taking = self._in_turn(context, given, _caller(request))
            return await watched(request, taking, context.budget, self._limits)
        finally:
            context.finish()
            context.release()

    async def _in_turn(self, context: Context, given: GivenEvents, caller: Hashable) -> list[EventResult]:
        await self._untaken.acquire(self._queue, caller)
        try:
            return await self._intake.take(context, given.values, are_long=given.are_long)
        finally:
            self._queue.release(caller)


def _caller(request: Request) -> Hashable:
    """Return the caller of a request, by whom the queues share their slots."""
    principal: Principal = request.state.principal
    return principal.tenant, principal.subject


def event_routes(make_view: Callable[[bool], EventView]) -> list[Route]:
    """Return the routes of events; ``make_view`` returns the view of single events, or of batches for True."""
    return [Route(f"{PATH}{part}", make_view(bool(part)), methods=["POST"]) for part in ("", "/batch")]


def _single_response(result: EventResult, request_id: str) -> Response:
    """Return 201 with the report of an accepted event, else the status of the error."""
    if result.error is not None:
        return error_response(result.error, request_id)
    return json_response(report_of(result), HTTPStatus.CREATED)


def _batch_response(results: Sequence[EventResult], request_id: str) -> Response:
    """Return 201 if all events were accepted, 207 if some were, and the status of the first error if none was."""
    failed = {index: each.error for index, each in enumerate(results) if each.error is not None}
    body: JsonObject = {
        "status": "success" if not failed else "partial_success" if len(failed) < len(results) else "failure",
        "summary": {"received": len(results), "successful": len(results) - len(failed), "failed": len(failed)},
        "failed_events": [_failure(index, error, request_id) for index, error in failed.items()],
        "events": [{"index": index, **report_of(each)} for index, each in enumerate(results) if each.error is None],
    }
    if not failed:
        return json_response(body, HTTPStatus.CREATED)
    first = next(iter(failed.values()))
    return json_response(body, HTTPStatus.MULTI_STATUS if len(failed) < len(results) else HTTP_STATUS[first.code])


def _failure(index: int, error: CodedError, request_id: str) -> JsonObject:
    return {"index": index, "reason": error.message, "retriable": False, **error_payload(error, request_id)}
