"""The token endpoint of the development issuer."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.dev_issuer import TOKEN_PATH
from app.auth.sign_in.dev_grants import DevGrants, GrantRefusedError

Read = Callable[[Request], Awaitable[bytes]]
"""Returns the body of a request."""


def token_endpoint(grants: DevGrants, read: Read) -> Route:
    """Return the route; a code needs the verifier that only its client has, so the route needs no token.

    ``read`` limits the bytes and the time of a body, unless all clients are trusted.
    """

    async def respond(request: Request) -> Response:
        headers = {"Cache-Control": "no-store"}
        try:
            return JSONResponse(grants.respond(_form(await read(request))), headers=headers)
        except GrantRefusedError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.BAD_REQUEST, headers)

    return Route(TOKEN_PATH, respond, methods=["POST"])


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=20))
    except ValueError:
        raise GrantRefusedError("invalid_request") from None
