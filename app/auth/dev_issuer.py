"""The development issuer: discovery, keys and tokens for personas, on this machine only.

Minting a token requires read access to the key file in the data folder, or the key that is derived from it for the
pages ``/graphiql`` and ``/dev-issuer/authorize``.
"""

import hmac
import json
import os
import secrets
import stat
import time
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.break_glass import MAX_BREAK_GLASS_SECONDS, BreakGlassError, checked_reason
from app.auth.issuers import ANY_TENANT, Issuer, is_loopback
from app.auth.personas import Persona
from app.settings import Settings
from policies.errors import ConfigurationError, InvalidError
from policies.principal import PrincipalKind, Scope

KEY_FILE = "dev-issuer.jwk"
ALGORITHM = "ES256"
LIFETIME_SECONDS = 12 * 3_600
"""Lifetime in seconds of a token without break-glass, unless `DevIssuer.mint` is called with another one."""
JWKS_PATH = "/.well-known/jwks.json"
AUTHORIZE_PATH = "/dev-issuer/authorize"
TOKEN_PATH = "/dev-issuer/token"  # noqa: S105 - a path
CLIENT_ID = "mlg-dev"
"""The ``client_id`` in tokens of persons. A service account is its own client."""


class DevIssuer:
    """Issues tokens for personas.

    Raises `ConfigurationError` unless ``MLG_ENV`` is ``dev`` and ``MLG_HOST`` is a loopback address.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.env != "dev":
            raise ConfigurationError(
                f"MLG_ENV is {settings.env!r}, and the development issuer exists only with MLG_ENV=dev. "
                "Request a token from an issuer of MLG_ISSUERS, or set MLG_ENV=dev."
            )
        if not is_loopback(settings.host):
            raise ConfigurationError(
                f"MLG_ENV is `dev` and MLG_HOST is {settings.host!r}: other machines could use tokens of the "
                "development issuer. Set MLG_HOST to 127.0.0.1, or MLG_ENV to `production`."
            )
        self.url = base_url(settings.host, settings.port)
        self._key_file = settings.data_dir / KEY_FILE
        self._audience = settings.audience
        self._tenant = settings.tenant

    @property
    def issuer(self) -> Issuer:
        """The configuration with which the server trusts this issuer: ES256 only, and any tenant."""
        return Issuer(
            url=self.url,
            audience=self._audience,
            tenant=self._tenant,
            algorithms=frozenset({ALGORITHM}),
            tenants=frozenset({ANY_TENANT}),
        )

    def mint(
        self,
        persona: Persona,
        *,
        now: float | None = None,
        break_glass: str | None = None,
        lifetime: int = LIFETIME_SECONDS,
    ) -> str:
        """Return a signed access token for ``persona``.

        The token is valid for ``lifetime`` seconds from ``now``, in epoch seconds; None means the current time.
        ``break_glass`` is a reason: with it the token has the break-glass scope and is valid for
        `MAX_BREAK_GLASS_SECONDS`. Raises `InvalidError` if the persona does not list that scope under
        ``on_request`` or if the reason is invalid, and `ConfigurationError` as `signing_key` does.
        """
        emergency = {} if break_glass is None else _break_glass_claims(persona, break_glass)
        issued = int(time.time() if now is None else now)
        claims = {
            "iss": self.url,
            "aud": self._audience,
            "sub": persona.name,
            "client_id": persona.name if persona.kind is PrincipalKind.SERVICE_ACCOUNT else CLIENT_ID,
            "iat": issued,
            "exp": issued + (MAX_BREAK_GLASS_SECONDS if emergency else lifetime),
            "jti": secrets.token_urlsafe(12),
            "scope": " ".join([*persona.scopes, *([Scope.BREAK_GLASS] if emergency else [])]),
            "groups": list(persona.groups),
            "roles": list(persona.roles),
            "tenant": persona.tenant or self._tenant,
            "principal_kind": str(persona.kind),
            "name": persona.display_name,
            **emergency,
        }
        return self._signed("at+jwt", claims)

    def identity_token(self, persona: Persona, *, nonce: str, now: float, lifetime: int) -> str:
        """Return a signed ID token for ``persona`` and the client `CLIENT_ID`.

        ``now`` is in epoch seconds, ``lifetime`` in seconds. Raises `ConfigurationError` as `signing_key` does.
        """
        times = {"iat": int(now), "exp": int(now) + lifetime}
        person = {"sub": persona.name, "name": persona.display_name, "nonce": nonce}
        return self._signed("JWT", {"iss": self.url, "aud": CLIENT_ID, **times, **person})

    def _signed(self, kind: str, claims: dict[str, Any]) -> str:
        key = signing_key(self._key_file)
        return jwt.encode({"alg": ALGORITHM, "typ": kind, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    def page_key(self) -> str:
        """Return the key that a page must send to get the token of a persona, or a code for one.

        The key is derived from the key file, and changes only with that file.

        Raises `ConfigurationError` as `signing_key` does.
        """
        private = signing_key(self._key_file).as_dict(private=True)["d"]
        return hmac.new(str(private).encode(), b"page /graphiql", "sha256").hexdigest()

    def routes(self) -> list[Route]:
        """Return the routes of discovery and key set.

        Each request for the key set reads the key file, so a replaced key is served.
        """

        async def discovery(_request: Request) -> Response:
            return JSONResponse(
                {
                    "issuer": self.url,
                    "jwks_uri": self.url + JWKS_PATH,
                    "authorization_endpoint": self.url + AUTHORIZE_PATH,
                    "token_endpoint": self.url + TOKEN_PATH,
                    "response_types_supported": ["code"],
                    "grant_types_supported": ["authorization_code", "refresh_token"],
                    "code_challenge_methods_supported": ["S256"],
                    "token_endpoint_auth_methods_supported": ["none"],
                    "authorization_response_iss_parameter_supported": True,
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": [ALGORITHM],
                }
            )

        async def jwks(_request: Request) -> Response:
            return JSONResponse(KeySet([signing_key(self._key_file)]).as_dict(private=False))

        return [
            Route("/.well-known/openid-configuration", discovery),
            Route("/.well-known/oauth-authorization-server", discovery),
            Route(JWKS_PATH, jwks),
        ]


def _break_glass_claims(persona: Persona, reason: str) -> dict[str, str]:
    """Return the claims that break-glass adds to a token; raises `InvalidError` as `DevIssuer.mint` does."""
    if Scope.BREAK_GLASS not in persona.on_request:
        raise InvalidError(
            f"The persona {persona.name!r} has no {Scope.BREAK_GLASS} under `on_request` in policies/personas.toml. "
            "Choose another persona."
        )
    try:
        return {"break_glass_reason": checked_reason(reason, MAX_BREAK_GLASS_SECONDS)}
    except BreakGlassError as error:
        raise InvalidError(f"{error}.") from None


def base_url(host: str, port: int) -> str:
    """Return the http URL of a server at ``host`` and ``port``; an IPv6 address gets brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def signing_key(path: Path) -> ECKey:
    """Return the EC key stored in ``path``; if there is no file, create one with a P-256 key and mode 0600.

    Raises `ConfigurationError` if other users have any access to the file or if the file holds no EC key.
    """
    if not path.exists():
        _create_key(path)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"Other users can access the signing key {path}. Run `chmod 600 {path}`.")
    try:
        key = ECKey.import_key(json.loads(path.read_text("utf-8")))
    except (ValueError, JoseError):
        raise ConfigurationError(f"{path} is not an EC key. Remove the file; a new key is then made.") from None
    key.ensure_kid()
    return key


def _create_key(path: Path) -> None:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    create_private_file(path, json.dumps(key.as_dict(private=True)).encode())


def create_private_file(path: Path, content: bytes) -> None:
    """Create a file with mode 0600, complete from the start; a file that exists already is left unchanged."""
    # Written to a scratch file and linked into place, because the server and `mlg token` may both create the key:
    # a direct write could leave one of them with a key that the other has overwritten, or with half a file.
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        try:
            os.link(scratch, path)
        except FileExistsError:
            return
    finally:
        scratch.unlink()
