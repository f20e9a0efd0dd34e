"""The authorization endpoint of the development issuer: a page on which a developer chooses a persona.

A choice needs the key that `mlg dev` prints, as the tokens of ``/graphiql`` do. Without it, neither another user of the
machine nor a page of another server becomes a persona.
"""

from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.auth.dev_issuer import AUTHORIZE_PATH
from app.auth.personas import persona, personas
from app.auth.sign_in.dev_grants import DevGrants
from app.auth.sign_in.dev_token_endpoint import token_endpoint
from app.http.errors import HttpError
from app.http.graphql.graphql_request import RequestLimits, read_body
from app.http.sign_in.session_guard import origin_of
from app.http.sign_in.sign_in_pages import PAGE_HEADERS, PICKER_SCRIPT, picker_page

_FORM_LIMITS: Final = RequestLimits(body_bytes=4_096)
_TOKEN_LIMITS: Final = RequestLimits(body_bytes=16_384)


def picker_routes(grants: DevGrants | None) -> list[Route]:
    """Return the routes of the authorization and token endpoints; none without a development issuer."""
    if grants is None:
        return []
    picker = PersonaPicker(grants)
    return [
        Route(AUTHORIZE_PATH, picker.offer, methods=["GET"]),
        Route(AUTHORIZE_PATH, picker.choose, methods=["POST"]),
        Route(PICKER_SCRIPT, picker.script, methods=["GET"]),
        token_endpoint(grants, _token_form),
    ]


async def _token_form(request: Request) -> bytes:
    return await read_body(request, _TOKEN_LIMITS)


class PersonaPicker:
    """Offers the personas, and leads the browser to the callback with a code for the chosen one."""

    def __init__(self, grants: DevGrants) -> None:
        self._grants = grants
        self._script = Path(__file__).with_name("picker.js").read_bytes()

    async def offer(self, request: Request) -> Response:
        """Return the page; raises `InvalidError` if the parameters are not those of the client."""
        return self._page(request)

    async def choose(self, request: Request) -> Response:
        """Lead the browser to the callback; return the page again if the key is wrong.

        Raises `InvalidError` for the parameters of another client and for an unknown persona. Raises `HttpError` for a
        body that is no form.
        """
        asked = self._grants.checked_request(dict(request.query_params))
        try:
            form = dict(parse_qsl((await read_body(request, _FORM_LIMITS)).decode("ascii"), max_num_fields=10))
        except ValueError:
            raise HttpError(HTTPStatus.BAD_REQUEST, "The body is no form. Use the buttons of the page.") from None
        if not compare_digest(form.get("key", "").encode(), self._grants.issuer.page_key().encode()):
            problem = "The key is wrong. Open the address of the sign-in that `mlg dev` prints, or paste its key."
            return self._page(request, HTTPStatus.FORBIDDEN, problem)
        url = self._grants.redirect_url(asked, persona(form.get("persona", "")))
        return RedirectResponse(url, HTTPStatus.SEE_OTHER, headers=PAGE_HEADERS)

    async def script(self, _request: Request) -> Response:
        """Return the script of the page."""
        headers = {**PAGE_HEADERS, "Cross-Origin-Resource-Policy": "same-origin"}
        return Response(self._script, media_type="text/javascript; charset=utf-8", headers=headers)

    def _page(self, request: Request, status: int = HTTPStatus.OK, problem: str = "") -> Response:
        asked = self._grants.checked_request(dict(request.query_params))
        return picker_page(personas().values(), origin_of(asked.redirect_uri), status, problem)
