"""The development issuer: discovery, keys and tokens for personas, on this machine only.

It has no token endpoint: who can read the key file of the data folder can mint, and nobody else.
"""

import json
import os
import secrets
import stat
import time
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.auth.break_glass import MAX_LIFETIME, BreakGlassError, checked_reason
from app.auth.issuers import ANY_TENANT, Issuer, is_loopback
from app.auth.personas import Persona
from app.settings import Settings
from policies.errors import ConfigurationError, InvalidError
from policies.principal import PrincipalKind, Scope

KEY_FILE = "dev-issuer.jwk"
ALGORITHM = "ES256"
LIFETIME = 12 * 3_600
"""Seconds that a persona's token lives."""
JWKS_PATH = "/.well-known/jwks.json"
CLIENT = "mlg-dev"


class DevIssuer:
    """Vouches for personas; made only where it may exist, else ConfigurationError."""

    def __init__(self, settings: Settings) -> None:
        if settings.env != "dev":
            raise ConfigurationError("The development issuer exists only with MLG_ENV=dev; set MLG_ISSUERS instead.")
        if not is_loopback(settings.host):
            raise ConfigurationError(
                f"MLG_ENV is `dev` and MLG_HOST is {settings.host!r}: the development issuer would vouch for anybody "
                "who holds its key, so it stays on this machine. Set MLG_HOST to 127.0.0.1, or MLG_ENV to `production`."
            )
        self.url = base_url(settings.host, settings.port)
        self._key_file = settings.data_dir / KEY_FILE
        self._audience = settings.audience
        self._tenant = settings.tenant

    @property
    def trust(self) -> Issuer:
        """How the server trusts this issuer: it speaks for any tenant."""
        return Issuer(
            url=self.url,
            audience=self._audience,
            tenant=self._tenant,
            algorithms=frozenset({ALGORITHM}),
            tenants=frozenset({ANY_TENANT}),
        )

    def mint(self, persona: Persona, *, now: float | None = None, break_glass: str | None = None) -> str:
        """Return a signed access token for ``persona``, valid from now for ``LIFETIME`` seconds.

        With ``break_glass``, a reason, it carries that scope and lives an hour; raises InvalidError where the persona
        may not ask for it or the reason does not fit.
        """
        emergency = {} if break_glass is None else _emergency(persona, break_glass)
        issued = int(time.time() if now is None else now)
        claims = {
            "iss": self.url,
            "aud": self._audience,
            "sub": persona.name,
            "client_id": persona.name if persona.kind is PrincipalKind.SERVICE_ACCOUNT else CLIENT,
            "iat": issued,
            "exp": issued + (MAX_LIFETIME if emergency else LIFETIME),
            "jti": secrets.token_urlsafe(12),
            "scope": " ".join([*persona.scopes, *([Scope.BREAK_GLASS] if emergency else [])]),
            "groups": list(persona.groups),
            "roles": list(persona.roles),
            "tenant": persona.tenant or self._tenant,
            "principal_kind": str(persona.kind),
            "name": persona.display_name,
            **emergency,
        }
        key = signing_key(self._key_file)
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    def routes(self) -> list[Route]:
        """Discovery and key set; both read the key file anew, so that a replaced key takes effect."""

        async def discovery(_request: Request) -> Response:
            return JSONResponse(
                {
                    "issuer": self.url,
                    "jwks_uri": self.url + JWKS_PATH,
                    "response_types_supported": [],
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


def _emergency(persona: Persona, reason: str) -> dict[str, str]:
    """Return the claims that break-glass adds to a token; raises InvalidError."""
    if Scope.BREAK_GLASS not in persona.on_request:
        raise InvalidError(f"The persona {persona.name!r} may not ask for {Scope.BREAK_GLASS}: it lists no such scope.")
    try:
        return {"break_glass_reason": checked_reason(reason, MAX_LIFETIME)}
    except BreakGlassError as error:
        raise InvalidError(f"{error}.") from None


def base_url(host: str, port: int) -> str:
    """Return the URL of a server on this machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def signing_key(path: Path) -> ECKey:
    """Return the EC P-256 key of ``path``, made at first use with mode 0600; raises ConfigurationError."""
    if not path.exists():
        _create(path)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{path} can be read by others; make it yours alone: chmod 600 {path}")
    try:
        key = ECKey.import_key(json.loads(path.read_text("utf-8")))
    except (ValueError, JoseError):
        raise ConfigurationError(f"{path} is not a signing key; remove it and a new one is made.") from None
    key.ensure_kid()
    return key


def _create(path: Path) -> None:
    # Written aside and linked into place: the server and `mlg token` may both be the first, and one key must win whole.
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(key.as_dict(private=True), file)
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink()
