"""Cookies: their attributes, and sessions in parts."""

from http.cookies import SimpleCookie

import pytest

from app.auth.sign_in.errors import SignInRefusedError
from app.http.sign_in.session_cookies import MAX_PARTS, PART_LENGTH, SessionCookies, set_cookie_headers

PRODUCTION = SessionCookies(secure=True, port=8000)
DEVELOPMENT = SessionCookies(secure=False, port=8001)


def stored(*values: str, before: dict[str, str] | None = None) -> dict[str, str]:
    """Return the cookies that a browser has after it received values of `Set-Cookie`."""
    jar = dict(before or {})
    for value in values:
        ((name, morsel),) = SimpleCookie(value).items()
        jar.pop(name, None)
        if morsel["max-age"] != "0":
            jar[name] = morsel.value
    return jar


def test_attributes_keep_cookies_from_scripts_and_other_sites() -> None:
    """In production each cookie is for this host, https and requests alone; removals have the same attributes."""
    kept = PRODUCTION.keep_session("x" * (PART_LENGTH + 1))
    for value in (*kept, *PRODUCTION.drop_session()):
        assert value.startswith("__Host-mlg-session-")
        assert "; Path=/; HttpOnly; SameSite=Strict; Secure" in value
        assert "Domain" not in value
    for value in (PRODUCTION.keep_attempt("x"), PRODUCTION.drop_attempt()):
        assert value.startswith("__Host-mlg-sign-in=")
        assert "; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=" in value
    assert not any("Max-Age" in value for value in kept)


def test_development_has_no_https() -> None:
    """Cookies are not secure there, and two servers of one machine do not share them."""
    (first, *_) = DEVELOPMENT.keep_session("x")
    assert first == "mlg-session-0-8001=1x; Path=/; HttpOnly; SameSite=Strict"
    other = SessionCookies(secure=False, port=8002)
    assert other.session_in(stored(first)) is None


@pytest.mark.parametrize("length", [1, PART_LENGTH, PART_LENGTH + 1, PART_LENGTH * MAX_PARTS])
def test_a_session_returns_from_its_parts(length: int) -> None:
    """Each cookie is below the limit of browsers, and the session below that of proxies."""
    text = "".join(chr(ord("a") + number % 26) for number in range(length))
    values = PRODUCTION.keep_session(text)
    assert max(len(value.partition(";")[0]) for value in values) <= 4_096
    assert PRODUCTION.session_in(stored(*values)) == text
    assert sum(map(len, stored(*values).values())) < 8_000


def test_a_shorter_session_leaves_nothing_of_a_longer_one() -> None:
    """The second part of an earlier session is removed, and none remains after a removal."""
    jar = stored(*PRODUCTION.keep_session("a" * (PART_LENGTH + 1)))
    jar = stored(*PRODUCTION.keep_session("b"), before=jar)
    assert (PRODUCTION.session_in(jar), len(jar)) == ("b", 1)
    jar = stored(*PRODUCTION.drop_session(), before=jar)
    assert (jar, PRODUCTION.has_session(jar), PRODUCTION.session_in(jar)) == ({}, False, None)


def test_a_session_that_is_too_large_is_refused() -> None:
    """The error says how large it may be, and what an operator can do."""
    with pytest.raises(
        SignInRefusedError, match=r"too large for a cookie: 7601 characters, at most 7600\. An operator"
    ):
        PRODUCTION.keep_session("x" * (PART_LENGTH * MAX_PARTS + 1))


@pytest.mark.parametrize("value", ["", "1", "9x", "2x", "x", "²x", "0x"])
def test_any_value_is_read(value: str) -> None:
    """A value that this server did not set is read as some text, which does not open, or as none."""
    found = PRODUCTION.session_in({"__Host-mlg-session-0": value})
    assert found in {None, "x"}


def test_the_attempt_is_a_cookie_of_its_own() -> None:
    """It is kept, read and removed apart from the session, and written as a header of ASGI."""
    jar = stored(PRODUCTION.keep_attempt("a.b"), *PRODUCTION.keep_session("s"))
    assert (PRODUCTION.attempt_in(jar), PRODUCTION.session_in(jar)) == ("a.b", "s")
    jar = stored(PRODUCTION.drop_attempt(), before=jar)
    assert (PRODUCTION.attempt_in(jar), PRODUCTION.session_in(jar)) == (None, "s")
    assert set_cookie_headers(["a=b"]) == [(b"set-cookie", b"a=b")]
