"""Health checks: whether the process is running, whether it has started, and whether it can serve queries."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.graph.driver.errors import StoreUnavailableError
from app.http.json_response import error_response, json_response
from app.http.middleware import coded_or_masked, request_id_of

Probe = Callable[[], Awaitable[object]]
"""Checks that reads and writes can run. The result is ignored; raises `CodedError` with the reason if they cannot."""

PROBE_SECONDS = 2.0
"""Default time limit of the probe in seconds."""


def health_routes(probe: Probe, *, seconds: float = PROBE_SECONDS) -> list[Route]:
    """Return the routes ``GET /health/live``, ``GET /health/ready`` and ``GET /health/started``.

    ``live`` responds with 200. ``ready`` responds with 200 if ``probe`` succeeds within ``seconds``, else with 503 and
    the error. ``started`` responds as ``ready`` until one of the two has succeeded once, and then with 200.
    """
    has_started = False

    async def failure(request: Request) -> Response | None:
        nonlocal has_started
        request_id = request_id_of(request.scope)
        try:
            async with asyncio.timeout(seconds):
                await probe()
        except TimeoutError:
            slow = StoreUnavailableError(f"The store did not respond within {seconds:g} s. Try again later.")
            return error_response(slow, request_id)
        except Exception as error:  # noqa: BLE001 - the HTTP boundary
            return error_response(coded_or_masked(error, request_id), request_id, status=HTTPStatus.SERVICE_UNAVAILABLE)
        has_started = True
        return None

    async def ready(request: Request) -> Response:
        return await failure(request) or json_response({"status": "ready"})

    async def started(request: Request) -> Response:
        found = None if has_started else await failure(request)
        return found or json_response({"status": "started"})

    return [Route("/health/live", _live), Route("/health/ready", ready), Route("/health/started", started)]


async def _live(_: Request) -> Response:
    return json_response({"status": "live"})
