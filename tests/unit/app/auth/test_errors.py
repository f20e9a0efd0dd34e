"""Errors of authentication: their status, and the header that the standard of each requires."""

from app.auth.errors import AuthError, Challenge, UnavailableError
from policies.errors import Code

METADATA = "https://graph.example/.well-known/oauth-protected-resource"
CHALLENGE = Challenge(METADATA)


def shown(error: AuthError) -> tuple[int, str, dict[str, str]]:
    """Return what a client gets."""
    return error.status, error.code.value, error.headers


def test_a_request_without_a_token_gets_no_error_code() -> None:
    """The header only says where to find an issuer (RFC 6750 section 3.1, RFC 9728 section 5.1)."""
    error = CHALLENGE.missing()
    assert shown(error) == (401, "UNAUTHENTICATED", {"WWW-Authenticate": f'Bearer resource_metadata="{METADATA}"'})
    assert "Authorization: Bearer" in error.message


def test_an_invalid_token_is_challenged_with_the_reason() -> None:
    """The header and the message have the same reason."""
    error = CHALLENGE.invalid("expired token")
    assert shown(error) == (
        401,
        "UNAUTHENTICATED",
        {
            "WWW-Authenticate": 'Bearer error="invalid_token", error_description="expired token", '
            f'resource_metadata="{METADATA}"'
        },
    )
    assert error.message == (
        "The access token was refused: expired token. Request a new token from an issuer that this server trusts."
    )


def test_a_missing_scope_is_forbidden_and_named() -> None:
    """The status is 403, and the header names the scope to request."""
    error = CHALLENGE.insufficient("graph:write")
    assert shown(error) == (
        403,
        "FORBIDDEN",
        {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="graph:write", resource_metadata="{METADATA}"'},
    )
    assert error.message == "The access token lacks the scope `graph:write`. Request a token with this scope."


def test_unavailable_keys_are_no_fault_of_the_token() -> None:
    """The status is 503 with a time to retry, and no challenge: another token would not help."""
    assert shown(UnavailableError("No keys.")) == (503, "KEYS_UNAVAILABLE", {"Retry-After": "10"})
    stored = UnavailableError("No teams.", retry_after=3, code=Code.STORE_UNAVAILABLE)
    assert shown(stored) == (503, "STORE_UNAVAILABLE", {"Retry-After": "3"})


def test_headers_of_one_error_are_its_own() -> None:
    """A header added to a response does not appear in the next one."""
    shared = {"X": "1"}
    error = AuthError("No.", shared)
    error.headers["Y"] = "2"
    assert shared == {"X": "1"}
    assert AuthError("No.").headers == {}
