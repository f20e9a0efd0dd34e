"""Sessions in requests: only with the CSRF value, from a page of this server, over HTTP and WebSocket."""

import secrets
from dataclasses import replace

import pytest
from starlette.requests import HTTPConnection
from support.servers.browser import COOKIES, ORIGIN
from support.servers.issuer import Clock
from support.servers.sign_in_issuer import SignInIssuer, sessions_of

from app.auth.errors import UnauthenticatedError
from app.auth.sign_in.browser_session import BrowserSession, IssuedTokens
from app.auth.sign_in.errors import CrossSiteError, SignInRefusedError
from app.http.sign_in.session_cookies import MAX_PARTS, PART_LENGTH
from app.http.sign_in.session_guard import SessionGuard, cookies_of, origin_of

FOREIGN_ORIGINS = ["https://evil.example", "https://graph.example.evil.example", "http://graph.example", "null", ""]
FOREIGN_ORIGINS += ["https://graph.example:8443", "https://sub.graph.example"]


@pytest.fixture
def issuer() -> SignInIssuer:
    """Return an issuer."""
    return SignInIssuer(Clock())


@pytest.fixture
def guard(issuer: SignInIssuer) -> SessionGuard:
    """Return a guard."""
    return SessionGuard(sessions_of(issuer), COOKIES, ORIGIN)


@pytest.fixture
def session(issuer: SignInIssuer) -> BrowserSession:
    """Return a session."""
    now = issuer.clock.epoch
    return BrowserSession.start(IssuedTokens("a", "r", "i"), name="Ada", expires_at=int(now) + 600, now=now)


def connection(cookies: list[str], **headers: str) -> HTTPConnection:
    """Return a request with values of `Set-Cookie` as its cookies, each in a header of its own."""
    sent = [("cookie", value.partition(";")[0]) for value in cookies]
    sent += [(name.replace("_", "-"), value) for name, value in headers.items()]
    scope = {"type": "http", "headers": [(name.encode(), value.encode("utf-8")) for name, value in sent]}
    return HTTPConnection(scope)


def test_a_request_of_an_own_page_has_its_session(guard: SessionGuard, session: BrowserSession) -> None:
    """With the CSRF value, and with the headers that browsers send or without them, the session is returned."""
    kept = guard.kept(session)
    for headers in ({}, {"origin": ORIGIN}, {"origin": ORIGIN, "sec_fetch_site": "same-origin"}):
        assert guard.protected(connection(kept, **headers), session.csrf) == session
    assert guard.has_session(connection(kept))
    assert not guard.has_session(connection([]))


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_request_of_another_origin_is_refused(guard: SessionGuard, session: BrowserSession, origin: str) -> None:
    """Also with the right CSRF value, so that a value that leaked is of no use to a page."""
    with pytest.raises(CrossSiteError, match=ORIGIN):
        guard.protected(connection(guard.kept(session), origin=origin), session.csrf)
    with pytest.raises(CrossSiteError):
        guard.opened(connection(guard.kept(session), origin=origin))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "other"])
def test_a_request_of_another_site_is_refused(guard: SessionGuard, session: BrowserSession, site: str) -> None:
    """A sibling under the same domain, to whose requests the browser adds the cookie, is another page as well."""
    with pytest.raises(CrossSiteError):
        guard.protected(connection(guard.kept(session), sec_fetch_site=site), session.csrf)


@pytest.mark.parametrize("csrf", [None, "", "x", "é", "\ud800"])
def test_a_request_without_the_value_is_refused(guard: SessionGuard, session: BrowserSession, csrf: str | None) -> None:
    """The error says where the value is; a value of another session is wrong, too."""
    with pytest.raises(CrossSiteError, match="GET /session"):
        guard.protected(connection(guard.kept(session)), csrf)
    other = BrowserSession.start(IssuedTokens("a", None, None), name="Ada", expires_at=2**40, now=0)
    with pytest.raises(CrossSiteError):
        guard.protected(connection(guard.kept(session)), other.csrf)


def test_a_request_without_a_valid_session_is_unauthenticated(guard: SessionGuard, session: BrowserSession) -> None:
    """A changed cookie, one of its two parts, parts of two sessions, or none, is no session."""
    noise = secrets.token_urlsafe(3_000)
    first, second = (guard.kept(replace(session, access_token=noise, name=name)) for name in ("Ada", "Bo"))
    assert guard.opened(connection(first)).name == "Ada"
    for cookies in ([], ["__Host-mlg-session-0=1x"], first[:1], first[1:], [first[0], second[1]]):
        with pytest.raises(UnauthenticatedError):
            guard.protected(connection(cookies), session.csrf)


def test_a_websocket_needs_the_origin(guard: SessionGuard, session: BrowserSession) -> None:
    """Browsers apply no rule of other origins to WebSockets, so a handshake without the own origin is refused."""
    kept = guard.kept(session)
    assert guard.socket_authorization(connection(kept, origin=ORIGIN), session.csrf) == "Bearer a"
    assert guard.socket_authorization(connection([], origin="https://evil.example"), None) is None
    for headers in ({}, *({"origin": origin} for origin in FOREIGN_ORIGINS)):
        with pytest.raises(CrossSiteError, match="WebSocket"):
            guard.socket_authorization(connection(kept, **headers), session.csrf)
    with pytest.raises(CrossSiteError, match="CSRF"):
        guard.socket_authorization(connection(kept, origin=ORIGIN), None)


def test_a_websocket_ends_with_its_token(guard: SessionGuard, session: BrowserSession, issuer: SignInIssuer) -> None:
    """A handshake cannot set a new cookie, so an expired token is not refreshed."""
    issuer.clock.advance(600)
    with pytest.raises(UnauthenticatedError):
        guard.socket_authorization(connection(guard.kept(session), origin=ORIGIN), session.csrf)


def test_the_id_token_is_left_out_if_it_does_not_fit(guard: SessionGuard, session: BrowserSession) -> None:
    """A session whose other tokens fit is kept; one whose access token alone is too large is an error."""
    noise = secrets.token_urlsafe(PART_LENGTH * MAX_PARTS)
    kept = guard.kept(replace(session, id_token=noise))
    assert guard.opened(connection(kept)) == session.without_id_token()
    with pytest.raises(SignInRefusedError, match="too large"):
        guard.kept(replace(session, access_token=noise))


def test_origins_are_written_as_browsers_write_them() -> None:
    """The default port and capitals are left out."""
    assert [origin_of(url) for url in ("https://G.example:443", "http://a:80", "http://a:8000", "https://a:80")] == [
        "https://g.example",
        "http://a",
        "http://a:8000",
        "https://a:80",
    ]


@pytest.mark.parametrize("space", ["\u00a0", "\u0085", "\x0b", "\x1f"])
def test_a_cookie_of_a_sibling_is_no_cookie_of_this_host(
    guard: SessionGuard, session: BrowserSession, space: str
) -> None:
    """Browsers keep `__Host-` for this host, but not such a name behind what Python takes for a space, or after one."""
    kept = [value.partition(";")[0] for value in guard.kept(session)]
    for imitated in (f"{space}{kept[0]}", kept[0].replace("=", f"{space}=", 1)):
        sent = HTTPConnection({"type": "http", "headers": [(b"cookie", imitated.encode("latin-1"))]})
        assert not guard.has_session(sent)
        planted = imitated.partition("=")[0] + "=1x"
        both = HTTPConnection({"type": "http", "headers": [(b"cookie", f"{kept[0]}; {planted}".encode("latin-1"))]})
        assert guard.opened(both) == session


def test_cookies_are_read_strictly() -> None:
    """Names are compared as they are sent, values may have `=`, and a name that occurs twice is not read."""
    assert cookies_of(connection(["a=1", "b=2"])) == {"a": "1", "b": "2"}
    line = 'a="x=1" ;\tb = 2; c; =d; e=1; e=1; B=3; f=1; f=2; f=3; g='
    sent = HTTPConnection({"type": "http", "headers": [(b"cookie", line.encode())]})
    assert cookies_of(sent) == {"a": '"x=1"', "b": "2", "": "d", "B": "3", "g": ""}
