"""The routes of the sign-in, from the first redirect to the end of the session at the issuer."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from support.page_blocks import page_blocks
from support.servers.browser import COOKIES, ORIGIN, browsing, client_of
from support.servers.issuer import URL, Clock
from support.servers.sign_in_issuer import SignInIssuer, sessions_of
from support.waiting import until

from app.auth.sign_in.issuer_client import MAX_SIGN_INS
from app.http.middleware import ErrorMiddleware, RequestIdMiddleware
from app.http.sign_in.session_guard import SessionGuard
from app.http.sign_in.sign_in_routes import sign_in_routes

SIGNED_OUT = {"signedIn": False, "name": None, "csrf": None, "signIn": "/sign-in"}


async def test_a_person_signs_in_and_out() -> None:
    """The state of the session before, meanwhile and after; the end leads to the issuer, which is asked to revoke."""
    async with browsing() as browser:
        assert await browser.session() == SIGNED_OUT
        csrf = await browser.sign_in()
        assert await browser.session() == {"signedIn": True, "name": "Ada", "csrf": csrf, "signIn": "/sign-in"}
        ended = await browser.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
        assert ended.json()["signedIn"] is False
        assert ended.json()["next"].startswith(f"{URL}/end?id_token_hint=")
        assert "post_logout_redirect_uri=https%3A%2F%2Fgraph.example%2F&" in f"{ended.json()['next']}&"
        assert len(browser.issuer.revoked) == 1
        assert await browser.session() == SIGNED_OUT


async def test_the_page_has_the_responses() -> None:
    """docs/sign-in.md shows the members of each response."""
    before, after, ended = (
        json.loads(block.text) for block in page_blocks("docs/sign-in.md") if block.language == "json"
    )
    assert before == SIGNED_OUT
    async with browsing() as browser:
        csrf = await browser.sign_in()
        assert (await browser.session()).keys() == after.keys()
        response = await browser.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
        assert response.json().keys() == ended.keys()


async def test_redirects_are_not_kept_and_have_no_referrer() -> None:
    """The addresses have a state and a code, which neither a cache nor another server gets."""
    async with browsing() as browser:
        begun = await browser.http.get("/sign-in")
        returned = await browser.http.get("/sign-in/callback", params=browser.issuer.agree(begun.headers["location"]))
        for response in (begun, returned):
            assert response.status_code == 302
            assert (response.headers["cache-control"], response.headers["referrer-policy"]) == (
                "no-store",
                "no-referrer",
            )


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil.example", "/sign-in"])
async def test_the_browser_is_led_to_own_paths_only(path: str) -> None:
    """Another address is refused before the issuer is involved, by a page."""
    async with browsing() as browser:
        response = await browser.http.get("/sign-in", params={"return": path})
        assert (response.status_code, response.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert "location" not in response.headers
        assert "evil" not in response.text


async def test_a_callback_of_another_browser_is_refused() -> None:
    """An attacker leads a person to the callback with a code of the attacker: refused, before and during a sign-in."""
    async with browsing() as attacker, browsing() as victim:
        callback = await attacker.begin()
        for _ in range(2):
            response = await victim.http.get("/sign-in/callback", params=callback)
            assert (response.status_code, "not begun in this browser" in response.text) == (400, True)
            assert "set-cookie" not in response.headers
            await victim.begin()
        assert (await victim.session())["signedIn"] is False


async def test_a_callback_is_used_once() -> None:
    """The attempt is removed with its use; with the attempt put back, the process refuses it."""
    async with browsing() as browser:
        callback = await browser.begin()
        attempt = dict(browser.http.cookies)
        assert (await browser.http.get("/sign-in/callback", params=callback)).status_code == 302
        assert (await browser.http.get("/sign-in/callback", params=callback)).status_code == 400
        browser.http.cookies.update(attempt)
        again = await browser.http.get("/sign-in/callback", params=callback)
        assert (again.status_code, "used already" in again.text) == (400, True)


@pytest.mark.parametrize("network", ["192.0.2.1", "2001:db8:0:1::{:x}"])
async def test_one_address_does_not_take_all_sign_ins(network: str) -> None:
    """While callbacks of one address, or of one IPv6 network, wait for the issuer, a person elsewhere signs in."""
    issuer = SignInIssuer(Clock())
    app = Starlette(
        routes=sign_in_routes(
            SessionGuard(sessions_of(issuer), COOKIES, ORIGIN), ORIGIN, "/", canonical_host=False, proxies=()
        ),
        middleware=[Middleware(RequestIdMiddleware), Middleware(ErrorMiddleware)],
    )

    def client(address: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=(address, 1)), base_url=ORIGIN)

    async def callback(http: httpx2.AsyncClient, **given: str) -> httpx2.Response:
        begun = await http.get("/sign-in")
        return await http.get("/sign-in/callback", params=issuer.agree(begun.headers["location"]) | given)

    async with AsyncExitStack() as stack:
        attackers = [await stack.enter_async_context(client(network.format(number))) for number in range(MAX_SIGN_INS)]
        begun = [await http.get("/sign-in") for http in attackers]
        issuer.gate.clear()
        sent = [
            asyncio.create_task(
                http.get("/sign-in/callback", params={**issuer.agree(each.headers["location"]), "code": "x"})
            )
            for http, each in zip(attackers, begun, strict=True)
        ]
        await until(lambda: len(issuer.forms) == MAX_SIGN_INS // 2)
        person = await stack.enter_async_context(client("192.0.2.2"))
        signing_in = asyncio.create_task(callback(person))
        await until(lambda: len(issuer.forms) == MAX_SIGN_INS // 2 + 1)
        issuer.gate.set()
        assert (await signing_in).headers["location"] == "/"
        assert {each.status_code for each in await asyncio.gather(*sent)} == {400}


async def test_a_planted_session_is_replaced() -> None:
    """A session that was in the browser before is not the one of the person who signs in: id and CSRF value are new."""
    async with browsing() as browser:
        planted = await browser.sign_in()
        cookies = dict(browser.http.cookies)
        csrf = await browser.sign_in()
        assert csrf != planted
        assert dict(browser.http.cookies) != cookies
        assert (await browser.query(planted)).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}])
async def test_another_page_learns_and_ends_nothing(headers: dict[str, str]) -> None:
    """The CSRF value is for pages of this server, and a sign-out needs it."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        assert [
            (await browser.http.get("/session", headers=headers)).status_code,
            (await browser.http.post("/sign-out", headers={"X-CSRF-Token": csrf, **headers})).status_code,
            (await browser.http.post("/sign-out")).status_code,
        ] == [403, 403, 403]
        assert (await browser.session())["signedIn"] is True


async def test_the_cookie_after_a_sign_out_is_of_no_use() -> None:
    """A copy of the cookie is refused by the process, and gets no new tokens from the issuer."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        copy = dict(browser.http.cookies)
        await browser.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
        browser.http.cookies.update(copy)
        assert (await browser.query(csrf)).status_code == 401
        browser.http.cookies.update(copy)
        again = await browser.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
        assert (again.json(), len(browser.issuer.revoked)) == ({"signedIn": False, "next": None}, 1)


async def test_the_state_is_refreshed_and_ends() -> None:
    """`GET /session` refreshes a token that expires; while the issuer is away it is 503, and after its refusal none."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        browser.issuer.clock.advance(590)
        refreshed = await browser.http.get("/session")
        assert (refreshed.json()["csrf"], "set-cookie" in refreshed.headers) == (csrf, True)
        browser.issuer.clock.advance(601)
        browser.issuer.endpoints_down = True
        away = await browser.http.get("/session")
        assert (away.status_code, "retry-after" in away.headers) == (503, True)
        browser.issuer.endpoints_down = False
        browser.issuer._refresh.clear()  # noqa: SLF001 - the issuer ended its session
        assert await browser.session() == SIGNED_OUT
        assert len(browser.http.cookies) == 0


async def test_an_outage_of_the_issuer_is_a_page() -> None:
    """A browser that is about to sign in gets a page with 503 and the time to try again."""
    async with browsing() as browser:
        browser.issuer.down = True
        response = await browser.http.get("/sign-in")
        assert (response.status_code, "cannot be reached" in response.text) == (503, True)
        assert response.headers["retry-after"] == "10"


async def test_tokens_that_are_too_large_are_an_error() -> None:
    """The person reads a page that says what an operator can do, and is not half signed in."""
    async with browsing() as browser:
        browser.issuer.tokens = {"refresh_token": secrets.token_urlsafe(8_000)}
        response = await browser.http.get("/sign-in/callback", params=await browser.begin())
        assert (response.status_code, "too large for a cookie" in response.text) == (400, True)
        assert (await browser.session())["signedIn"] is False


async def test_without_a_sign_in_there_is_none() -> None:
    """The state says so, and the other routes are 404."""
    async with client_of(None) as http:
        assert (await http.get("/session")).json() == {**SIGNED_OUT, "signIn": None}
        assert (await http.get("/sign-in")).status_code == 404
        assert (await http.get("/sign-in/callback")).status_code == 404
        assert (await http.post("/sign-out")).status_code == 404


async def test_another_name_of_the_server_leads_to_the_public_one() -> None:
    """In development, cookies of `localhost` would not be those of the address to which the issuer returns."""
    async with browsing() as browser, client_of(browser.guard, canonical_host=True) as http:
        response = await http.get("/sign-in?return=/x", headers={"Host": "localhost:8000"})
        assert (response.status_code, response.headers["location"]) == (302, f"{ORIGIN}/sign-in?return=/x")
        assert (await http.get("/sign-in")).headers["location"].startswith(f"{URL}/authorize?")
