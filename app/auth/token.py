"""Validates an access token by RFC 9068 section 4, more strictly than Authlib's ``JWTBearerTokenValidator``.

Additional checks, among others:

- the header ``typ`` is required, and the algorithm is one of the issuer's allow-list;
- the claim ``cnf`` is refused, because a token bound to a key is not a bearer token;
- the lifetime is limited;
- a claim that must be a string is checked for its type before its value.

Clocks may differ by `LEEWAY_SECONDS`.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import orjson
from authlib.oauth2.rfc6750 import InvalidTokenError  # type: ignore[import-untyped]  # Authlib ships no types
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator  # type: ignore[import-untyped]
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidClaimError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from app.auth.claims import Identity, first_present, read_identity
from app.auth.issuers import Issuer
from app.auth.verified_tokens import VerifiedTokens

LEEWAY_SECONDS = 30
"""Largest accepted difference in seconds between the clock of the issuer and that of this server."""
MAX_LIFETIME_SECONDS = 24 * 3_600
"""Longest accepted time in seconds between ``iat`` and ``exp``."""
MAX_TOKEN_LENGTH = 16_384
"""Maximum length of a token in characters; a message of a WebSocket could have a longer one."""
MAX_SUBJECT_LENGTH = 255
"""Maximum length of ``sub`` in characters (OpenID Connect Core section 2)."""

_JSON_SEGMENTS = 2
"""Number of JSON segments of a signed JWT, header and claims; the third segment is the signature."""
_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
"""Accepted values of the header ``typ``, in lower case."""
_BEARER_HEADER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.ASCII | re.IGNORECASE)
_REQUIRED_CLAIMS = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
_STRING_CLAIMS = ("iss", "sub", "client_id", "jti", "scope", "acr")
_NO_SIGNED_JWT = "the token is not a signed JWT"


class TokenRejectedError(Exception):
    """The token is not valid for this server; the text is the reason and quotes nothing from the token."""


def bearer_token(authorization: str | None) -> str | None:
    """Return the token in the value of an ``Authorization`` header, None if there is no bearer token.

    Source: RFC 6750 section 2.1.
    """
    match = _BEARER_HEADER.fullmatch(authorization.strip(" ") if authorization else "")
    return match.group(1) if match else None


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """Issuer and key id of a token whose signature is not verified; used only to select issuer and key."""

    issuer: str
    kid: str | None


def read_unverified(token: str) -> UnverifiedToken:
    """Return issuer and key id of ``token`` without verifying the signature.

    Raises `TokenRejectedError` unless the token has the form of a signed JWT and at most `MAX_TOKEN_LENGTH` characters.
    The error is also raised if the issuer is no string, the key id is neither absent nor a string, or the header has
    ``crit`` or ``b64``.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenRejectedError(f"the token is longer than {MAX_TOKEN_LENGTH} characters")
    segments = token.encode().split(b".")
    if len(segments) != _JSON_SEGMENTS + 1:
        raise TokenRejectedError(_NO_SIGNED_JWT)
    header, claims = (_json_object(segment) for segment in segments[:_JSON_SEGMENTS])
    # No extension is implemented, so a critical extension cannot be honoured; `b64` changes what is signed (RFC 7797).
    if "crit" in header or "b64" in header:
        raise TokenRejectedError("the header of the token requires an extension that is not supported")
    kid, issuer = header.get("kid"), claims.get("iss")
    if not isinstance(issuer, str) or not isinstance(kid, str | None):
        raise TokenRejectedError("the issuer or the key id of the token is not a string")
    return UnverifiedToken(issuer, kid)


def _json_object(segment: bytes) -> dict[str, object]:
    # orjson refuses what the standard library accepts: NaN, lone surrogates, more than 1,024 levels.
    try:
        value = orjson.loads(urlsafe_b64decode(segment))
    except ValueError:
        raise TokenRejectedError(_NO_SIGNED_JWT) from None
    if not isinstance(value, dict):
        raise TokenRejectedError(_NO_SIGNED_JWT)
    return value


class AccessToken(JWTAccessTokenClaims):  # type: ignore[misc]  # Authlib ships no types
    """The claims of a token with a verified signature. The claims themselves are unchecked until `validate`.

    ``client_id`` is taken from the claim that the claim map of the issuer names. ``now`` returns epoch seconds.
    """

    def __init__(self, token: jwt.Token, issuer: Issuer, now: Callable[[], float]) -> None:
        claims = {**token.claims}
        if (client := first_present(claims, issuer.claims.client)) is not None:
            claims["client_id"] = client
        options: dict[str, dict[str, object]] = {name: {"essential": True} for name in _REQUIRED_CLAIMS}
        options["iss"]["value"], options["aud"]["value"] = issuer.url, issuer.audience
        super().__init__(claims, token.header, options)
        self._issuer = issuer
        self._now = now

    @cached_property
    def identity(self) -> Identity:
        """The caller as the claims describe it, once they are valid; raises as :func:`read_identity`."""
        return read_identity(self, self._issuer)

    def validate(self) -> None:
        """Raise a `JoseError` if the token's type, a claim or the lifetime is invalid."""
        if self.header.get("typ", "").lower() not in _TOKEN_TYPES:
            raise InvalidClaimError("typ")
        if "cnf" in self:
            raise InvalidClaimError("cnf")
        for name in _STRING_CLAIMS:
            if name in self and not isinstance(self[name], str):
                raise InvalidClaimError(name)
        super().validate(now=int(self._now()), leeway=LEEWAY_SECONDS)
        if not 0 < self["exp"] - self["iat"] <= MAX_LIFETIME_SECONDS:
            raise InvalidClaimError("exp")
        if len(self["sub"]) > MAX_SUBJECT_LENGTH or not self["sub"].isprintable():
            raise InvalidClaimError("sub")


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's validator for the tokens of one issuer, with this module's checks; ``now`` returns epoch seconds.

    Accepted tokens are kept in :class:`app.auth.verified_tokens.VerifiedTokens`.
    """

    def __init__(self, issuer: Issuer, now: Callable[[], float] = time.time) -> None:
        super().__init__(issuer.url, issuer.audience)
        self._issuer = issuer
        self._now = now
        self._registry = JWSRegistry(algorithms=sorted(issuer.algorithms), strict_check_header=False)
        self._verified = VerifiedTokens[AccessToken]()

    def check(self, token: str, keys: KeySet) -> AccessToken:
        """Return the claims of ``token``, verified with ``keys``; raises `TokenRejectedError` for an invalid token."""
        now = int(self._now())
        claims = self._verified.get(token, keys, now)
        if claims is None:
            claims = self._verify(token, keys)
            self._verified.add(token, keys, claims, since=now, until=int(claims["exp"]) + LEEWAY_SECONDS)
        return claims

    def _verify(self, token: str, keys: KeySet) -> AccessToken:
        try:
            claims = AccessToken(jwt.decode(token, keys, registry=self._registry), self._issuer, self._now)
            self.validate_token(claims, None, None)
        except InvalidTokenError as error:
            raise TokenRejectedError(_reason(error.__cause__)) from error
        except JoseError as error:
            raise TokenRejectedError(_reason(error)) from error
        except (ValueError, RecursionError) as error:
            raise TokenRejectedError(_NO_SIGNED_JWT) from error
        return claims


def _reason(error: BaseException | None) -> str:
    # `error.error` and `error.claim` come from the library and from the tables of this module, never from the token.
    word = getattr(error, "error", "invalid_token").replace("_", " ")
    claim = getattr(error, "claim", None)
    return f"{word}, {claim}" if claim else word
