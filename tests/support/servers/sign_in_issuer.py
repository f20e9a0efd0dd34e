"""An authorization server in this process with code, PKCE, refresh, revocation and end of session, for a fake clock.

It is written from the standards, apart from the code under test, and refuses what they refuse.
"""

import asyncio
import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from support.servers.issuer import EC, METADATA, LiveIssuer, authenticator, sign, trusting

from app.auth.authenticator import Authenticator
from app.auth.errors import Challenge
from app.auth.sign_in.issuer_client import IssuerClient, SignInClient
from app.auth.sign_in.sessions import Sessions
from policies.principal import Principal, Scope

CLIENT = "mlgraph-web"
CLIENT_SECRET = "s3cret&with=signs"  # noqa: S105 - of this file's own issuer
CALLBACK = "https://graph.example/sign-in/callback"
SECRETS = (b"n" * 32, b"o" * 32)


@dataclass
class SignInIssuer(LiveIssuer):
    """An issuer whose person agrees to everything.

    ``tokens`` changes the response of the token endpoint, ``identity`` the claims of ID tokens and ``access`` those of
    access tokens; a value of ``...`` leaves out. ``body`` is a response of the token endpoint of another form,
    bytes as they are. ``forms`` has what the endpoints received. The token endpoint waits while ``gate`` is not set.
    """

    tokens: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
    access: dict[str, Any] = field(default_factory=dict)
    identity_key: Any = field(default_factory=lambda: EC)
    body: Any = ...
    endpoints_down: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    forms: list[dict[str, str]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Announce the endpoints."""
        self.gate.set()
        self.discovery = {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke",
            "end_session_endpoint": f"{self.url}/end",
            **self.discovery,
        }

    def agree(self, authorization_url: str) -> dict[str, str]:
        """Return the parameters with which the browser returns, for the address that it was led to."""
        parts = urlsplit(authorization_url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/authorize"
        asked = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, CALLBACK)
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def app(self) -> Starlette:
        """Return the issuer's web application."""
        app = super().app()
        app.router.routes += [
            Route("/token", self._token, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]
        return app

    async def _form(self, request: Request) -> dict[str, str]:
        form = dict(parse_qsl((await request.body()).decode(), strict_parsing=True))
        credentials = f"{CLIENT}:{CLIENT_SECRET}"
        basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        assert basic == credentials
        self.forms.append(form)
        return form

    async def _token(self, request: Request) -> Response:
        form = await self._form(request)
        await self.gate.wait()
        if self.endpoints_down:
            return Response("<html>bad gateway</html>", 502)
        if form["grant_type"] == "authorization_code":
            asked = self._codes.pop(form["code"], None)
            verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            valid = asked is not None and asked["code_challenge"] == challenge
            valid = valid and asked is not None and form["redirect_uri"] == asked["redirect_uri"]
            nonce = asked["nonce"] if asked else ""
        else:
            valid, nonce = form["refresh_token"] in self._refresh, ""
            self._refresh.discard(form["refresh_token"])
        if not valid:
            return JSONResponse({"error": "invalid_grant", "error_description": "<script>"}, 400)
        if isinstance(self.body, bytes):
            return Response(self.body, media_type="application/json")
        if self.body is not ...:
            return JSONResponse(self.body)
        refresh = secrets.token_hex(8)
        self._refresh.add(refresh)
        response = {
            "access_token": self.mint(client_id=CLIENT, name="Ada", **self.access),
            "token_type": "Bearer",
            "refresh_token": refresh,
            "id_token": self._id_token(nonce),
            **self.tokens,
        }
        return JSONResponse({name: value for name, value in response.items() if value is not ...})

    def _id_token(self, nonce: str) -> str:
        now = int(self.clock.epoch)
        times = {"iat": now, "exp": now + 300}
        claims = {"iss": self.url, "aud": CLIENT, "sub": "ada", "nonce": nonce, **times, **self.identity}
        kept = {name: value for name, value in claims.items() if value is not ...}
        return sign(json.dumps(kept), self.identity_key, {"typ": "JWT"})

    async def _revoke(self, request: Request) -> Response:
        form = await self._form(request)
        if self.endpoints_down:
            return Response(status_code=503)
        self.revoked.append(form["token"])
        self._refresh.discard(form["token"])
        return Response()


def issuer_client(issuer: SignInIssuer) -> IssuerClient:
    """Return a client of the issuer on its clock."""
    registered = SignInClient(CLIENT, CLIENT_SECRET, "openid graph:read", CALLBACK)
    return IssuerClient(trusting(issuer), registered, lambda: issuer.clock.monotonic)


def sessions_of(issuer: SignInIssuer, accepting: Authenticator | None = None) -> Sessions:
    """Return the sign-ins at the issuer, on its clock."""
    auth = accepting or authenticator([trusting(issuer)])

    async def authenticate(authorization: str) -> Principal:
        return await auth.authenticate(authorization, Scope.READ)

    now = lambda: issuer.clock.epoch  # noqa: E731 - the clock of the issuer
    return Sessions(issuer_client(issuer), SECRETS, authenticate, Challenge(METADATA), now)


def location_of(url: str) -> str:
    """Return a URL without its query."""
    return urlsplit(url)._replace(query="").geturl()


def with_query(path: str, values: dict[str, str]) -> str:
    """Return a path with a query."""
    return f"{path}?{urlencode(values)}"
