"""Builds the sign-in of a process from its settings: at a configured issuer, or at the development issuer."""

from dataclasses import dataclass
from typing import Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request

from app.auth.authenticator import FETCH_TIMEOUT, Authenticator, TrustedIssuer, trust
from app.auth.dev_issuer import CLIENT_ID, DevIssuer
from app.auth.issuers import read_issuers
from app.auth.resource_metadata import public_url
from app.auth.sign_in.dev_grants import DevGrants
from app.auth.sign_in.dev_token_endpoint import token_endpoint
from app.auth.sign_in.issuer_client import IssuerClient, SignInClient
from app.auth.sign_in.session_secrets import session_secrets
from app.auth.sign_in.sessions import Sessions
from app.settings import Settings
from policies.errors import ConfigurationError
from policies.principal import Principal, Scope

CALLBACK_PATH: Final = "/sign-in/callback"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in of a process.

    ``sessions`` is None without ``MLG_SIGN_IN_CLIENT``, except in development.
    ``dev_grants`` exists with ``MLG_ENV=dev`` only.
    """

    sessions: Sessions | None
    dev_grants: DevGrants | None


def build_sign_in(settings: Settings, authenticator: Authenticator) -> SignIn:
    """Return the sign-in for these settings, whose access tokens ``authenticator`` validates.

    Raises `ConfigurationError` if a setting of the sign-in is missing or invalid.
    """
    redirect_uri = public_url(settings) + CALLBACK_PATH
    grants = DevGrants(DevIssuer(settings), redirect_uri) if settings.env == "dev" else None
    if settings.sign_in_client:
        trusted = _configured_issuer(settings, authenticator)
    elif grants is not None:
        trusted = _in_process(grants)
    else:
        return SignIn(None, None)
    client = SignInClient(
        settings.sign_in_client or CLIENT_ID, settings.sign_in_secret, settings.sign_in_scopes, redirect_uri
    )

    async def authenticate(authorization: str) -> Principal:
        return await authenticator.authenticate(authorization, Scope.READ)

    sessions = Sessions(IssuerClient(trusted, client), session_secrets(settings), authenticate, authenticator.challenge)
    return SignIn(sessions, grants)


def _configured_issuer(settings: Settings, authenticator: Authenticator) -> TrustedIssuer:
    if settings.env == "production" and not settings.public_url.startswith("https://"):
        raise ConfigurationError(
            "MLG_SIGN_IN_CLIENT is set, and MLG_PUBLIC_URL is not https: a browser would not send the cookie. "
            "Set MLG_PUBLIC_URL to the https URL of this server."
        )
    issuers = read_issuers(settings.issuers, audience=settings.audience, tenant=settings.tenant)
    url = settings.sign_in_issuer or next((issuer.url for issuer in issuers), "")
    if not url:
        raise ConfigurationError(
            "MLG_SIGN_IN_CLIENT is set, and MLG_ISSUERS has no issuer. Add the issuer to MLG_ISSUERS."
        )
    trusted = authenticator.trusted(url)
    if trusted is None:
        raise ConfigurationError(
            f"MLG_SIGN_IN_ISSUER is {settings.sign_in_issuer!r}, which is no `issuer` of MLG_ISSUERS. "
            "Set it to one of them, or add the issuer to MLG_ISSUERS."
        )
    scopes = settings.sign_in_scopes.split()
    if Scope.BREAK_GLASS in scopes:
        raise ConfigurationError(
            f"MLG_SIGN_IN_SCOPES has `{Scope.BREAK_GLASS}`. Remove it: its tokens are for one emergency, and each "
            "sign-in would request one."
        )
    if "openid" not in scopes:
        raise ConfigurationError("MLG_SIGN_IN_SCOPES has no `openid`. Add it: the issuer sends an ID token only then.")
    return trusted


def _in_process(grants: DevGrants) -> TrustedIssuer:
    """Return the development issuer with its token endpoint, reached without the network."""
    app = Starlette(routes=[*grants.issuer.routes(), token_endpoint(grants, Request.body)])
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), timeout=FETCH_TIMEOUT)
    return trust(grants.issuer.issuer, client)
