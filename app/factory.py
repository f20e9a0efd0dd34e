"""The ASGI application: middlewares, routes and error handlers around one process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.auth.backend import auth_middleware
from app.auth.errors import Challenge
from app.auth.resource_metadata import auth_routes, metadata_url, public_url
from app.auth.sign_in.sign_in_settings import SignIn, build_sign_in
from app.fair_queue import FairQueue
from app.graph.records.clock import epoch_milliseconds
from app.http.allowed_origins import allowed_origins, cors_middleware, trusts_host_names
from app.http.errors import HttpError
from app.http.events.event_intake import EventIntake
from app.http.events.event_response import E
from app.http.events.event_view import PATH as LINEAGE_PATH
from app.http.events.event_view import EventForm, EventView, lineage_form
from app.http.events.thin_event_intake import PATH as THIN_EVENT_PATH
from app.http.events.thin_event_intake import thin_event_form
from app.http.explorer.explorer_build import cached_documents
from app.http.explorer.explorer_routes import explorer_routes, start_path
from app.http.graphiql.graphiql_routes import PageRedirectMiddleware, graphiql_routes
from app.http.graphql.document_manifest import read_manifests
from app.http.graphql.graphql_request import RequestLimits
from app.http.graphql.graphql_view import GraphQLView
from app.http.graphql.persisted_documents import DocumentMode, PersistedDocuments
from app.http.health import health_routes
from app.http.json_response import error_response
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware, request_id_of
from app.http.response_metrics import ResponseMetricsMiddleware, fixed_paths
from app.http.sign_in.persona_picker import picker_routes
from app.http.sign_in.session_cookies import SessionCookies
from app.http.sign_in.session_guard import SessionGuard, origin_of
from app.http.sign_in.session_middleware import SessionCookieMiddleware
from app.http.sign_in.sign_in_routes import sign_in_routes
from app.http.tracing import trace_middleware
from app.http.websocket.socket_session import no_cookies
from app.http.websocket.subscription_socket import SubscriptionSocket
from app.http.without_token import open_routes
from app.ingest.sources.openlineage.event_names import EventNames, namespace_patterns
from app.runtime.operation_context import Recheck
from app.runtime.process import Process
from app.runtime.process_metrics import queue_metrics
from app.settings import Settings
from graphql_schema.fields.context import Context
from policies.errors import Code, CodedError
from policies.principal import Principal, Scope


def create_app(process: Process) -> Starlette:
    """Return the ASGI application; its lifespan runs ``process``. Raises ConfigurationError."""
    settings = process.settings
    origins = allowed_origins(settings)
    sign_in = build_sign_in(settings, process.authenticator)
    guard = _session_guard(settings, sign_in)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        started = False
        try:
            async with process.running():
                started = True
                yield
        except CodedError as error:
            process.start_error = None if started else error
            raise

    async def probe_store() -> None:
        await process.opened.readiness.check()

    routes = [
        *_api_routes(process, (*origins, public_url(settings)), guard),
        *health_routes(probe_store),
        *auth_routes(settings),
        *graphiql_routes(settings),
        *explorer_routes(settings),
        *sign_in_routes(
            guard,
            public_url(settings),
            start_path(settings),
            canonical_host=settings.env == "dev" and not settings.public_url,
            proxies=settings.trusted_proxies,
        ),
        *picker_routes(sign_in.dev_grants),
    ]
    return Starlette(
        lifespan=lifespan,
        routes=routes,
        middleware=[
            *trace_middleware(process.spans, routes),
            Middleware(ResponseMetricsMiddleware, count=process.metrics.response, paths=fixed_paths(routes)),
            Middleware(RequestIdMiddleware),
            Middleware(ErrorMiddleware),
            cors_middleware(origins),
            *([Middleware(PageRedirectMiddleware)] if settings.env == "dev" else []),
            Middleware(SessionCookieMiddleware, guard=guard),
            auth_middleware(process.authenticator, open_routes(settings)),
        ],
        exception_handlers={HTTPException: _refuse},
    )


def _session_guard(settings: Settings, sign_in: SignIn) -> SessionGuard | None:
    """Return the reader of sessions in cookies, None if there is no sign-in."""
    if sign_in.sessions is None:
        return None
    cookies = SessionCookies(secure=settings.env != "dev", port=settings.port)
    return SessionGuard(sign_in.sessions, cookies, origin_of(public_url(settings)))


def _api_routes(process: Process, origins: tuple[str, ...], guard: SessionGuard | None) -> list[BaseRoute]:
    """Return the routes of ``/graphql``, with the WebSocket for pages of ``origins``, and those of events."""
    settings = process.settings

    async def open_context(request: HTTPConnection, principal: Principal, recheck: Recheck | None = None) -> Context:
        await process.opened.contexts.learn()
        return process.opened.contexts.open(request, principal, recheck)

    async def authenticate(authorization: str) -> Principal:
        return await process.authenticator.authenticate(authorization, Scope.READ)

    challenge = Challenge(metadata_url(settings))
    suggestions = settings.env == "dev"
    limits = _request_limits(settings)
    documents = PersistedDocuments(
        DocumentMode(settings.document_mode), read_manifests((*settings.documents, *cached_documents(settings)))
    )
    view = GraphQLView(
        process.schema,
        open_context,
        limits=limits,
        documents=documents,
        suggestions=suggestions,
        challenge=lambda scope: challenge.insufficient(scope).headers,
        observe=process.observe,
        spans=process.spans,
    )
    event_bodies = FairQueue(slots=8, per_caller=2, spare=8)  # with 8 MiB and what is read from them, each
    bodies = {
        "bodies": view.bodies.long,
        "arriving_bodies": view.bodies.arriving,
        "short_bodies": view.bodies.short,
        "small_bodies": view.bodies.small,
    }
    socket = SubscriptionSocket(
        process.schema,
        authenticate,
        open_context,
        limits=limits,
        documents=documents,
        suggestions=suggestions,
        origins=origins,
        trusts_host_names=trusts_host_names(settings),
        spans=process.spans,
        cookie_authorization=guard.socket_authorization if guard else no_cookies,
    )
    queues = {"reads": view.reads, "writes": view.writes, **bodies, "event_bodies": event_bodies}
    queues["messages"] = socket.messages
    process.metrics.watch(lambda: queue_metrics({**queues, "store": process.opened.client.slots}))
    return [
        Route("/graphql", view),
        WebSocketRoute("/graphql", socket),
        *_event_routes(process, open_context, view, event_bodies),
    ]


def _event_routes(
    process: Process,
    open_context: Callable[[Request, Principal], Awaitable[Context]],
    view: GraphQLView[Context],
    long_bodies: FairQueue,
) -> list[Route]:
    """Return the routes of events, with a queue of long bodies, and queues and the count of responses of mutations."""
    intake = EventIntake(EventNames(namespace_patterns(process.settings.namespaces)), epoch_milliseconds)

    def route(path: str, form: EventForm[E]) -> Route:
        event_view = EventView(
            form,
            open_context,
            queue=view.writes,
            bodies=view.bodies,
            long_bodies=long_bodies,
            untaken=view.untaken,
            limits=_request_limits(process.settings),
            observe=process.observe,
        )
        return Route(path, event_view, methods=["POST"])

    return [
        route(LINEAGE_PATH, lineage_form(intake, batch=False)),
        route(f"{LINEAGE_PATH}/batch", lineage_form(intake, batch=True)),
        route(THIN_EVENT_PATH, thin_event_form()),
    ]


def _request_limits(settings: Settings) -> RequestLimits:
    return RequestLimits(
        body_seconds=settings.request_seconds,
        query_seconds=settings.query_seconds,
        mutation_seconds=settings.mutation_seconds,
        caller_subscriptions=settings.max_subscriptions_per_caller,
    )


async def _refuse(request: Request, error: Exception) -> Response:
    """Return the error of Starlette, such as 404 for an unknown path, as JSON with a code and the request id."""
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for this class only
    message = f"{request.method} {request.url.path}: {error.detail}. The API is at POST /graphql."
    code = Code.NOT_FOUND if error.status_code == 404 else Code.BAD_REQUEST  # noqa: PLR2004 - a status
    refused = HttpError(error.status_code, message, code, error.headers or {})
    return error_response(refused, request_id_of(request.scope))
