"""An authorization server in this process, and the clocks of a test, shared by the tests of identity."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.authenticator import Authenticator, TrustedIssuer, trust
from app.auth.errors import AuthError, Challenge
from app.auth.issuers import Issuer
from app.auth.roles import Roles
from app.auth.teams import CloseTeams
from policies.principal import Principal

URL = "https://issuer.example"
AUDIENCE = "https://graph.example"
METADATA = "https://graph.example/.well-known/oauth-protected-resource"
EVERY_ALGORITHM = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256", "none"]

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})
ENCRYPTION = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"})
SYMMETRIC = OctKey.generate_key(256, {"kid": "oct"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
"""The key of a stranger, with the key id of the issuer."""


async def no_closure(_tenant: str, teams: frozenset[str]) -> frozenset[str]:
    """Return the teams without any above them; these tests have no graph."""
    return teams


@dataclass
class Clock:
    """Seconds that pass only when a test advances them, for the cache (monotonic) and for tokens (epoch)."""

    monotonic: float = 1_000.0
    epoch: float = 1_800_000_000.0

    def advance(self, seconds: float) -> None:
        """Advance the time."""
        self.monotonic += seconds
        self.epoch += seconds


@dataclass
class LiveIssuer:
    """Serves discovery and keys; counts the fetches of the key set, and can be down or send false data."""

    clock: Clock
    url: str = URL
    keys: list[Key] = field(default_factory=lambda: [EC, RSA, ED, ENCRYPTION, SYMMETRIC])
    fetches: int = 0
    down: bool = False
    discovery: dict[str, Any] = field(default_factory=dict)
    jwks: object = None

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client that reaches this issuer and nothing else."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app()))

    def app(self) -> Starlette:
        """Return the issuer's web application."""

        async def discovery(_request: Request) -> Response:
            if self.down:
                return Response(status_code=502)
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.discovery})

        async def jwks(_request: Request) -> Response:
            self.fetches += 1
            if self.down:
                return Response(status_code=502)
            public = [key.as_dict(private=isinstance(key, OctKey)) for key in self.keys]
            return JSONResponse({"keys": public} if self.jwks is None else self.jwks)

        return Starlette(routes=[Route("/.well-known/openid-configuration", discovery), Route("/jwks", jwks)])

    def claims(self, **changes: object) -> dict[str, Any]:
        """Return good claims with ``changes``; a change to ``...`` leaves the claim out."""
        now = int(self.clock.epoch)
        good: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "client_id": "portal",
            "iat": now,
            "exp": now + 600,
            "jti": secrets.token_hex(8),
            "scope": "graph:read graph:write",
            "groups": ["ranking"],
            "roles": ["engineer"],
        }
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def mint(self, key: Key = EC, header: dict[str, Any] | None = None, /, **changes: Any) -> str:
        """Return a signed token; ``changes`` as in ``claims``, and the same for ``header``."""
        return sign(json.dumps(self.claims(**changes)), key, header)


def sign(payload: str | bytes, key: Key = EC, header: dict[str, Any] | None = None) -> str:
    """Sign any payload with ``key``; ``header`` changes the good one, ``...`` leaves a member out."""
    algorithm = {"EC": "ES256", "RSA": "RS256", "OKP": "EdDSA", "oct": "HS256"}[key.key_type]
    parent = {"alg": algorithm, "typ": "at+jwt", "kid": key.kid} | (header or {})
    protected = {name: value for name, value in parent.items() if value is not ...}
    registry = jws.JWSRegistry(algorithms=EVERY_ALGORITHM, strict_check_header=False)
    return jws.serialize_compact(protected, payload, key, registry=registry)


def trusting(live: LiveIssuer, **config: Any) -> TrustedIssuer:
    """Trust ``live`` on the test's clock."""
    issuer = Issuer(**({"url": live.url, "audience": AUDIENCE, "tenant": "acme"} | config))
    clock = live.clock
    return trust(issuer, live.client(), monotonic=lambda: clock.monotonic, now=lambda: clock.epoch)


def authenticator(
    trusted: Iterable[TrustedIssuer], close_teams: CloseTeams = no_closure, roles: Roles | None = None
) -> Authenticator:
    """Return an Authenticator, with the packaged roles unless others are given."""
    return Authenticator(trusted, roles or Roles.load(), close_teams, Challenge(METADATA))


async def principal_of(live: LiveIssuer, token: str, **config: Any) -> Principal:
    """Return the principal of a token; ``config`` configures the issuer."""
    async with authenticator([trusting(live, **config)]) as auth:
        return await auth.authenticate(f"Bearer {token}")


async def status_of(auth: Authenticator, token: str) -> int:
    """Return the HTTP status of a request with the token."""
    try:
        await auth.authenticate(f"Bearer {token}")
    except AuthError as error:
        return error.status
    return 200
