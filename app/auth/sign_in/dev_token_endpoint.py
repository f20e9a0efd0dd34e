"""The token endpoint of the development issuer."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.dev_issuer import TOKEN_PATH
from app.auth.sign_in.dev_grants import DevGrants, GrantRefusedError

MAX_FORM_BYTES: Final = 16_384


def token_endpoint(grants: DevGrants) -> Route:
    """Return the route; a code needs the verifier that only its client has, so the route needs no token."""

    async def respond(request: Request) -> Response:
        headers = {"Cache-Control": "no-store"}
        try:
            return JSONResponse(grants.respond(await _form(request)), headers=headers)
        except GrantRefusedError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.BAD_REQUEST, headers)

    return Route(TOKEN_PATH, respond, methods=["POST"])


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise GrantRefusedError("invalid_request")
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=20))
    except ValueError:
        raise GrantRefusedError("invalid_request") from None
