"""The key cache: one fetch for any number of requests, and an answer when the issuer has none.

States by age of the last good fetch: fresh, due (served, refreshed behind the caller's back), expired (the caller waits
for a refresh, unless the issuer is known to be down), too old (503). Time is injected, in seconds, monotonic.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from joserfc.jwk import KeySet

from app.auth.discovery import DiscoveryError
from app.auth.errors import UnavailableError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``cooldown`` separates fetches for unknown key ids, ``retry`` those after a failure."""

    ttl: float = 300
    refresh_at: float = 240
    cooldown: float = 10
    retry: float = 10
    first_retry: float = 1
    max_stale: float = 3_600


class KeyCache:
    """The signing keys of one issuer, fetched by ``fetch``."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySet]],
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._timing = timing or Timing()
        self._clock = clock
        self._keys: KeySet | None = None
        self._kids: frozenset[str | None] = frozenset()
        self._fetched_at = self._tried_at = float("-inf")
        self._failing = False
        self._refreshing: asyncio.Task[None] | None = None

    async def keys_for(self, kid: str | None) -> KeySet:
        """Return the current keys, refreshed first where ``kid`` or their age ask for it; raises UnavailableError."""
        known = self._knows(kid)
        age = self._clock() - self._fetched_at
        if known and age < self._timing.refresh_at:
            return self._current()
        if self._may_fetch():
            self._start()
        usable = age < (self._timing.max_stale if self._failing else self._timing.ttl)
        if self._refreshing and not (known and usable):
            # Shielded: the fetch is everybody's, and one caller who goes away must not end it for the others.
            await asyncio.shield(self._refreshing)
        if self._failing and not self._knows(kid):
            # The key may be new, and nobody can say so now: that is no reason to call the token invalid.
            raise self._unavailable()
        return self._current()

    async def aclose(self) -> None:
        """End a refresh under way."""
        if self._refreshing:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _current(self) -> KeySet:
        if self._keys is None or self._clock() - self._fetched_at > self._timing.max_stale:
            raise self._unavailable()
        return self._keys

    def _unavailable(self) -> UnavailableError:
        wait = max(1, round(self._tried_at + self._pause() - self._clock()))
        return UnavailableError("The issuer's signing keys cannot be had at the moment. Try again later.", wait)

    def _knows(self, kid: str | None) -> bool:
        # A token without a key id is decided by the only key there is (RFC 7515 leaves `kid` optional).
        return self._keys is not None and (kid is None or kid in self._kids)

    def _pause(self) -> float:
        if not self._failing:
            return self._timing.cooldown
        return self._timing.first_retry if self._keys is None else self._timing.retry

    def _may_fetch(self) -> bool:
        return self._refreshing is None and self._clock() - self._tried_at >= self._pause()

    def _start(self) -> None:
        self._tried_at = self._clock()
        self._refreshing = asyncio.create_task(self._refresh(), name="refresh signing keys")

    async def _refresh(self) -> None:
        try:
            keys = await self._fetch()
        except DiscoveryError as error:
            self._failing = True
            log.warning("signing_keys_unavailable", reason=str(error))
        else:
            self._keys, self._kids = keys, frozenset(key.kid for key in keys)
            self._fetched_at, self._failing = self._clock(), False
        finally:
            self._refreshing = None
