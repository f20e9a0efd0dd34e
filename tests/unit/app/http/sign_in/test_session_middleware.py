"""Cookies before authentication: a session becomes a bearer token for the API alone, and never beside another one."""

import asyncio

import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from support.servers.browser import ORIGIN, browsing, client_of

from app.http.sign_in.session_middleware import SessionCookieMiddleware


async def authorization(response: httpx2.Response) -> list[str]:
    """Return the header that reached the API."""
    assert response.status_code == 200, response.text
    found: list[str] = response.json()
    return found


async def test_a_session_is_a_bearer_token_for_the_api() -> None:
    """The API gets the access token for each method, and other routes get nothing."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        (sent,) = await authorization(await browser.query(csrf))
        assert sent.startswith("Bearer eyJ")
        got = await browser.http.get("/graphql", headers={"X-CSRF-Token": csrf})
        assert await authorization(got) == [sent]
        assert await authorization(await browser.http.post("/other", headers={"X-CSRF-Token": csrf})) == []


@pytest.mark.parametrize("value", ["Bearer x", "", "Basic eDp4"])
async def test_a_token_takes_precedence(value: str) -> None:
    """With any `Authorization` header, the cookie is not read, so a wrong token is not replaced by a good cookie."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        assert await authorization(await browser.query(csrf, Authorization=value)) == [value]
        assert await authorization(await browser.query(None, Authorization=value)) == [value]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_cookie_without_its_csrf_value_is_refused(method: str) -> None:
    """The error is JSON of the API, and the session goes on."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        response = await browser.http.request(method, "/graphql")
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
        assert "set-cookie" not in response.headers
        assert len(await authorization(await browser.query(csrf))) == 1


async def test_a_session_that_has_ended_is_removed() -> None:
    """The response is 401, with a challenge, and the browser drops the cookie."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        browser.issuer.clock.advance(13 * 3_600)
        response = await browser.query(csrf)
        assert (response.status_code, "WWW-Authenticate" in response.headers) == (401, True)
        assert len(browser.http.cookies) == 0
        assert await authorization(await browser.query(csrf)) == []


async def test_concurrent_requests_refresh_once() -> None:
    """A page sends many requests at once with a token that expires: one refresh, and all get the new cookie."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        before = dict(browser.http.cookies)
        browser.issuer.clock.advance(590)
        responses = await asyncio.gather(*(browser.query(csrf) for _ in range(10)))
        assert {response.json()[0] for response in responses} == {responses[0].json()[0]}
        assert [form["grant_type"] for form in browser.issuer.forms].count("refresh_token") == 1
        assert all("set-cookie" in response.headers for response in responses)
        assert dict(browser.http.cookies) != before
        following = await browser.query(csrf)
        assert "set-cookie" not in following.headers


@pytest.mark.parametrize("ends", [True, False])
async def test_a_late_response_restores_no_ended_session(ends: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A sign-out during a request that refreshed the session: its response removes the cookie and does not set it."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        browser.issuer.clock.advance(590)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())

        async def operation(scope: Scope, receive: Receive, send: Send) -> None:
            if ends:
                ended = await browser.http.post("/sign-out", headers={"X-CSRF-Token": csrf})
                assert ended.status_code == 200
            await JSONResponse([])(scope, receive, send)

        late = httpx2.ASGITransport(app=SessionCookieMiddleware(operation, browser.guard))
        async with httpx2.AsyncClient(transport=late, base_url=ORIGIN) as http:
            response = await http.post("/graphql", headers={"X-CSRF-Token": csrf, "Cookie": cookie})
        assert response.status_code == 200
        set_cookies = response.headers.get_list("set-cookie")
        assert set_cookies
        assert ("Max-Age=0" in set_cookies[0]) == ends


async def test_an_outage_of_the_issuer_removes_nothing() -> None:
    """With an expired token the response is 503, and the cookie stays for a later request."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        browser.issuer.endpoints_down = True
        browser.issuer.clock.advance(601)
        response = await browser.query(csrf)
        assert (response.status_code, "retry-after" in response.headers) == (503, True)
        assert "set-cookie" not in response.headers
        browser.issuer.endpoints_down = False
        assert len(await authorization(await browser.query(csrf))) == 1


async def test_without_a_sign_in_cookies_are_nothing() -> None:
    """A server without sign-in passes every request on."""
    async with browsing() as browser:
        csrf = await browser.sign_in()
        cookies = dict(browser.http.cookies)
    async with client_of(None) as http:
        http.cookies.update(cookies)
        assert (await http.post("/graphql", headers={"X-CSRF-Token": csrf})).json() == []
