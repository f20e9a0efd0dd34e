"""Counts HTTP responses by route and status, also those that are no result of a GraphQL operation."""

from collections.abc import Callable, Iterable
from typing import Final

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OBSERVED: Final = "operation_observed"
"""The key in the state of a request that the view of GraphQL or of events has counted, also as refused."""

ELSEWHERE: Final = "(other)"
"""The route of a path that the application does not have, or that has parameters."""

Count = Callable[[str, str, int], None]
"""Counts a response by its route, its stage and its status; the stage is `operation` with OBSERVED, else `before`."""


class ResponseMetricsMiddleware:
    """Calls ``count`` for each HTTP response.

    A path outside of ``paths`` counts as ELSEWHERE, because it is text of the client.
    """

    def __init__(self, app: ASGIApp, count: Count, paths: frozenset[str]) -> None:
        self.app = app
        self._count = count
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope["path"] if scope["path"] in self._paths else ELSEWHERE
                self._count(route, "operation" if OBSERVED in state else "before", message["status"])
            await send(message)

        await self.app(scope, receive, send_and_count)


def fixed_paths(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """Return the paths of routes that have no parameters."""
    found = (route.path for route in routes if isinstance(route, Route | WebSocketRoute))
    return frozenset(path for path in found if "{" not in path)
