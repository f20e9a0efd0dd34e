"""Renewals: one refresh for concurrent requests, remembered for a while, and repeated after errors."""

import asyncio
from dataclasses import dataclass, field

import pytest
from support.servers.issuer import Clock

from app.auth.errors import UnavailableError
from app.auth.sign_in.browser_session import BrowserSession, IssuedTokens
from app.auth.sign_in.renewals import MAX_REMEMBERED, MEMORY_SECONDS, Renewals

SESSION = BrowserSession.start(IssuedTokens("a0", "r0", None), name="Ada", expires_at=60, now=0)


@dataclass
class Refreshing:
    """Numbers the refreshes; fails or refuses when set so, and waits for ``gate``."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0
    failing: bool = False
    refusing: bool = False

    async def renew(self, session: BrowserSession) -> BrowserSession | None:
        """Return the session with the tokens of the next number."""
        self.count += 1
        number = self.count
        await self.gate.wait()
        if self.failing:
            raise UnavailableError("away")
        return None if self.refusing else session.renewed(IssuedTokens("a", f"r{number}", None), expires_at=600)


@pytest.fixture
def refreshing() -> Refreshing:
    """Return refreshes that do not wait."""
    found = Refreshing()
    found.gate.set()
    return found


async def test_concurrent_requests_send_one_refresh() -> None:
    """A hundred requests of one cookie get one new session, although the first of them was cancelled."""
    refreshing = Refreshing()
    renewals = Renewals(refreshing.renew, lambda: 0.0)
    waiting = [asyncio.create_task(renewals.renewed(SESSION)) for _ in range(100)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    refreshing.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert len({*found[1:]}) == 1
    assert refreshing.count == 1


async def test_a_former_cookie_gets_the_same_session_for_a_while(refreshing: Refreshing) -> None:
    """Within the memory the refresh token is not sent again; afterwards it is."""
    clock = Clock()
    renewals = Renewals(refreshing.renew, lambda: clock.epoch)
    first = await renewals.renewed(SESSION)
    clock.advance(MEMORY_SECONDS)
    assert await renewals.renewed(SESSION) == first
    clock.advance(1)
    assert await renewals.renewed(SESSION) != first
    assert refreshing.count == 2


async def test_a_refusal_is_remembered_and_an_outage_is_not(refreshing: Refreshing) -> None:
    """A refused refresh token is not sent again and again; one that could not be sent is sent by the next request."""
    renewals = Renewals(refreshing.renew, lambda: 0.0)
    refreshing.failing = True
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await renewals.renewed(SESSION)
    refreshing.failing, refreshing.refusing = False, True
    assert [await renewals.renewed(SESSION) for _ in range(2)] == [None, None]
    assert refreshing.count == 3


async def test_the_newest_session_is_found(refreshing: Refreshing) -> None:
    """A former cookie leads to the newest tokens, which a sign-out revokes; an unknown one to itself."""
    renewals = Renewals(refreshing.renew, lambda: 0.0)
    assert await renewals.newest(SESSION) == SESSION
    first = await renewals.renewed(SESSION)
    assert first is not None
    second = await renewals.renewed(first)
    assert await renewals.newest(SESSION) == await renewals.newest(first) == second
    refreshing.refusing = True
    other = BrowserSession.start(IssuedTokens("a", "r", None), name="Bo", expires_at=60, now=0)
    await renewals.renewed(other)
    assert await renewals.newest(other) == other


async def test_the_memory_is_bounded(refreshing: Refreshing) -> None:
    """Many sessions at once drop the oldest."""
    renewals = Renewals(refreshing.renew, lambda: 0.0)
    sessions = [
        BrowserSession.start(IssuedTokens("a", "r", None), name="Ada", expires_at=60, now=0)
        for _ in range(MAX_REMEMBERED + 1)
    ]
    for session in sessions:
        await renewals.renewed(session)
    assert await renewals.newest(sessions[0]) == sessions[0]
    assert await renewals.newest(sessions[-1]) != sessions[-1]
