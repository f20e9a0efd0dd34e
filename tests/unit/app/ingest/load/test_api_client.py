"""The client of the GraphQL API: what it sends, which responses it tries again, and which it gives up."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from app.ingest.load.api_client import (
    DEFAULT_RETRY,
    ApiClient,
    RequestRejectedError,
    Retry,
    TokenRefusedError,
    UnreachableError,
)

AT_ONCE = Retry(tries=4, first_pause=0.0, max_pause=0.0)
DATA = httpx2.Response(200, json={"data": {"viewer": None}})


class Api:
    """Sends prepared responses in order, the last one again and again; keeps requests and pauses."""

    def __init__(self, *responses: httpx2.Response | Exception) -> None:
        self.responses = [*responses]
        self.requests: list[httpx2.Request] = []
        self.pauses: list[float] = []

    def respond(self, request: httpx2.Request) -> httpx2.Response:
        """Return the next response, or raise the next error."""
        self.requests.append(request)
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return response

    async def pause(self, seconds: float) -> None:
        """Keep a pause without waiting."""
        self.pauses.append(seconds)

    def client(self, url: str = "http://api:8000", retry: Retry = AT_ONCE) -> ApiClient:
        """Return a client of this API."""
        return ApiClient(url, "t0ken", retry, transport=httpx2.MockTransport(self.respond))

    async def execute(self, url: str = "http://api:8000", retry: Retry = AT_ONCE) -> dict[str, Any]:
        """Execute one document."""
        async with self.client(url, retry) as client:
            return await client.execute("{ viewer { subject } }", {"n": 1})


Apis = Callable[..., Api]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Apis:
    """Return a function that makes an API with prepared responses; pauses between tries take no time."""

    def make(*responses: httpx2.Response | Exception) -> Api:
        made = Api(*responses)
        monkeypatch.setattr("app.ingest.load.api_client.asyncio.sleep", made.pause)
        return made

    return make


def failed(message: str, code: str, status: int = 200) -> httpx2.Response:
    """Return a response with one GraphQL error."""
    return httpx2.Response(status, json={"errors": [{"message": message, "extensions": {"code": code}}]})


async def test_a_document_is_posted_with_the_token(api: Apis) -> None:
    """The body is JSON, and the response must be of the newer media type, whose status says whether it failed."""
    one = api(DATA)
    assert await one.execute() == {"viewer": None}
    (request,) = one.requests
    assert (request.method, str(request.url)) == ("POST", "http://api:8000/graphql")
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/graphql-response+json"
    assert json.loads(request.content) == {"query": "{ viewer { subject } }", "variables": {"n": 1}}


@pytest.mark.parametrize("url", ["http://api:8000/", "http://api:8000/graphql", "http://api:8000/graphql/"])
async def test_the_path_of_the_endpoint_may_be_given(api: Apis, url: str) -> None:
    """A client may copy the address of the API or that of its endpoint."""
    one = api(DATA)
    await one.execute(url)
    assert str(one.requests[0].url) == "http://api:8000/graphql"


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    api: Apis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request to a loopback address is sent directly: no proxy could reach this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    one = api(DATA)
    await one.execute("http://127.0.0.1:8000", Retry(tries=1))
    assert len(one.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.Response(429),
        httpx2.Response(500),
        httpx2.Response(503, text="<html>"),
        failed("no store", "STORE_UNAVAILABLE"),
        failed("no keys", "KEYS_UNAVAILABLE"),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("late"),
        httpx2.RemoteProtocolError("broken"),
    ],
)
async def test_a_busy_api_is_tried_again(api: Apis, trouble: httpx2.Response | Exception) -> None:
    """A request whose outcome is unknown is repeated: registration is idempotent, other writes have a key."""
    one = api(trouble, DATA)
    assert await one.execute() == {"viewer": None}
    assert len(one.requests) == 2


async def test_an_api_that_stays_busy_is_given_up(api: Apis) -> None:
    """After the last try the error names the number of tries, the cause and the next step."""
    one = api(httpx2.Response(503))
    with pytest.raises(UnreachableError, match=r"after 4 attempts: HTTP 503.*run the same command again"):
        await one.execute()
    assert (len(one.requests), len(one.pauses)) == (4, 3)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("600", 60.0), ("soon", 0.0), ("", 0.0)])
async def test_a_pause_is_as_long_as_the_api_requests(api: Apis, header: str, seconds: float) -> None:
    """``Retry-After`` counts up to a minute; a date is not read."""
    one = api(httpx2.Response(503, headers={"Retry-After": header}), DATA)
    await one.execute()
    assert one.pauses == [seconds]


def test_pauses_double_up_to_a_bound_and_are_random() -> None:
    """Many clients that failed together come back at different times."""
    retry = Retry(first_pause=0.5, max_pause=20.0)
    for failures, bound in ((1, 0.5), (2, 1.0), (3, 2.0), (7, 20.0), (50, 20.0)):
        pauses = [retry.pause(failures) for _ in range(200)]
        assert bound * 3 / 4 < max(pauses) <= bound
        assert bound / 2 <= min(pauses) < bound * 3 / 4


async def test_the_default_covers_a_restart_of_the_server(api: Apis) -> None:
    """A server that is away for a minute, as during a restart, does not end an import, however the pauses fall."""
    one = api(httpx2.ConnectError("refused"))
    with pytest.raises(UnreachableError):
        await one.execute(retry=DEFAULT_RETRY)
    assert sum(one.pauses) > 60


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(401, json={}),
        httpx2.Response(403, text="no"),
        failed("Expired.", "UNAUTHENTICATED"),
        failed("Expired.", "FORBIDDEN", 400),
    ],
)
async def test_a_refused_token_is_not_tried_again(api: Apis, response: httpx2.Response) -> None:
    """Neither is it taken for a bad item, since every item would fail alike."""
    one = api(response)
    with pytest.raises(TokenRefusedError, match="--token"):
        await one.execute()
    assert len(one.requests) == 1


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (failed("Unknown field.", "BAD_REQUEST", 400), "Unknown field."),
        (httpx2.Response(200, json={"errors": [{"message": "a"}, {"message": "b"}]}), "a; b"),
        (httpx2.Response(404, text="nothing"), "HTTP 404 without a GraphQL response; check the address (--url)"),
        (httpx2.Response(200, json=[]), "HTTP 200 without a GraphQL response; check the address (--url)"),
        (httpx2.Response(200, json={"errors": "x"}), "HTTP 200 without a GraphQL response; check the address (--url)"),
        (httpx2.Response(200, json={"errors": ["x", {"message": "a", "extensions": {"code": []}}]}), "a"),
        (httpx2.Response(200, json={"errors": [{"message": "a", "extensions": "x"}]}), "a"),
        (httpx2.Response(200, json={"data": None}), "HTTP 200 without a GraphQL response; check the address (--url)"),
    ],
)
async def test_a_rejected_request_is_not_tried_again(api: Apis, response: httpx2.Response, message: str) -> None:
    """The errors of the API are the message; a response of something else names its status."""
    one = api(response)
    with pytest.raises(RequestRejectedError) as rejected:
        await one.execute()
    assert (rejected.value.message, len(one.requests)) == (message, 1)


async def test_an_address_without_a_scheme_is_rejected(api: Apis) -> None:
    """The error says how an address is written."""
    with pytest.raises(RequestRejectedError, match="http://HOST:PORT"):
        await api(httpx2.UnsupportedProtocol("no scheme")).execute()


async def test_hidden_values_are_counted_by_coordinate(api: Apis) -> None:
    """An export reports afterwards what its token could not read."""
    hidden = {"authorization": {"hidden": [{"coordinate": "Run.params", "count": 2}]}}
    one = api(httpx2.Response(200, json={"data": {}, "extensions": hidden}), httpx2.Response(200, json={"data": {}}))
    async with one.client() as client:
        for _ in range(2):
            await client.execute("{ viewer { subject } }", {})
        assert client.hidden == {"Run.params": 2}


async def test_a_broken_response_is_tried_again(api: Apis) -> None:
    """A connection that ends in the middle of a body is like one that was not made."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx2.ReadError("reset")

    one = api(httpx2.Response(200, content=broken()), DATA)
    assert await one.execute() == {"viewer": None}


async def test_data_beside_errors_are_returned_if_wanted(api: Apis) -> None:
    """`respond` returns the whole body and sends the name of the operation; without data it raises as `execute`."""
    body = {"data": {"asset": None}, "errors": [{"message": "It is malformed.", "extensions": {"code": "INVALID"}}]}
    one = api(httpx2.Response(200, json=body), failed("There is no such field.", "BAD_REQUEST", 400))
    async with one.client() as client:
        assert await client.respond("query A { a }", {"n": 1}, "A") == body
        with pytest.raises(RequestRejectedError, match="There is no such field"):
            await client.respond("{ b }", {}, None)
    sent = json.loads(one.requests[0].content)
    assert sent == {"query": "query A { a }", "variables": {"n": 1}, "operationName": "A"}


async def test_a_document_that_is_not_persisted_is_no_wrong_token(api: Apis) -> None:
    """The status is 403, and another token would not help."""
    with pytest.raises(RequestRejectedError, match="Only persisted documents"):
        await api(failed("Only persisted documents run here.", "PERSISTED_DOCUMENT_REQUIRED", 403)).execute()


@pytest.mark.parametrize("response", [httpx2.ConnectError("refused"), httpx2.InvalidURL("Invalid port: 's3cret'")])
async def test_credentials_of_the_address_are_not_shown(api: Apis, response: Exception) -> None:
    """User info and query are left out of the messages, which the log of a job has."""
    with pytest.raises((UnreachableError, RequestRejectedError)) as raised:
        await api(response).execute("http://u:s3cret@api:8000/?key=s3cret")
    assert "http://api:8000/" in raised.value.message
    assert "s3cret" not in raised.value.message
