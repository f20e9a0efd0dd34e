"""Health: whether the process lives, and whether a query would be answered."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.graph.driver.errors import StoreUnavailableError
from app.http.json_response import json_response, refusal
from app.http.middleware import coded, request_id_of

Probe = Callable[[], Awaitable[object]]
"""Does what a query needs, cheaply; returns anything when it worked, raises CodedError with the reason when not."""

PROBE_SECONDS = 2.0


def health_routes(probe: Probe, *, seconds: float = PROBE_SECONDS) -> list[Route]:
    """``GET /health/live`` and ``GET /health/ready``; a probe slower than ``seconds`` counts as failed."""

    async def ready(request: Request) -> Response:
        request_id = request_id_of(request.scope)
        try:
            async with asyncio.timeout(seconds):
                await probe()
        except TimeoutError:
            error = StoreUnavailableError(f"The store did not answer within {seconds:g} s. Ask again.")
            return refusal(error, request_id)
        except Exception as fault:  # noqa: BLE001 - the HTTP boundary
            return refusal(coded(fault, request_id), request_id, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return json_response({"status": "ready"})

    return [Route("/health/live", _live), Route("/health/ready", ready)]


async def _live(_: Request) -> Response:
    return json_response({"status": "live"})
