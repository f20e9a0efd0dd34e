"""Caches the signing keys of an issuer: concurrent requests share one fetch, and an outage is bridged.

The age of the last successful fetch decides, with the limits of `Timing`:

- fresh, below ``refresh_at``: the keys are served;
- due, below ``ttl``: the keys are served and refreshed in the background;
- expired, below ``max_stale``: the caller waits for a refresh, unless the last one failed; the old keys are served if
  the last one failed or this one fails;
- too old: the caller waits for a refresh that runs or may start; unless it succeeds, the request fails with 503.

For a token with an unknown key id, the caller waits for a refresh at any age, unless the last fetch is too recent. If
the last refresh failed, the request fails with 503.
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
    """Limits of a key cache in seconds: ages of the keys, and minimal intervals between the starts of two fetches.

    ``ttl``, ``refresh_at`` and ``max_stale`` are ages. The interval is ``cooldown`` after a success, so that forged key
    ids cause few fetches. After a failure it is ``retry``, or ``first_retry`` if no fetch has succeeded yet.
    """

    ttl: float = 300
    refresh_at: float = 240
    cooldown: float = 10
    retry: float = 10
    first_retry: float = 1
    max_stale: float = 3_600


class KeyCache:
    """The signing keys of one issuer.

    ``fetch`` returns the current keys or raises `DiscoveryError`. ``clock`` returns monotonic seconds.
    """

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
        """Return all keys of the issuer; wait for a fetch if ``kid`` is unknown or the keys have expired.

        Within a minimal interval of `Timing`, no fetch is started. ``kid`` is the key id of the token, None if the
        token has none. A key id that the issuer does not have does not raise: the signature check fails then. Raises
        `UnavailableError` if there are no keys, the keys are too old, or ``kid`` is unknown while the issuer fails.
        """
        known = self._has_key(kid)
        age = self._clock() - self._fetched_at
        if known and age < self._timing.refresh_at:
            return self._usable_keys()
        if self._may_refresh():
            self._start_refresh()
        usable = age < (self._timing.max_stale if self._failing else self._timing.ttl)
        if self._refreshing and not (known and usable):
            # Without the shield, the cancellation of one request would cancel the fetch for all waiting requests.
            await asyncio.shield(self._refreshing)
        if self._failing and not self._has_key(kid):
            # The key may be new. 401 would make clients discard a token that may be valid.
            raise self._unavailable()
        return self._usable_keys()

    async def aclose(self) -> None:
        """Cancel the running refresh, if any."""
        if self._refreshing:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    def _usable_keys(self) -> KeySet:
        if self._keys is None or self._clock() - self._fetched_at > self._timing.max_stale:
            raise self._unavailable()
        return self._keys

    def _unavailable(self) -> UnavailableError:
        wait = max(1, round(self._tried_at + self._min_interval() - self._clock()))
        return UnavailableError("The signing keys of the token's issuer are unavailable. Try again later.", wait)

    def _has_key(self, kid: str | None) -> bool:
        # RFC 7515 leaves `kid` optional: a token without it can be verified if the issuer has a single key.
        return self._keys is not None and (kid is None or kid in self._kids)

    def _min_interval(self) -> float:
        if not self._failing:
            return self._timing.cooldown
        return self._timing.first_retry if self._keys is None else self._timing.retry

    def _may_refresh(self) -> bool:
        return self._refreshing is None and self._clock() - self._tried_at >= self._min_interval()

    def _start_refresh(self) -> None:
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
