"""Codes of the development issuer: for its one client, with PKCE, for a minute, and once."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # Authlib ships no types
from support.servers.issuer import Clock

from app.auth.dev_issuer import CLIENT_ID, DevIssuer
from app.auth.personas import persona
from app.auth.sign_in.dev_grants import ACCESS_SECONDS, CODE_SECONDS, DevGrants, GrantRefusedError
from app.settings import Settings
from policies.errors import InvalidError

CALLBACK = "http://127.0.0.1:8000/sign-in/callback"
VERIFIER = "v" * 64
PARAMETERS = {
    "client_id": CLIENT_ID,
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "code_challenge_method": "S256",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "state": "s&=",
    "nonce": "n",
}


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def grants(tmp_path: Path, clock: Clock) -> DevGrants:
    """Return the grants of a new development issuer."""
    return DevGrants(DevIssuer(Settings.from_env({"MLG_DATA_DIR": str(tmp_path)})), CALLBACK, lambda: clock.epoch)


def code_form(grants: DevGrants, **changes: str) -> dict[str, str]:
    """Return the form that redeems a new code of bo, with changes."""
    url = grants.redirect_url(grants.checked_request(PARAMETERS), persona("bo"))
    found = parse_qs(urlsplit(url).query)
    assert (url.partition("?")[0], found["state"], found["iss"]) == (CALLBACK, ["s&="], [grants.issuer.url])
    form = {"grant_type": "authorization_code", "code": found["code"][0], "redirect_uri": CALLBACK}
    return {**form, "client_id": CLIENT_ID, "code_verifier": VERIFIER, **changes}


def refusal(grants: DevGrants, form: dict[str, str]) -> str:
    """Return the error code for a form."""
    with pytest.raises(GrantRefusedError) as refused:
        grants.respond(form)
    return str(refused.value)


def test_a_code_gives_tokens_once(grants: DevGrants) -> None:
    """A second use of a code is refused."""
    form = code_form(grants)
    assert grants.respond(form).keys() >= {"access_token", "id_token", "refresh_token"}
    assert refusal(grants, form) == "invalid_grant"


def test_a_code_is_valid_for_a_minute(grants: DevGrants, clock: Clock) -> None:
    """An old code is refused."""
    form = code_form(grants)
    clock.advance(CODE_SECONDS)
    assert refusal(grants, form) == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:8000/"}, "invalid_grant"),
        ({"code": "x"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_another_client_gets_nothing(grants: DevGrants, change: dict[str, str], error: str) -> None:
    """Without the verifier, the callback or the id of the client, a code is of no use, and is used up."""
    form = code_form(grants)
    assert refusal(grants, {**form, **change}) == error
    if error == "invalid_grant" and "code" not in change:
        assert refusal(grants, form) == "invalid_grant"


def test_a_refresh_token_is_no_code_and_expires(grants: DevGrants, clock: Clock) -> None:
    """It gives tokens of the same persona until twelve hours after the sign-in, however often it is refreshed."""
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID}
    refresh = str(grants.respond(code_form(grants))["refresh_token"])
    assert refusal(grants, code_form(grants, code=refresh)) == "invalid_grant"
    clock.advance(12 * 3_600 - 1)
    following = grants.respond({**form, "refresh_token": refresh})
    assert following["expires_in"] == ACCESS_SECONDS
    clock.advance(1)
    assert refusal(grants, {**form, "refresh_token": str(following["refresh_token"])}) == "invalid_grant"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "other"),
        ("redirect_uri", "http://127.0.0.1:8000/sign-in/callback/"),
        ("redirect_uri", "https://evil.example"),
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
        ("code_challenge", "short"),
        ("code_challenge", ""),
    ],
)
def test_a_request_of_another_client_is_refused(grants: DevGrants, name: str, value: str) -> None:
    """A code is sent to the callback of this server only, and with a challenge only; the error names the parameter."""
    with pytest.raises(InvalidError, match=f"`{name}`"):
        grants.checked_request({**PARAMETERS, name: value})
