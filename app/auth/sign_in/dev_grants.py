"""Codes and refresh tokens of the development issuer: sign-in by code with PKCE, for personas, without any account.

Sources: RFC 6749 sections 4.1 and 6, RFC 7636. Codes and refresh tokens are sealed texts, so that each process of a
machine accepts those of the others; a process accepts a code once.
"""

import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # Authlib ships no types

from app.auth.dev_issuer import CLIENT_ID, LIFETIME_SECONDS, DevIssuer
from app.auth.personas import Persona, persona
from app.auth.sign_in.sealed_text import Sealer
from policies.errors import InvalidError

CODE_SECONDS: Final = 60
"""Seconds within which a code has to be redeemed."""
ACCESS_SECONDS: Final = 600
"""Lifetime of an access token in seconds; short, so that development refreshes tokens as production does."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class GrantRefusedError(Exception):
    """A refused request to the token endpoint; the text is the error code of RFC 6749 section 5.2."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The checked parameters of a request for a code."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str


class DevGrants:
    """Issues and redeems the codes of one client, whose callback is ``redirect_uri``; ``now`` returns epoch seconds."""

    def __init__(self, issuer: DevIssuer, redirect_uri: str, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._redirect_uri = redirect_uri
        self._now = now
        self._redeemed: dict[str, int] = {}

    def checked_request(self, parameters: Mapping[str, str]) -> AuthorizationRequest:
        """Return the request for a code; raises `InvalidError` if a parameter is not as the only client sends it."""
        expected = {
            "client_id": CLIENT_ID,
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "code_challenge_method": "S256",
        }
        wrong = [name for name, value in expected.items() if parameters.get(name) != value]
        if not _CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
            wrong.append("code_challenge")
        if wrong:
            raise InvalidError(
                f"The development issuer does not accept the value of `{wrong[0]}`. Begin at `/sign-in` of this server."
            )
        return AuthorizationRequest(
            self._redirect_uri, parameters.get("state", ""), parameters.get("nonce", ""), parameters["code_challenge"]
        )

    def redirect_url(self, request: AuthorizationRequest, chosen: Persona) -> str:
        """Return the URL of the callback with a code for a persona."""
        code = {
            **asdict(request),
            "persona": chosen.name,
            "id": secrets.token_urlsafe(12),
            "ends_at": int(self._now()) + CODE_SECONDS,
        }
        values = {"code": self._sealer("code").seal(code), "state": request.state, "iss": self.issuer.url}
        return f"{request.redirect_uri}?{urlencode(values)}"

    def respond(self, form: Mapping[str, str]) -> dict[str, object]:
        """Return the response of the token endpoint to a form; raises `GrantRefusedError`."""
        if form.get("client_id") != CLIENT_ID:
            raise GrantRefusedError("invalid_client")
        if form.get("grant_type") == "authorization_code":
            return self._redeem(form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form)
        raise GrantRefusedError("unsupported_grant_type")

    def _redeem(self, form: Mapping[str, str]) -> dict[str, object]:
        code = self._sealer("code").open(form.get("code", ""))
        if code is None or code["ends_at"] <= self._now() or code["id"] in self._redeemed:
            raise GrantRefusedError("invalid_grant")
        self._redeemed = {key: end for key, end in self._redeemed.items() if end > self._now()}
        self._redeemed[code["id"]] = code["ends_at"]
        challenge = create_s256_code_challenge(form.get("code_verifier", ""))
        if form.get("redirect_uri") != code["redirect_uri"] or not hmac.compare_digest(challenge, code["challenge"]):
            raise GrantRefusedError("invalid_grant")
        chosen = persona(code["persona"])
        identity = self.issuer.identity_token(chosen, nonce=code["nonce"], now=self._now(), lifetime=ACCESS_SECONDS)
        return {**self._tokens(chosen, int(self._now()) + LIFETIME_SECONDS), "id_token": identity}

    def _refresh(self, form: Mapping[str, str]) -> dict[str, object]:
        token = self._sealer("refresh").open(form.get("refresh_token", ""))
        if token is None or token["ends_at"] <= self._now():
            raise GrantRefusedError("invalid_grant")
        return self._tokens(persona(token["persona"]), token["ends_at"])

    def _tokens(self, chosen: Persona, refresh_ends_at: int) -> dict[str, object]:
        refresh = {"persona": chosen.name, "ends_at": refresh_ends_at, "id": secrets.token_urlsafe(12)}
        return {
            "access_token": self.issuer.mint(chosen, now=self._now(), lifetime=ACCESS_SECONDS),
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "refresh_token": self._sealer("refresh").seal(refresh),
        }

    def _sealer(self, purpose: str) -> Sealer:
        # Made at each use, because the key file may be replaced while the server runs.
        return Sealer([self.issuer.page_key().encode()], f"development {purpose}")
