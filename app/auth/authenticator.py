"""The one road from an Authorization header to a Principal."""

import functools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2
import structlog
from joserfc.errors import InvalidClaimError
from starlette.applications import Starlette

from app.auth.break_glass import BreakGlassError
from app.auth.claims import Identity, read_identity
from app.auth.dev_issuer import DevIssuer
from app.auth.discovery import fetch_keys
from app.auth.errors import AuthError, Challenge, UnavailableError
from app.auth.issuers import Issuer, check_distinct, read_issuers
from app.auth.key_cache import KeyCache, Timing
from app.auth.resource_metadata import metadata_url
from app.auth.roles import Roles
from app.auth.teams import CloseTeams, TeamClosure
from app.auth.token import AccessTokenValidator, TokenRejectedError, bearer_token, read_unverified
from app.settings import Settings
from graphql_schema.catalog.urn import make_urn
from policies.errors import CodedError, ConfigurationError
from policies.principal import Principal, Scope

FETCH_TIMEOUT = httpx2.Timeout(5.0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trusted:
    """An issuer with what it takes to check its tokens."""

    issuer: Issuer
    keys: KeyCache
    validator: AccessTokenValidator
    client: httpx2.AsyncClient


def trust(
    issuer: Issuer,
    client: httpx2.AsyncClient,
    *,
    timing: Timing | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> Trusted:
    """Trust ``issuer``, whose documents ``client`` can fetch; the clocks are in seconds."""
    keys = KeyCache(functools.partial(fetch_keys, client, issuer), timing, monotonic)
    return Trusted(issuer, keys, AccessTokenValidator(issuer, now), client)


class Authenticator:
    """Knows the trusted issuers; close it (or use it as an async context manager) to end its connections."""

    def __init__(self, trusted: Iterable[Trusted], roles: Roles, close_teams: CloseTeams, challenge: Challenge) -> None:
        self._trusted = {one.issuer.url: one for one in trusted}
        self._roles = roles
        self._close_teams = TeamClosure(close_teams)
        self.challenge = challenge

    async def authenticate(self, authorization: str | None, scope: Scope | None = None) -> Principal:
        """Return the caller behind an Authorization header, who holds ``scope`` if one is asked for.

        Raises AuthError: 401 without a valid token, 403 without the scope, 503 when nobody can say.
        """
        token = bearer_token(authorization)
        if token is None:
            raise self.challenge.missing()
        try:
            trusted, identity = await self._identify(token)
        except TokenRejectedError as error:
            log.info("access_token_refused", reason=str(error))
            raise self.challenge.invalid(str(error)) from error
        if scope is not None and scope not in identity.scopes:
            raise self.challenge.insufficient(scope)
        return await self._principal(identity, trusted.issuer)

    async def _identify(self, token: str) -> tuple[Trusted, Identity]:
        unverified = read_unverified(token)
        trusted = self._trusted.get(unverified.issuer)
        if trusted is None:
            raise TokenRejectedError("its issuer is not trusted here")
        claims = trusted.validator.check(token, await trusted.keys.keys_for(unverified.kid))
        try:
            return trusted, read_identity(claims, trusted.issuer)
        except InvalidClaimError as error:
            raise TokenRejectedError(f"invalid claim, {error.claim}") from error
        except BreakGlassError as error:
            raise TokenRejectedError(str(error)) from error

    async def _principal(self, identity: Identity, issuer: Issuer) -> Principal:
        teams = frozenset(
            make_urn("team", issuer.team_source, issuer.team_namespace, group) for group in identity.groups
        )
        try:
            closed = await self._close_teams(identity.tenant, teams)
        except AuthError:
            raise
        except CodedError as error:
            raise UnavailableError(f"Your teams cannot be looked up: {error.message}", code=error.code) from error
        return Principal(
            subject=identity.subject,
            kind=identity.kind,
            tenant=identity.tenant,
            display_name=identity.display_name,
            teams=closed,
            roles=self._roles.of(identity.subject, teams, identity.roles),
            scopes=identity.scopes,
            expires_at=identity.expires_at,
            break_glass=identity.break_glass,
        )

    async def aclose(self) -> None:
        """End refreshes under way and close the connections to the issuers."""
        for one in self._trusted.values():
            await one.keys.aclose()
            await one.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def build_authenticator(settings: Settings, close_teams: CloseTeams) -> Authenticator:
    """Trust the issuers of the settings, in ``dev`` the development issuer as well; raises ConfigurationError."""
    issuers = read_issuers(settings.issuers, audience=settings.audience, tenant=settings.tenant)
    trusted = [trust(issuer, httpx2.AsyncClient(timeout=FETCH_TIMEOUT)) for issuer in issuers]
    if settings.env == "dev":
        dev = DevIssuer(settings)
        # The keys take the same road as everybody's, discovery included, without a network in between.
        inside = httpx2.ASGITransport(app=Starlette(routes=dev.routes()))
        trusted.append(trust(dev.trust, httpx2.AsyncClient(transport=inside, timeout=FETCH_TIMEOUT)))
    if not trusted:
        raise ConfigurationError("MLG_ISSUERS is empty, so nobody could come in; see docs/identity.md.")
    check_distinct(tuple(one.issuer for one in trusted))
    return Authenticator(trusted, Roles.load(), close_teams, Challenge(metadata_url(settings)))
