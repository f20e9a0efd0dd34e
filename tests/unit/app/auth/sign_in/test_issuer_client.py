"""Requests to the issuer: what the standards prescribe is sent, and each failure is a refusal or an outage."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.servers.issuer import URL, Clock
from support.servers.sign_in_issuer import CALLBACK, CLIENT, SignInIssuer, issuer_client
from support.waiting import until

from app.auth.errors import UnavailableError
from app.auth.sign_in.browser_session import SignInAttempt
from app.auth.sign_in.errors import SignInRefusedError
from app.auth.sign_in.issuer_client import (
    MAX_METADATA_SECONDS,
    MAX_SESSION_REQUESTS,
    MAX_SIGN_INS,
    METADATA_SECONDS,
    RETRY_SECONDS,
    refused_by_issuer,
)

ATTEMPT = SignInAttempt.start("/x", Clock().epoch)


@pytest.fixture
def issuer() -> SignInIssuer:
    """Return an issuer."""
    return SignInIssuer(Clock())


async def test_a_code_is_redeemed_with_the_verifier(issuer: SignInIssuer) -> None:
    """The address has the challenge and not the verifier; the code gives tokens once."""
    client = issuer_client(issuer)
    url = await client.authorization_url(ATTEMPT)
    assert ATTEMPT.verifier not in url
    assert "scope=openid+graph%3Aread" in url
    callback = issuer.agree(url)
    tokens = await client.redeem(ATTEMPT, callback)
    assert tokens.access.count(".") == 2
    assert (tokens.refresh is not None, tokens.identity is not None) == (True, True)
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        await client.redeem(ATTEMPT, callback)


async def test_a_code_of_another_attempt_is_refused(issuer: SignInIssuer) -> None:
    """Without the verifier, a code that was stolen or injected is of no use."""
    client = issuer_client(issuer)
    callback = issuer.agree(await client.authorization_url(ATTEMPT))
    with pytest.raises(SignInRefusedError):
        await client.redeem(SignInAttempt.start("/x", 0), callback)


async def test_another_issuer_in_the_callback_is_refused(issuer: SignInIssuer) -> None:
    """`iss` has to be the issuer if it is there, and has to be there if the issuer announces it (RFC 9207)."""
    callback = issuer.agree(await issuer_client(issuer).authorization_url(ATTEMPT))
    with pytest.raises(SignInRefusedError, match="another issuer"):
        await issuer_client(issuer).redeem(ATTEMPT, {**callback, "iss": "https://other.example"})
    issuer.discovery["authorization_response_iss_parameter_supported"] = True
    with pytest.raises(SignInRefusedError, match="another issuer"):
        await issuer_client(issuer).redeem(ATTEMPT, callback)
    assert await issuer_client(issuer).redeem(ATTEMPT, {**callback, "iss": URL})


async def test_a_refresh_token_is_used_and_revoked(issuer: SignInIssuer) -> None:
    """A refresh gives new tokens without a scope of its own; a revoked token gives none."""
    client = issuer_client(issuer)
    tokens = await client.redeem(ATTEMPT, issuer.agree(await client.authorization_url(ATTEMPT)))
    assert tokens.refresh is not None
    following = await client.refresh(tokens.refresh)
    assert issuer.forms[-1] == {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
    assert following.refresh is not None
    await client.revoke(following.refresh)
    assert issuer.revoked == [following.refresh]
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        await client.refresh(following.refresh)


async def test_a_token_that_is_not_revoked_is_logged(issuer: SignInIssuer) -> None:
    """An operator reads that a copied cookie can still be refreshed: without an endpoint, or if it fails."""
    issuer.endpoints_down = True
    with capture_logs() as failed:
        await issuer_client(issuer).revoke("r")
    del issuer.discovery["revocation_endpoint"]
    with capture_logs() as without:
        await issuer_client(issuer).revoke("r")
    for lines, reason in ((failed, "cannot be reached"), (without, "no revocation_endpoint")):
        (line,) = (each for each in lines if each["event"] == "refresh_token_not_revoked")
        assert (line["log_level"], reason in line["reason"]) == ("warning", True)


async def test_the_end_of_the_session_names_it(issuer: SignInIssuer) -> None:
    """The address has the ID token, the client and the way back; without an endpoint there is none."""
    client = issuer_client(issuer)
    assert await client.sign_out_url("i.d.t", "https://graph.example/") == (
        f"{URL}/end?id_token_hint=i.d.t&client_id={CLIENT}&post_logout_redirect_uri=https%3A%2F%2Fgraph.example%2F"
    )
    assert "id_token_hint" not in str(await client.sign_out_url(None, CALLBACK))
    del issuer.discovery["end_session_endpoint"]
    assert await issuer_client(issuer).sign_out_url(None, CALLBACK) is None


@pytest.mark.parametrize(
    "change", [{"access_token": ...}, {"access_token": 7}, {"token_type": "DPoP"}, {"token_type": ...}]
)
async def test_a_response_without_a_bearer_token_is_refused(issuer: SignInIssuer, change: dict[str, Any]) -> None:
    """A token that is bound to a key, or none at all, is an error of the issuer's configuration."""
    issuer.tokens = change
    client = issuer_client(issuer)
    with pytest.raises(SignInRefusedError, match="no bearer token"):
        await client.redeem(ATTEMPT, issuer.agree(await client.authorization_url(ATTEMPT)))


@pytest.mark.parametrize("body", [[], [7], "text", 7, None, True, b"[" * 20_000 + b"]" * 20_000], ids=lambda _: "")
async def test_a_token_response_that_is_no_object_is_an_outage(issuer: SignInIssuer, body: Any) -> None:
    """The response of a faulty issuer is never an error of this server, whatever JSON it is."""
    client = issuer_client(issuer)
    callback = issuer.agree(await client.authorization_url(ATTEMPT))
    issuer.body = body
    with pytest.raises(UnavailableError):
        await client.redeem(ATTEMPT, callback)


@pytest.mark.parametrize("odd", [[1], {"a": 1}, "soon", "9" * 400, True], ids=str)
@pytest.mark.parametrize("name", ["expires_in", "expires_at", "scope"])
async def test_an_odd_value_beside_a_token_is_ignored_or_an_outage(issuer: SignInIssuer, name: str, odd: Any) -> None:
    """Values that the sign-in does not use cause no other error than an outage."""
    client = issuer_client(issuer)
    callback = issuer.agree(await client.authorization_url(ATTEMPT))
    issuer.tokens = {"access_token": "t", name: odd}
    with suppress(UnavailableError):
        assert (await client.redeem(ATTEMPT, callback)).access == "t"


async def test_an_outage_is_no_refusal(issuer: SignInIssuer) -> None:
    """An issuer that is down, or sends no JSON, gives 503; a revocation only logs it."""
    client = issuer_client(issuer)
    callback = issuer.agree(await client.authorization_url(ATTEMPT))
    issuer.endpoints_down = True
    with pytest.raises(UnavailableError) as unavailable:
        await client.redeem(ATTEMPT, callback)
    assert unavailable.value.status == 503
    await client.revoke("r")
    issuer.down = True
    with pytest.raises(UnavailableError):
        await issuer_client(issuer).authorization_url(ATTEMPT)
    assert await issuer_client(issuer).sign_out_url(None, CALLBACK) is None


@pytest.mark.parametrize("address", [7, "http://issuer.example/token", "javascript:alert(1)", "https://a@b/"])
async def test_an_endpoint_that_is_no_safe_url_is_refused(issuer: SignInIssuer, address: Any) -> None:
    """A discovery document cannot lead a browser or a secret to an address without https."""
    issuer.discovery["authorization_endpoint"] = address
    with pytest.raises(UnavailableError):
        await issuer_client(issuer).authorization_url(ATTEMPT)


async def test_the_discovery_document_is_fetched_again_later(issuer: SignInIssuer) -> None:
    """Endpoints are those of the last five minutes."""
    client = issuer_client(issuer)
    await client.authorization_url(ATTEMPT)
    issuer.discovery["authorization_endpoint"] = f"{URL}/moved"
    assert (await client.authorization_url(ATTEMPT)).startswith(f"{URL}/authorize?")
    issuer.clock.advance(METADATA_SECONDS + 1)
    assert (await client.authorization_url(ATTEMPT)).startswith(f"{URL}/moved?")


async def test_an_older_discovery_document_is_used_in_an_outage(issuer: SignInIssuer) -> None:
    """For a day, people sign in and out while the document cannot be fetched; it is tried again, but not each time."""
    client = issuer_client(issuer)
    await client.authorization_url(ATTEMPT)
    issuer.down = True
    issuer.clock.advance(METADATA_SECONDS + 1)
    with capture_logs() as lines:
        for _ in range(3):
            assert await client.authorization_url(ATTEMPT)
    assert [line["event"] for line in lines] == ["sign_in_discovery_not_renewed"]
    issuer.down = False
    issuer.discovery["authorization_endpoint"] = f"{URL}/moved"
    issuer.clock.advance(RETRY_SECONDS + 1)
    assert (await client.authorization_url(ATTEMPT)).startswith(f"{URL}/moved?")
    issuer.down = True
    issuer.clock.advance(MAX_METADATA_SECONDS + 1)
    with pytest.raises(UnavailableError):
        await client.authorization_url(ATTEMPT)


async def held(issuer: SignInIssuer, requests: list[asyncio.Task[Any]], count: int) -> None:
    """Wait until the issuer has ``count`` of the requests, which it answers when its gate is opened."""

    async def all_sent() -> bool:
        return len(issuer.forms) == count

    assert len(requests) >= count
    await until(all_sent)


async def test_concurrent_sign_ins_are_bounded(issuer: SignInIssuer) -> None:
    """Anyone can begin a sign-in, so the issuer gets a bounded number of codes at once; the others are refused."""
    client = issuer_client(issuer)
    issuer.gate.clear()
    waiting = [asyncio.create_task(client.redeem(ATTEMPT, {"code": "x"})) for _ in range(MAX_SIGN_INS)]
    await held(issuer, waiting, MAX_SIGN_INS)
    for _ in range(5):
        with pytest.raises(UnavailableError, match="Too many people"):
            await client.redeem(ATTEMPT, {"code": "x"})
    issuer.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in found} == {SignInRefusedError}
    with pytest.raises(SignInRefusedError):
        await client.redeem(ATTEMPT, {"code": "x"})


async def test_sign_ins_hinder_no_session(issuer: SignInIssuer) -> None:
    """While callbacks of anyone take all slots of sign-ins, sessions are refreshed, revoked and ended."""
    client = issuer_client(issuer)
    tokens = await client.redeem(ATTEMPT, issuer.agree(await client.authorization_url(ATTEMPT)))
    assert tokens.refresh is not None
    issuer.forms.clear()
    issuer.gate.clear()
    waiting: list[asyncio.Task[Any]] = [
        asyncio.create_task(client.redeem(ATTEMPT, {"code": "x"})) for _ in range(MAX_SIGN_INS)
    ]
    await held(issuer, waiting, MAX_SIGN_INS)
    await client.revoke("other")
    assert issuer.revoked == ["other"]
    assert await client.sign_out_url(None, CALLBACK) is not None
    issuer.forms.pop()
    waiting.append(asyncio.create_task(client.refresh(tokens.refresh)))
    await held(issuer, waiting, MAX_SIGN_INS + 1)
    issuer.gate.set()
    assert (await waiting.pop()).refresh is not None
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_concurrent_requests_of_sessions_wait(issuer: SignInIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The issuer gets a bounded number at once; further ones wait, and are an outage at their deadline."""
    client = issuer_client(issuer)
    issuer.gate.clear()
    waiting: list[asyncio.Task[Any]] = [
        asyncio.create_task(client.refresh("x")) for _ in range(MAX_SESSION_REQUESTS + 5)
    ]
    await held(issuer, waiting, MAX_SESSION_REQUESTS)
    with monkeypatch.context() as patched:
        patched.setattr("app.auth.sign_in.issuer_client.DEADLINE_SECONDS", 0.01)
        with pytest.raises(UnavailableError):
            await client.refresh("x")
    assert len(issuer.forms) == MAX_SESSION_REQUESTS
    issuer.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in found} == {SignInRefusedError}
    assert len(issuer.forms) == MAX_SESSION_REQUESTS + 5


@pytest.mark.parametrize(
    ("code", "shown"), [("access_denied", "access_denied"), ("<b>", "without a code"), ("", "without a code")]
)
def test_an_error_of_the_callback_quotes_only_codes(code: str, shown: str) -> None:
    """The text of an error comes from the address, which anyone can write."""
    refused = refused_by_issuer({"error": code, "error_description": "call 555"})
    assert refused is not None
    assert refused.message == f"The issuer refused the sign-in ({shown}). Sign in again."
    assert refused_by_issuer({"code": "x"}) is None
