"""Authenticates requests of pages by the cookie of a session, only if a page of this server sent them.

A browser adds the cookie by itself. What no other page can add is the CSRF value, which only `GET /session` returns, to
pages of this server. `Origin` and `Sec-Fetch-Site`, which no script can set, are compared as well. A bearer token
always takes precedence: with an `Authorization` header the cookie is not read.
"""

import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from app.auth.sign_in.browser_session import BrowserSession
from app.auth.sign_in.errors import CrossSiteError, SignInRefusedError
from app.auth.sign_in.sessions import Sessions
from app.http.sign_in.session_cookies import SessionCookies

CSRF_HEADER: Final = "X-CSRF-Token"


def origin_of(url: str) -> str:
    """Return the origin of a URL as a browser sends it: in lower case, without the default port."""
    parts = urlsplit(url.lower())
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.netloc.removesuffix(f':{default}')}"


@dataclass(frozen=True, slots=True)
class SessionGuard:
    """Reads sessions from requests; ``origin`` is that of the pages of this server."""

    sessions: Sessions
    cookies: SessionCookies
    origin: str

    def has_session(self, connection: HTTPConnection) -> bool:
        """Return whether a request has the cookie of a session, valid or not."""
        return self.cookies.has_session(cookies_of(connection))

    def opened(self, connection: HTTPConnection) -> BrowserSession:
        """Return the session of a request by a page of this server; the CSRF value is not checked.

        Raises `CrossSiteError` if another page sent the request, `UnauthenticatedError` without a valid session.
        """
        origin, site = (connection.headers.get(name) for name in ("origin", "sec-fetch-site"))
        if origin not in {None, self.origin} or site not in {None, "same-origin", "none"}:
            raise CrossSiteError(
                f"A page of another origin than {self.origin} may not use the sign-in. Send a bearer token from there."
            )
        return self.sessions.open(self.cookies.session_in(cookies_of(connection)) or "")

    def protected(self, connection: HTTPConnection, csrf: str | None) -> BrowserSession:
        """Return the session as :meth:`opened`; raises `CrossSiteError` also if ``csrf`` is not its CSRF value."""
        session = self.opened(connection)
        if not hmac.compare_digest((csrf or "").encode("utf-8", "surrogatepass"), session.csrf.encode()):
            raise CrossSiteError(
                f"A request with the cookie of a sign-in needs its CSRF value. Send `csrf` of `GET /session` as "
                f"`{CSRF_HEADER}`, over a WebSocket in the payload of `connection_init`."
            )
        return session

    def socket_authorization(self, connection: HTTPConnection, csrf: str | None) -> str | None:
        """Return the ``Authorization`` value for a WebSocket with a session; None for one without.

        Raises the errors of `protected`. The handshake needs the `Origin` of this server, because a WebSocket is not
        subject to the rules of browsers for requests to other origins.
        """
        if not self.has_session(connection):
            return None
        if connection.headers.get("origin") != self.origin:
            raise CrossSiteError(
                f"Only pages of {self.origin} may open a WebSocket with the cookie of a sign-in. Send a bearer token "
                "in `connection_init` from elsewhere."
            )
        return f"Bearer {self.sessions.unexpired(self.protected(connection, csrf)).access_token}"

    def kept(self, session: BrowserSession) -> list[str]:
        """Return the values of `Set-Cookie` for a session.

        The ID token, which only names the session at sign-out, is left out if it would not fit. Raises
        `SignInRefusedError` if the other tokens do not fit.
        """
        try:
            return self.cookies.keep_session(self.sessions.seal(session))
        except SignInRefusedError:
            return self.cookies.keep_session(self.sessions.seal(session.without_id_token()))


def cookies_of(connection: HTTPConnection) -> dict[str, str]:
    """Return the cookies of a request; HTTP/2 may send them in several headers.

    Around a name, only spaces and tabs are left out, as browsers do: a sibling under the domain could otherwise set a
    cookie whose name becomes one with `__Host-`. A name that occurs twice is left out, because one is not of this host.
    """
    headers: Headers = connection.headers
    found: dict[str, str] = {}
    twice: set[str] = set()
    for pair in "; ".join(headers.getlist("cookie")).split(";"):
        name, equals, value = (part.strip(" \t") for part in pair.partition("="))
        if not equals:
            continue
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}
