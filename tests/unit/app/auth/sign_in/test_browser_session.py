"""What a browser keeps: new random values at each start, and nothing of another release."""

from dataclasses import replace

from app.auth.sign_in.browser_session import (
    BrowserSession,
    IssuedTokens,
    SignInAttempt,
    attempt_of,
    content_of,
    session_of,
)

TOKENS = IssuedTokens("access", "refresh", "identity")


def started() -> BrowserSession:
    """Return a new session."""
    return BrowserSession.start(TOKENS, name="Ada", expires_at=300, now=100.7)


def test_sessions_and_attempts_have_no_value_in_common() -> None:
    """The id and CSRF value of a session, and all secrets of an attempt, are new and long at each start."""
    first, second = started(), started()
    assert first.id != second.id
    assert first.csrf != second.csrf
    attempts = [SignInAttempt.start("/x", 0) for _ in range(2)]
    values = [value for each in attempts for value in (each.state, each.nonce, each.verifier)]
    assert len({*values}) == 6
    assert min(map(len, [*values, first.csrf])) >= 43
    assert (first.ends_at, attempts[0].ends_at) == (100 + 12 * 3600, 600)


def test_a_renewed_session_is_the_same_with_new_tokens() -> None:
    """Id, CSRF value, name, end and ID token stay; without a new refresh token the former one is used again."""
    session = started()
    renewed = session.renewed(IssuedTokens("next", None, None), expires_at=600)
    assert renewed == replace(session, access_token="next", expires_at=600)  # noqa: S106 - no token
    assert session.renewed(IssuedTokens("next", "r2", None), expires_at=600).refresh_token == "r2"  # noqa: S105
    assert session.without_id_token() == replace(session, id_token=None)


def test_values_return_and_others_do_not() -> None:
    """A session and an attempt survive their form as values; those of another release give None."""
    session, attempt = started(), SignInAttempt.start("/x", 0)
    assert session_of(content_of(session)) == session
    assert attempt_of(content_of(attempt)) == attempt
    assert session_of({**content_of(session), "new": 1}) is None
    assert attempt_of({}) is None
