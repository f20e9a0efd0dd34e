"""Validation of one access token, after RFC 9068 section 4 and stricter where Authlib's validator is lenient.

What is added to ``rfc9068.JWTBearerTokenValidator``: ``typ`` is required, ``cnf`` is refused (a token bound to a key is
not a bearer token), the lifetime is capped, algorithms come from an allow-list, clocks may differ by ``LEEWAY``, and
every claim is checked for its type before anything reads it.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from authlib.oauth2.rfc6750 import InvalidTokenError  # type: ignore[import-untyped]  # Authlib ships no types
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator  # type: ignore[import-untyped]
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidClaimError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from app.auth.claims import first_present
from app.auth.issuers import Issuer

LEEWAY = 30
"""Seconds that the issuer's clock and ours may differ."""
MAX_LIFETIME = 24 * 3_600
"""Seconds between ``iat`` and ``exp``."""
MAX_TOKEN = 16_384
"""Characters of a token; uvicorn takes headers up to 64 KiB."""
MAX_SUBJECT = 255
"""Characters of a subject, as OpenID Connect Core section 2 has it."""
JSON_SEGMENTS = 2
MEDIA_TYPES = frozenset({"at+jwt", "application/at+jwt"})

_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.ASCII | re.IGNORECASE)
_ESSENTIAL = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
_TEXTS = ("iss", "sub", "client_id", "jti", "scope", "acr")


class TokenRejectedError(Exception):
    """A token that is not valid here; the text is a reason of ours and quotes nothing from the token."""


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an Authorization header (RFC 6750 section 2.1), None when it holds no bearer token."""
    match = _BEARER.fullmatch(authorization.strip(" ") if authorization else "")
    return match.group(1) if match else None


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself: enough to choose the issuer and the key, and never believed further."""

    issuer: str
    kid: str | None


def read_unverified(token: str) -> Unverified:
    """Read issuer and key id without verification; raises RequestRejectedError for anything but a plain signed JWT."""
    if len(token) > MAX_TOKEN:
        raise TokenRejectedError("it is too long")
    segments = token.encode().split(b".")
    if len(segments) != JSON_SEGMENTS + 1:
        raise TokenRejectedError("it is not a signed JWT")
    header, claims = (_json_object(segment) for segment in segments[:JSON_SEGMENTS])
    # No extension is understood here, so none may be critical; `b64` would change what is signed (RFC 7797).
    if "crit" in header or "b64" in header:
        raise TokenRejectedError("its header asks for an extension that is not supported")
    kid, issuer = header.get("kid"), claims.get("iss")
    if not isinstance(issuer, str) or not isinstance(kid, str | None):
        raise TokenRejectedError("its issuer or key id is not a text")
    return Unverified(issuer, kid)


def _json_object(segment: bytes) -> dict[str, Any]:
    # orjson refuses what the standard library lets through: NaN, lone surrogates, more than 1,024 levels.
    try:
        value = orjson.loads(urlsafe_b64decode(segment))
    except ValueError:
        raise TokenRejectedError("it is not a signed JWT") from None
    if not isinstance(value, dict):
        raise TokenRejectedError("it is not a signed JWT")
    return value


class AccessToken(JWTAccessTokenClaims):  # type: ignore[misc]  # Authlib ships no types
    """The claims of a token whose signature is good; ``validate`` says whether they are good as well."""

    def __init__(self, token: jwt.Token, issuer: Issuer, now: Callable[[], float]) -> None:
        claims = {**token.claims}
        if (client := first_present(claims, issuer.claims.client)) is not None:
            claims["client_id"] = client
        options: dict[str, Any] = {name: {"essential": True} for name in _ESSENTIAL}
        options["iss"]["value"], options["aud"]["value"] = issuer.url, issuer.audience
        super().__init__(claims, token.header, options)
        self._now = now

    def validate(self) -> None:
        """Check type, claims and times; raises a JoseError naming the claim."""
        if self.header.get("typ", "").lower() not in MEDIA_TYPES:
            raise InvalidClaimError("typ")
        if "cnf" in self:
            raise InvalidClaimError("cnf")
        for name in _TEXTS:
            if name in self and not isinstance(self[name], str):
                raise InvalidClaimError(name)
        super().validate(now=int(self._now()), leeway=LEEWAY)
        if not 0 < self["exp"] - self["iat"] <= MAX_LIFETIME:
            raise InvalidClaimError("exp")
        if len(self["sub"]) > MAX_SUBJECT or not self["sub"].isprintable():
            raise InvalidClaimError("sub")


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's validator for one issuer and one set of keys, with the checks of this module."""

    def __init__(self, issuer: Issuer, now: Callable[[], float] = time.time) -> None:
        super().__init__(issuer.url, issuer.audience)
        self._issuer = issuer
        self._now = now
        self._registry = JWSRegistry(algorithms=sorted(issuer.algorithms), strict_check_header=False)

    def check(self, token: str, keys: KeySet) -> AccessToken:
        """Return the validated claims of ``token``; raises RequestRejectedError."""
        try:
            claims = AccessToken(jwt.decode(token, keys, registry=self._registry), self._issuer, self._now)
            self.validate_token(claims, None, None)
        except InvalidTokenError as error:
            raise TokenRejectedError(_reason(error.__cause__)) from error
        except JoseError as error:
            raise TokenRejectedError(_reason(error)) from error
        except (ValueError, RecursionError) as error:
            raise TokenRejectedError("it is not a signed JWT") from error
        return claims


def _reason(error: BaseException | None) -> str:
    # `error.error` and `error.claim` are words of the library and of our own tables, never of the token.
    word = getattr(error, "error", "invalid_token").replace("_", " ")
    claim = getattr(error, "claim", None)
    return f"{word}, {claim}" if claim else word
