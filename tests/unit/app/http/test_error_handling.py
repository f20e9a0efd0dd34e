"""Errors of responses: their shape, their codes, and what they must not disclose."""

from collections.abc import Callable
from hashlib import sha256

import httpx2
import pytest
from graphql import GraphQLError
from starlette.applications import Starlette
from structlog.testing import capture_logs

from app.errors import HTTP_STATUS
from app.http.error_handling import coded_error_of
from policies.errors import Code

GR = "application/graphql-response+json"
JSON = "application/json"
CANARY = "canary-5f1d"


async def post(client: httpx2.AsyncClient, query: str, accept: str = GR, **more: object) -> httpx2.Response:
    """Post one operation with the request id r-1 and return the response."""
    headers = {"accept": accept, "x-request-id": "r-1"}
    return await client.post("/graphql", json={"query": query, **more}, headers=headers)


def test_every_code_has_a_status() -> None:
    """Every error code has an HTTP status."""
    assert set(HTTP_STATUS) == set(Code)


@pytest.mark.parametrize(
    ("query", "more", "code"),
    [
        ("{", {}, "BAD_REQUEST"),
        ("{ nothing }", {}, "BAD_REQUEST"),
        ("query($n: String!) { greeting(name: $n) }", {}, "INVALID"),
        ('query($n: String = "a") { greeting(name: $n) }', {"variables": {"n": 7}}, "INVALID"),
        ("fragment F on Query { greeting }", {}, "BAD_REQUEST"),
        ("type A { b: Int }", {}, "BAD_REQUEST"),
    ],
)
async def test_request_errors_have_no_data(
    client: httpx2.AsyncClient, query: str, more: dict[str, object], code: str
) -> None:
    """A request that is not executed has no `data`: status 400 under the new media type, 200 under plain JSON."""
    for accept, status in ((GR, 400), (JSON, 200)):
        response = await post(client, query, accept, **more)
        body = response.json()
        assert response.status_code == status
        assert "data" not in body
        assert [(e["extensions"]["code"], e["extensions"]["requestId"]) for e in body["errors"]] == [(code, "r-1")]


async def test_an_explicit_null_is_the_callers_fault(client: httpx2.AsyncClient) -> None:
    """A null that appears during execution (a nullable variable with a default) is INVALID, not INTERNAL."""
    response = await post(client, 'query($n: String = "a") { greeting(name: $n) }', variables={"n": None})
    assert [e["extensions"]["code"] for e in response.json()["errors"]] == ["INVALID"]


async def test_an_expected_error_is_returned_unchanged(client: httpx2.AsyncClient) -> None:
    """A coded error has its message, extensions, path and location, beside the data of the other fields."""
    body = (await post(client, "{ greeting refused }")).json()
    assert body["data"] == {"greeting": "hello you", "refused": None}
    assert body["errors"] == [
        {
            "message": "The name is taken. Choose another.",
            "locations": [{"line": 1, "column": 12}],
            "path": ["refused"],
            "extensions": {"argument": "name", "code": "INVALID", "requestId": "r-1"},
        }
    ]


@pytest.mark.parametrize("accept", [GR, JSON])
async def test_an_unavailable_store_is_503(client: httpx2.AsyncClient, accept: str) -> None:
    """A response without any data has status 503 and `Retry-After`; one with partial data has status 200."""
    response = await post(client, "{ stored }", accept)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"
    partial = await post(client, "{ greeting maybeStored }", accept)
    assert (partial.status_code, partial.json()["data"]["greeting"]) == (200, "hello you")
    assert "retry-after" not in partial.headers


async def test_at_most_five_errors_are_returned(client: httpx2.AsyncClient) -> None:
    """Of eight errors five are returned, and the extensions contain the number of the others."""
    body = (await post(client, "{ many { refused } }")).json()
    assert len(body["errors"]) == 5
    assert body["extensions"]["errorsOmitted"] == 3


async def test_long_messages_are_cut(client: httpx2.AsyncClient) -> None:
    """A message in which graphql-core quotes a long value is shortened."""
    response = await post(client, "query($c: Colour) { greeting(colour: $c) }", variables={"c": "x" * 60_000})
    assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"
    assert len(response.content) < 2_000


@pytest.mark.parametrize("field", ["broken", "misshapen"])
async def test_unexpected_errors_are_masked(
    client: httpx2.AsyncClient, field: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception becomes INTERNAL; its log line has the hash of the document and none of its texts."""
    query = f'query($n: String) {{ many {{ {field} }} greeting(name: $n) marker: greeting(name: "document-7e") }}'
    with capture_logs() as lines:
        response = await post(client, query, variables={"n": "variable-3a"})
    error = response.json()["errors"][0]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "r-1"}
    assert "under request id r-1" in error["message"]
    assert CANARY not in response.text
    assert [(line["event"], line["request_id"], line["count"]) for line in lines] == [("request_failed", "r-1", 8)]
    assert lines[0]["document"] == sha256(query.encode()).hexdigest()
    written = repr(lines) + "".join(capfd.readouterr()) + caplog.text
    assert not [secret for secret in (CANARY, "document-7e", "variable-3a") if secret in written]


async def test_the_log_names_exception_and_file(client: httpx2.AsyncClient) -> None:
    """The log line of a masked error has the type of the exception and the file that raised it."""
    with capture_logs() as lines:
        await post(client, "{ broken }")
    assert lines[0]["faults"][0].startswith("builtins.RuntimeError at ")
    assert "app/http/conftest.py:" in lines[0]["faults"][0]


async def test_errors_of_clients_are_not_logged(
    client: httpx2.AsyncClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Refused documents and expected errors write no log line, so that callers cannot fill the log."""
    with capture_logs() as lines:
        for query in ("{", "{ nothing }", "{ refused }", "{ stored }"):
            await post(client, query)
    assert (lines, "".join(capfd.readouterr()), caplog.text) == ([], "", "")


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ greetin }", {}),
        ("{ greeting(nam: 1) }", {}),
        ("{ greeting(colour: MAGENT) }", {}),
        ("{ greeting(paint: {thicknes: 1}) }", {}),
        ("query($c: Colour) { greeting(colour: $c) }", {"c": "MAGENT"}),
        ("query($p: Paint) { greeting(paint: $p) }", {"p": {"thicknes": 1}}),
        ("{ ... on Quer { greeting } }", {}),
    ],
)
async def test_production_suggests_nothing(
    build: Callable[..., Starlette], query: str, variables: dict[str, object]
) -> None:
    """Without suggestions, the error of a misspelt field, argument, enum value, input field or type names no other."""
    texts = []
    for suggestions in (True, False):
        transport = httpx2.ASGITransport(app=build(suggestions=suggestions))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
            texts.append((await post(http, query, variables=variables)).json()["errors"][0]["message"])
    assert ["Did you mean" in text for text in texts] == [True, False]
    assert texts[0].startswith(texts[1])


def test_a_long_text_of_a_caller_is_shortened_at_once() -> None:
    """A million blanks in a message remain; a search that goes back at each blank would take an hour for them."""
    blanks = " " * 1_000_000
    for text, shown in ((f"a{blanks}b", f"a{blanks}b"), (f"a{blanks}Did you mean b?{blanks}", "a")):
        error = coded_error_of(GraphQLError(text), executed=False, suggestions=False)
        assert error is not None
        assert error.message == shown


async def test_errors_outside_of_the_view_are_masked(client: httpx2.AsyncClient) -> None:
    """An unexpected exception outside of the view becomes INTERNAL with status 500, and one log line."""
    with capture_logs() as lines:
        response = await client.get("/explode")
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert CANARY not in response.text + repr(lines)
    assert len(lines) == 1
