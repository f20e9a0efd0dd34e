"""Sign-ins on a clock that the test advances: what belongs together, what is refreshed, and what has ended."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from support.servers.issuer import Clock
from support.servers.sign_in_issuer import SignInIssuer, sessions_of
from support.waiting import until

from app.auth.errors import UnauthenticatedError, UnavailableError
from app.auth.sign_in.browser_session import ATTEMPT_SECONDS, SESSION_SECONDS, BrowserSession
from app.auth.sign_in.errors import SignInRefusedError
from app.auth.sign_in.sessions import MAX_ENDED, REFRESH_BEFORE, Sessions

HOME = "https://graph.example/"


@pytest.fixture
def issuer() -> SignInIssuer:
    """Return an issuer whose access tokens are valid for 600 seconds."""
    return SignInIssuer(Clock())


@pytest.fixture
def sessions(issuer: SignInIssuer) -> Sessions:
    """Return the sign-ins at the issuer."""
    return sessions_of(issuer)


async def signed_in(issuer: SignInIssuer, sessions: Sessions) -> BrowserSession:
    """Return a new session."""
    url, sealed = await sessions.begin("/x?y=1")
    session, path = await sessions.complete(sealed, issuer.agree(url))
    assert path == "/x?y=1"
    return session


def refused(sessions: Sessions, sealed: str) -> bool:
    """Return whether a sealed session does not open."""
    try:
        sessions.open(sealed)
    except UnauthenticatedError as error:
        return "WWW-Authenticate" in error.headers
    return False


async def test_a_person_signs_in(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The session has the name and the expiry of the validated access token, and opens again."""
    session = await signed_in(issuer, sessions)
    now = int(issuer.clock.epoch)
    assert (session.name, session.expires_at, session.ends_at) == ("Ada", now + 600, now + SESSION_SECONDS)
    assert sessions.open(sessions.seal(session)) == session


@pytest.mark.parametrize("sealed", [None, "", "x"])
async def test_a_callback_without_an_attempt_is_refused(
    issuer: SignInIssuer, sessions: Sessions, sealed: str | None
) -> None:
    """A page that leads a browser to the callback with its own code starts no session, and the code stays unused."""
    url, _ = await sessions.begin("/")
    with pytest.raises(SignInRefusedError, match="not begun in this browser"):
        await sessions.complete(sealed, issuer.agree(url))
    assert issuer.forms == []


async def test_attempt_and_state_belong_together(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The state of another attempt, or none, is refused before the issuer gets a request; so is an old attempt."""
    first, second = await sessions.begin("/"), await sessions.begin("/")
    callback = issuer.agree(first[0])
    for wrong in (issuer.agree(second[0]), {"code": callback["code"]}, {**callback, "state": "é"}):
        with pytest.raises(SignInRefusedError, match="not begun"):
            await sessions.complete(first[1], wrong)
    issuer.clock.advance(ATTEMPT_SECONDS)
    with pytest.raises(SignInRefusedError, match="took too long"):
        await sessions.complete(first[1], callback)
    assert issuer.forms == []


async def test_an_attempt_is_completed_once(issuer: SignInIssuer, sessions: Sessions) -> None:
    """A second callback sends nothing to the issuer, also after a first one that failed; the memory is bounded."""
    url, sealed = await sessions.begin("/")
    callback = issuer.agree(url)
    issuer.endpoints_down = True
    with pytest.raises(UnavailableError):
        await sessions.complete(sealed, callback)
    issuer.endpoints_down = False
    sent = len(issuer.forms)
    with pytest.raises(SignInRefusedError, match="was used already"):
        await sessions.complete(sealed, callback)
    assert len(issuer.forms) == sent
    for number in range(MAX_ENDED - 1):
        sessions._completed[str(number)] = 0  # noqa: SLF001 - as many sign-ins take long
    await signed_in(issuer, sessions)
    assert len(sessions._completed) == MAX_ENDED  # noqa: SLF001


async def test_attempts_and_sessions_are_no_substitutes(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The cookie of one does not open as the other."""
    url, sealed = await sessions.begin("/")
    assert refused(sessions, sealed)
    session = await signed_in(issuer, sessions)
    with pytest.raises(SignInRefusedError):
        await sessions.complete(sessions.seal(session), issuer.agree(url))


async def test_an_error_of_the_issuer_is_shown(sessions: Sessions) -> None:
    """A person who declines at the issuer gets its code, if the state is right."""
    url, sealed = await sessions.begin("/")
    state = url.partition("state=")[2].partition("&")[0]
    with pytest.raises(SignInRefusedError, match="access_denied"):
        await sessions.complete(sealed, {"error": "access_denied", "state": state})


@pytest.mark.parametrize("access", [{"aud": "elsewhere"}, {"scope": "openid"}, {"exp": 1}])
async def test_a_token_that_the_api_refuses_is_refused_at_once(
    issuer: SignInIssuer, sessions: Sessions, access: dict[str, Any]
) -> None:
    """A wrong configuration of the client is an error of the sign-in, and not of each request after it."""
    issuer.access = access
    url, sealed = await sessions.begin("/")
    with pytest.raises(SignInRefusedError, match="An operator has to check"):
        await sessions.complete(sealed, issuer.agree(url))


async def test_a_faulty_id_token_is_refused(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The ID token has to have the nonce of the attempt."""
    issuer.identity = {"nonce": "other"}
    url, sealed = await sessions.begin("/")
    with pytest.raises(SignInRefusedError, match="nonce"):
        await sessions.complete(sealed, issuer.agree(url))


async def test_a_session_is_refreshed_before_its_token_expires(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The token is used until a minute before its expiry, and then replaced, with the same id and CSRF value."""
    session = await signed_in(issuer, sessions)
    issuer.clock.advance(600 - REFRESH_BEFORE - 1)
    assert await sessions.current(session) is session
    issuer.clock.advance(1)
    renewed = await sessions.current(session)
    assert renewed.access_token != session.access_token
    assert renewed.expires_at == int(issuer.clock.epoch) + 600
    assert (renewed.id, renewed.csrf, renewed.ends_at) == (session.id, session.csrf, session.ends_at)
    assert await sessions.current(session) == renewed  # a request with the former cookie
    assert [form["grant_type"] for form in issuer.forms] == ["authorization_code", "refresh_token"]


async def test_an_outage_of_the_issuer_ends_no_valid_token(issuer: SignInIssuer, sessions: Sessions) -> None:
    """While the token is valid, it is used; afterwards the response is 503, and a session again with the issuer."""
    session = await signed_in(issuer, sessions)
    issuer.endpoints_down = True
    issuer.clock.advance(599)
    assert await sessions.current(session) == session
    issuer.clock.advance(1)
    with pytest.raises(UnavailableError):
        await sessions.current(session)
    issuer.endpoints_down = False
    assert (await sessions.current(session)).expires_at == int(issuer.clock.epoch) + 600


async def test_a_session_that_cannot_be_refreshed_ends_with_its_token(issuer: SignInIssuer, sessions: Sessions) -> None:
    """Without a refresh token, or with a refused one, the session lasts as long as the access token."""
    issuer.tokens = {"refresh_token": ...}
    without = await signed_in(issuer, sessions)
    issuer.tokens = {}
    refused_one = replace(await signed_in(issuer, sessions), refresh_token="unknown")  # noqa: S106 - no token
    issuer.clock.advance(599)
    assert [await sessions.current(each) for each in (without, refused_one)] == [without, refused_one]
    issuer.clock.advance(1)
    for each in (without, refused_one):
        with pytest.raises(UnauthenticatedError):
            await sessions.current(each)
        with pytest.raises(UnauthenticatedError):
            sessions.unexpired(each)


async def test_a_session_ends_whatever_is_refreshed(issuer: SignInIssuer, sessions: Sessions) -> None:
    """Twelve hours after the sign-in a person has to sign in again."""
    session = await signed_in(issuer, sessions)
    sealed = sessions.seal(session)
    issuer.clock.advance(SESSION_SECONDS - 1)
    assert not refused(sessions, sealed)
    issuer.clock.advance(1)
    assert refused(sessions, sealed)
    assert refused(sessions, sessions.seal(replace(session, access_token="x", expires_at=2**40)))  # noqa: S106 - no token


async def test_an_ended_session_is_refused_with_all_its_cookies(issuer: SignInIssuer, sessions: Sessions) -> None:
    """After a sign-out with a former cookie, former and newest cookies are refused, and the newest token is revoked."""
    session = await signed_in(issuer, sessions)
    other = await signed_in(issuer, sessions)
    issuer.clock.advance(560)
    renewed = await sessions.current(session)
    url = await sessions.end(session, HOME)
    assert url is not None
    assert f"id_token_hint={session.id_token}" in url
    assert issuer.revoked == [renewed.refresh_token]
    assert [refused(sessions, sessions.seal(each)) for each in (session, renewed, other)] == [True, True, False]
    elsewhere = sessions_of(issuer)  # another process, without the sign-out
    issuer.clock.advance(600)
    with pytest.raises(UnauthenticatedError):
        await elsewhere.current(elsewhere.open(sessions.seal(renewed)))


async def test_a_session_that_ends_during_its_refresh_is_refused(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The sign-out waits for the refresh and revokes its token; the request that began it gets no new cookie."""
    session = await signed_in(issuer, sessions)
    issuer.clock.advance(560)
    issuer.gate.clear()
    current = asyncio.create_task(sessions.current(session))

    async def sent() -> bool:
        return len(issuer.forms) == 2

    await until(sent)
    end = asyncio.create_task(sessions.end(session, HOME))
    await asyncio.sleep(0)
    issuer.gate.set()
    with pytest.raises(UnauthenticatedError):
        await current
    await end
    assert issuer.revoked != [session.refresh_token]


async def test_the_memory_of_ended_sessions_is_bounded(issuer: SignInIssuer, sessions: Sessions) -> None:
    """The oldest is dropped; its refresh token stays revoked."""
    session = await signed_in(issuer, sessions)
    issuer.discovery.pop("revocation_endpoint")
    await sessions.end(session, HOME)
    bare = replace(session, refresh_token=None)
    for number in range(MAX_ENDED - 1):
        sessions._ended[str(number)] = 0  # noqa: SLF001 - as many sign-outs take long
    assert refused(sessions, sessions.seal(session))
    await sessions.end(replace(bare, id="last"), HOME)
    assert not refused(sessions, sessions.seal(session))


async def test_a_clock_that_is_set_back_keeps_sessions_within_their_tokens(
    issuer: SignInIssuer, sessions: Sessions
) -> None:
    """A server whose clock is an hour behind refuses the tokens of the issuer itself, whatever the cookie has."""
    session = await signed_in(issuer, sessions)
    issuer.clock.advance(-3_600)
    assert await sessions.current(session) is session
    with pytest.raises(UnauthenticatedError):
        await sessions._authenticate(f"Bearer {session.access_token}")  # noqa: SLF001 - as the API does
