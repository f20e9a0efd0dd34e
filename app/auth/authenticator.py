"""Validates the bearer token of an ``Authorization`` header and builds the `Principal`, for HTTP and WebSocket."""

import functools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import httpx2
import structlog
from joserfc.errors import InvalidClaimError
from starlette.applications import Starlette

from app.auth.break_glass import BreakGlassError
from app.auth.claims import Identity
from app.auth.dev_issuer import DevIssuer
from app.auth.discovery import fetch_keys
from app.auth.errors import AuthError, Challenge, UnavailableError
from app.auth.issuers import Issuer, check_distinct, foreign_prefixes, read_issuers
from app.auth.key_cache import KeyCache, Timing
from app.auth.resource_metadata import metadata_url
from app.auth.roles import Roles
from app.auth.teams import CloseTeams, TeamClosure
from app.auth.token import AccessTokenValidator, TokenRejectedError, bearer_token, read_unverified
from app.settings import Settings
from graphql_schema.catalog.urn import make_urn, slug_of
from policies.errors import CodedError, ConfigurationError, InvalidError
from policies.principal import Principal, Scope

FETCH_TIMEOUT = httpx2.Timeout(5.0)
"""Seconds for each step of a request to an issuer: get a connection of the pool, connect, write, read."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer with its key cache, token validator and HTTP client."""

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
) -> TrustedIssuer:
    """Return ``issuer`` with a new key cache and validator. Nothing is fetched yet.

    ``client`` fetches discovery and keys; `Authenticator.aclose` closes it. ``timing`` defaults to ``Timing()``.
    ``monotonic`` returns monotonic seconds, for the cache; ``now`` returns epoch seconds, for the validator.
    """
    keys = KeyCache(functools.partial(fetch_keys, client, issuer), timing, monotonic)
    return TrustedIssuer(issuer, keys, AccessTokenValidator(issuer, now), client)


class Authenticator:
    """Authenticates callers by the tokens of the trusted issuers.

    ``close_teams`` is as in :mod:`app.auth.teams`. ``challenge`` builds the 401 and 403 errors. Call `aclose`, or use
    the authenticator as an async context manager, to close the connections to the issuers.
    """

    def __init__(
        self, trusted: Iterable[TrustedIssuer], roles: Roles, close_teams: CloseTeams, challenge: Challenge
    ) -> None:
        self._trusted = {entry.issuer.url: entry for entry in trusted}
        issuers = [entry.issuer for entry in self._trusted.values()]
        self._foreign = {issuer.url: foreign_prefixes(issuer, issuers) for issuer in issuers}
        self._roles = roles
        self._close_teams = TeamClosure(close_teams)
        self.challenge = challenge

    def trusted(self, url: str) -> TrustedIssuer | None:
        """Return the trusted issuer with this URL, None if there is none."""
        return self._trusted.get(url)

    async def authenticate(self, authorization: str | None, scope: Scope | None = None) -> Principal:
        """Return the caller identified by ``authorization``, the value of the header; None means a missing header.

        Raises `AuthError`: 401 without a valid token; 403 if ``scope`` is given and the token lacks the scope;
        503 if the issuer's signing keys or the caller's teams cannot be fetched.
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

    async def _identify(self, token: str) -> tuple[TrustedIssuer, Identity]:
        unverified = read_unverified(token)
        trusted = self._trusted.get(unverified.issuer)
        if trusted is None:
            raise TokenRejectedError("the issuer is not trusted by this server")
        claims = trusted.validator.check(token, await trusted.keys.keys_for(unverified.kid))
        try:
            identity = claims.identity
        except InvalidClaimError as error:
            raise TokenRejectedError(f"invalid claim, {error.claim}") from error
        except BreakGlassError as error:
            raise TokenRejectedError(str(error)) from error
        if identity.subject.startswith(self._foreign[unverified.issuer]):
            raise TokenRejectedError("the subject begins with the prefix of another issuer")
        return trusted, identity

    async def _principal(self, identity: Identity, issuer: Issuer) -> Principal:
        teams = frozenset(
            make_urn("team", issuer.team_source, issuer.team_namespace, group) for group in identity.groups
        )
        caller = Principal(
            subject=identity.subject,
            kind=identity.kind,
            tenant=identity.tenant,
            display_name=identity.display_name,
            token_teams=teams,
            user=_user_of(identity, issuer),
            roles=self._roles.of(identity.subject, teams, identity.roles),
            scopes=identity.scopes,
            expires_at=identity.expires_at,
            break_glass=identity.break_glass,
        )
        return await self.with_current_owners(caller)

    async def with_current_owners(self, caller: Principal) -> Principal:
        """Return a caller with the owners that its token's teams give it now: teams above, members and domains.

        Raises UnavailableError if they cannot be read.
        """
        try:
            owners = await self._close_teams(caller.tenant, caller.token_teams)
        except AuthError:
            raise
        except CodedError as error:
            unread = UnavailableError(f"The caller's teams cannot be read: {error.message}", code=error.code)
            unread.extensions |= error.extensions
            raise unread from error
        teams = frozenset(urn for urn in owners if slug_of(urn) == "team")
        return replace(caller, teams=teams, acts_for=owners - teams)

    async def aclose(self) -> None:
        """Cancel running key refreshes and close the connections to the issuers."""
        for entry in self._trusted.values():
            await entry.keys.aclose()
            await entry.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _user_of(identity: Identity, issuer: Issuer) -> str | None:
    """Return the URN of the user of a caller; its name is the subject with the issuer's prefix.

    None if no URN can have this name.
    """
    try:
        return make_urn("user", issuer.team_source, issuer.team_namespace, identity.subject)
    except InvalidError:
        return None


def build_authenticator(settings: Settings, close_teams: CloseTeams) -> Authenticator:
    """Return an authenticator for the issuers of ``MLG_ISSUERS``, with ``MLG_ENV=dev`` also the development issuer.

    Raises `ConfigurationError` if an entry is invalid, two issuers conflict or there is no issuer. Also raises it if
    ``policies/roles.toml`` or ``MLG_PUBLIC_URL`` is invalid, or as `DevIssuer` does.
    """
    issuers = read_issuers(settings.issuers, audience=settings.audience, tenant=settings.tenant)
    trusted = [trust(issuer, httpx2.AsyncClient(timeout=FETCH_TIMEOUT)) for issuer in issuers]
    if settings.env == "dev":
        dev = DevIssuer(settings)
        # Keys are fetched by the same code as those of any issuer, discovery included, but in process: the server sends
        # no request to itself over the network.
        in_process = httpx2.ASGITransport(app=Starlette(routes=dev.routes()))
        trusted.append(trust(dev.issuer, httpx2.AsyncClient(transport=in_process, timeout=FETCH_TIMEOUT)))
    if not trusted:
        raise ConfigurationError(
            "MLG_ISSUERS lists no issuer, so every token would be refused. List at least one; see docs/identity.md."
        )
    check_distinct(tuple(entry.issuer for entry in trusted))
    return Authenticator(trusted, Roles.load(), close_teams, Challenge(metadata_url(settings)))
