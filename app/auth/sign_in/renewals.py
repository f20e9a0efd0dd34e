"""Refreshes the tokens of sessions: once for concurrent requests, and with a memory of what was refreshed lately."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from app.auth.errors import UnavailableError
from app.auth.sign_in.browser_session import BrowserSession

MEMORY_SECONDS: Final = 60
"""Seconds for which a request with the former cookie gets the session that was renewed from it."""
MAX_REMEMBERED: Final = 1_000

Renew = Callable[[BrowserSession], Awaitable[BrowserSession | None]]
"""Returns a session with new tokens, None if the issuer refuses to refresh them; raises `UnavailableError`."""


@dataclass(frozen=True, slots=True)
class _Renewal:
    task: asyncio.Task[BrowserSession | None]
    started_at: float


class Renewals:
    """The renewals of one process; ``now`` returns seconds.

    An issuer may accept a refresh token once, and end the session when it is used again. Requests of one page are
    concurrent and have the same cookie, so each refresh token is sent once.
    """

    def __init__(self, renew: Renew, now: Callable[[], float]) -> None:
        self._renew = renew
        self._now = now
        self._renewals: OrderedDict[bytes, _Renewal] = OrderedDict()

    async def renewed(self, session: BrowserSession) -> BrowserSession | None:
        """Return ``session`` with new tokens; None if the issuer refuses to issue them. Raises `UnavailableError`."""
        self._forget()
        key = _key(session)
        found = self._renewals.get(key)
        if found is None:
            task = asyncio.create_task(self._attempt(key, session), name="renew session")
            found = self._renewals[key] = _Renewal(task, self._now())
        # Without the shield, a client that leaves would cancel the refresh, whose token would be lost to all others.
        return await asyncio.shield(found.task)

    async def newest(self, session: BrowserSession) -> BrowserSession:
        """Return the newest session renewed from ``session``, itself if there is none; wait for a running refresh."""
        found = self._renewals.get(_key(session))
        if found is None:
            return session
        try:
            following = await asyncio.shield(found.task)
        except UnavailableError:
            return session
        return session if following is None or _key(following) == _key(session) else await self.newest(following)

    async def _attempt(self, key: bytes, session: BrowserSession) -> BrowserSession | None:
        completed = False
        try:
            renewed = await self._renew(session)
            completed = True
        finally:
            # After a failure, such as of an issuer that is away, the next request tries again.
            if not completed:
                self._renewals.pop(key, None)
        return renewed

    def _forget(self) -> None:
        limit = self._now() - MEMORY_SECONDS
        while self._renewals:
            first = next(iter(self._renewals.values()))
            if first.started_at >= limit and len(self._renewals) < MAX_REMEMBERED:
                break
            self._renewals.popitem(last=False)


def _key(session: BrowserSession) -> bytes:
    return sha256(f"{session.id} {session.refresh_token}".encode()).digest()
