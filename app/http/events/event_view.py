"""Serves requests with events: `POST /api/v1/lineage` and `/api/v1/lineage/batch` here, and thin events.

docs/openlineage.md describes the behaviour.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Final, Generic

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as RequestScope

from app.fair_queue import FairQueue
from app.http.compression import InParts
from app.http.connections.departure import Departure
from app.http.events.event_intake import EventIntake, report_of
from app.http.events.event_request import GivenEvents, read_events
from app.http.events.event_response import E, Responding, answered, batch_response, single_response
from app.http.events.event_result import EventResult
from app.http.graphql.body_queues import BodyQueues
from app.http.graphql.graphql_request import LONG_JSON, Claim, RequestLimits, declared_size
from app.http.graphql.operation_watch import watched
from app.http.json_response import error_response
from app.http.middleware import coded_or_masked, request_id_of
from app.http.response_metrics import OBSERVED
from app.http.untaken_responses import HeldSlots, UntakenResponses
from app.telemetry.operation_report import OperationReport
from app.telemetry.spans import DISCONNECTED
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Context
from policies.principal import Principal, Scope

PATH: Final = "/api/v1/lineage"
"""The path to which the clients of OpenLineage send single events; the batch is one level below."""

ReadEvents = Callable[[Request, RequestLimits, Claim], Awaitable[GivenEvents]]
"""Reads the events of a request, with the limits of its body, and a function that claims a slot for a long one."""


@dataclass(frozen=True, slots=True)
class EventForm(Generic[E]):
    """How requests with events of one form are served.

    ``name`` is that of the operation in reports. ``take`` stores the events with the rights of the caller, and returns
    a result for each; ``respond`` makes the response to these, with the request id.
    """

    name: str
    read: ReadEvents
    take: Callable[[Context, GivenEvents], Awaitable[list[E]]]
    respond: Callable[[Sequence[E], GivenEvents, str], Responding]


class EventView(Generic[E]):
    """Serves requests with events of a ``form``, with the queue and the limits of mutations.

    ``open_context`` returns the context of one operation, and ``observe`` receives a report of each request. A body is
    in memory only while it has a slot of ``bodies``, a compressed one at least that of the longest short one. A long
    one takes a slot of ``long_bodies`` as well when it has arrived. ``untaken`` counts the responses.
    """

    def __init__(  # noqa: PLR0913 - parts of the application
        self,
        form: EventForm[E],
        open_context: Callable[[Request, Principal], Awaitable[Context]],
        *,
        queue: FairQueue,
        bodies: BodyQueues,
        long_bodies: FairQueue,
        untaken: UntakenResponses,
        limits: RequestLimits,
        observe: Callable[[OperationReport], None],
    ) -> None:
        self._form = form
        self._open_context = open_context
        self._queue = queue
        self._bodies = bodies
        self._long_bodies = long_bodies
        self._untaken = untaken
        self._limits = limits
        self._observe = observe

    async def __call__(self, scope: RequestScope, receive: Receive, send: Send) -> None:
        """Serve one request; send nothing if the client has disconnected."""
        request, begun = Request(scope, receive), perf_counter()
        report = OperationReport(self._form.name, "mutation")
        with Departure(request.receive) as departure:
            try:
                response = await self._respond(request, report, departure)
            except ClientDisconnect:
                report.code = DISCONNECTED
                return
            finally:
                report.seconds = perf_counter() - begun
                scope["state"][OBSERVED] = True
                self._observe(report)
            with self._untaken.counted(_caller(request), len(response.body)):
                await InParts(response, departure)(scope, receive, send)

    async def _respond(self, request: Request, report: OperationReport, departure: Departure) -> Response:
        request_id = request_id_of(request.scope)
        try:
            return await self._taken(request, report, departure)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            coded = coded_or_masked(error, request_id)
            report.code = str(coded.code)
            forget_frames(error)  # they lead to the request, and to this error
            return error_response(answered(coded), request_id)

    async def _taken(self, request: Request, report: OperationReport, departure: Departure) -> Response:
        """Read the events of a caller who may write, and take them in; without the scope, the body is not read."""
        if not request.state.principal.may(Scope.WRITE):  # the intake refuses the operation
            return await self._response(request, report, GivenEvents([]), HeldSlots(), departure)
        caller, held = _caller(request), HeldSlots()
        size = max(declared_size(request.headers), LONG_JSON if "content-encoding" in request.headers else 0)
        async with self._bodies.slot(caller, size), held.body:
            given = await self._form.read(request, self._limits, held.claim(self._long_bodies, caller))
            return await self._response(request, report, given, held, departure)

    async def _response(
        self, request: Request, report: OperationReport, given: GivenEvents, held: HeldSlots, departure: Departure
    ) -> Response:
        results = await self._written(request, given, held, departure)
        failed = next((each.error for each in results if each.error is not None), None)
        report.code = report.code if failed is None else str(failed.code)
        steps = self._form.respond(results, given, request_id_of(request.scope))
        return await run_in_parts(steps, is_long=given.are_long, between=departure.check)

    async def _written(self, request: Request, given: GivenEvents, held: HeldSlots, departure: Departure) -> list[E]:
        """Take the events in when the caller has a slot, within the deadline of a mutation; write the access log."""
        context = await self._open_context(request, request.state.principal)
        context.budget.writes = True
        try:
            taking = self._in_turn(context, given, _caller(request), held)
            return await watched(departure, taking, context.budget, self._limits)
        finally:
            context.finish()
            context.release()

    async def _in_turn(self, context: Context, given: GivenEvents, caller: Hashable, held: HeldSlots) -> list[E]:
        await self._untaken.acquire(self._queue, caller, held)
        try:
            return await self._form.take(context, given)
        finally:
            self._queue.release(caller)


def _caller(request: Request) -> Hashable:
    """Return the caller of a request, by whom the queues share their slots."""
    principal: Principal = request.state.principal
    return principal.tenant, principal.subject


def lineage_form(intake: EventIntake, *, batch: bool) -> EventForm[EventResult]:
    """Return how requests with events of OpenLineage are served: one event, or with the flag ``batch`` a list."""

    async def take(context: Context, given: GivenEvents) -> list[EventResult]:
        return await intake.take(context, given.values, are_long=given.are_long)

    def respond(results: Sequence[EventResult], given: GivenEvents, request_id: str) -> Responding:
        if given.is_batch:
            return batch_response(results, report_of, HTTPStatus.CREATED, request_id)
        return single_response(results[0], report_of, HTTPStatus.CREATED, request_id)

    return EventForm("lineage/batch" if batch else "lineage", partial(read_events, batch=batch), take, respond)
