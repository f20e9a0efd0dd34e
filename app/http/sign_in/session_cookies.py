"""The two cookies of a sign-in: the sealed session, in up to two parts, and the sealed attempt before it.

Outside of development, their names have the prefix ``__Host-``. A browser then accepts them over https only, and from
this host alone, not from a sibling under the same domain (RFC 6265bis section 4.1.3).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from app.auth.sign_in.browser_session import ATTEMPT_SECONDS
from app.auth.sign_in.errors import SignInRefusedError

PART_LENGTH: Final = 3_800
"""Characters of one cookie; browsers accept 4,096 with the name."""
MAX_PARTS: Final = 2
"""Cookies of one session. Together they fit into the 8 KiB that proxies accept for one header."""


class SessionCookies:
    """Names, reads and writes the cookies.

    ``secure`` is false in development only. Browsers send the cookies of a host to all its ports, so the names in
    development have the ``port``.
    """

    def __init__(self, *, secure: bool, port: int) -> None:
        name = "__Host-mlg-{}" if secure else f"mlg-{{}}-{port}"
        self._secure = secure
        self._session = [name.format(f"session-{part}") for part in range(MAX_PARTS)]
        self._attempt = name.format("sign-in")

    def session_in(self, cookies: Mapping[str, str]) -> str | None:
        """Return the sealed session of a request, None if there is none."""
        first = cookies.get(self._session[0], "")
        count, text = first[:1], first[1:]
        if not (text and count.isdecimal()):
            return text or None
        return text + "".join(cookies.get(name, "") for name in self._session[1 : int(count)])

    def has_session(self, cookies: Mapping[str, str]) -> bool:
        """Return whether a request has the cookie of a session, valid or not."""
        return self._session[0] in cookies

    def attempt_in(self, cookies: Mapping[str, str]) -> str | None:
        """Return the sealed attempt of a request, None if there is none."""
        return cookies.get(self._attempt)

    def keep_session(self, sealed: str) -> list[str]:
        """Return the values of `Set-Cookie` for a session; raises `SignInRefusedError` if it is too large.

        The cookies end with the browser. `SameSite=Strict` suffices, because only scripts of pages need them.
        """
        parts = [sealed[start : start + PART_LENGTH] for start in range(0, len(sealed), PART_LENGTH)]
        if len(parts) > MAX_PARTS:
            raise SignInRefusedError(
                f"The tokens of the issuer are too large for a cookie: {len(sealed)} characters, at most "
                f"{MAX_PARTS * PART_LENGTH}. An operator has to configure the issuer to send fewer claims."
            )
        parts[0] = f"{len(parts)}{parts[0]}"
        kept = [self._cookie(name, part, "Strict") for name, part in zip(self._session, parts, strict=False)]
        return [*kept, *(self._removal(name, "Strict") for name in self._session[len(parts) :])]

    def drop_session(self) -> list[str]:
        """Return the values of `Set-Cookie` that remove a session."""
        return [self._removal(name, "Strict") for name in self._session]

    def keep_attempt(self, sealed: str) -> str:
        """Return the value of `Set-Cookie` for an attempt; `Lax`, because the issuer leads the browser back."""
        return self._cookie(self._attempt, sealed, "Lax", f"; Max-Age={ATTEMPT_SECONDS}")

    def drop_attempt(self) -> str:
        """Return the value of `Set-Cookie` that removes an attempt."""
        return self._removal(self._attempt, "Lax")

    def _removal(self, name: str, same_site: str) -> str:
        return self._cookie(name, "", same_site, "; Max-Age=0")

    def _cookie(self, name: str, value: str, same_site: str, age: str = "") -> str:
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{age}"


def set_cookie_headers(values: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Return values of `Set-Cookie` as headers of ASGI."""
    return [(b"set-cookie", value.encode("ascii")) for value in values]
