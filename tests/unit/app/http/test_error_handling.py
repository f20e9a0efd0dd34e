"""What errors look like, and what they must not say."""

from collections.abc import Callable
from hashlib import sha256

import httpx2
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from app.errors import HTTP_STATUS
from policies.errors import Code

GR = "application/graphql-response+json"
JSON = "application/json"
CANARY = "canary-5f1d"


async def post(client: httpx2.AsyncClient, query: str, accept: str = GR, **more: object) -> httpx2.Response:
    """Post one operation with a known request id."""
    headers = {"accept": accept, "x-request-id": "r-1"}
    return await client.post("/graphql", json={"query": query, **more}, headers=headers)


def test_every_code_has_a_status() -> None:
    """The map to HTTP and the list of codes cannot drift apart."""
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
async def test_request_errors(client: httpx2.AsyncClient, query: str, more: dict[str, object], code: str) -> None:
    """Nothing ran, so there is no data entry: 400 under the new media type, 200 under plain JSON."""
    for accept, status in ((GR, 400), (JSON, 200)):
        response = await post(client, query, accept, **more)
        body = response.json()
        assert response.status_code == status
        assert "data" not in body
        assert [(e["extensions"]["code"], e["extensions"]["requestId"]) for e in body["errors"]] == [(code, "r-1")]


async def test_an_explicit_null_is_the_callers_fault(client: httpx2.AsyncClient) -> None:
    """A null that only shows at run time (a nullable variable with a default) is INVALID, not a defect."""
    response = await post(client, 'query($n: String = "a") { greeting(name: $n) }', variables={"n": None})
    assert [e["extensions"]["code"] for e in response.json()["errors"]] == ["INVALID"]


async def test_an_expected_error_is_whole(client: httpx2.AsyncClient) -> None:
    """A coded error keeps its message, its facts and its place, beside the data that could be given."""
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
async def test_a_store_that_is_down(client: httpx2.AsyncClient, accept: str) -> None:
    """With no data at all the answer is 503 and says when to come back; a partial one is 200 with the code."""
    response = await post(client, "{ stored }", accept)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"
    partial = await post(client, "{ greeting maybeStored }", accept)
    assert (partial.status_code, partial.json()["data"]["greeting"]) == (200, "hello you")
    assert "retry-after" not in partial.headers


async def test_five_errors_are_enough(client: httpx2.AsyncClient) -> None:
    """Of eight errors five are returned, and the extensions say that three are not."""
    body = (await post(client, "{ many { refused } }")).json()
    assert len(body["errors"]) == 5
    assert body["extensions"]["errorsOmitted"] == 3


async def test_long_messages_are_cut(client: httpx2.AsyncClient) -> None:
    """graphql-core quotes values; a quoted value cannot make the answer long."""
    response = await post(client, "query($c: Colour) { greeting(colour: $c) }", variables={"c": "x" * 100_000})
    assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"
    assert len(response.content) < 2_000


@pytest.mark.parametrize("field", ["broken", "misshapen"])
async def test_defects_leak_nothing(
    client: httpx2.AsyncClient, field: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown exception is masked; one log line has the document's hash and no text, variable or message."""
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


async def test_the_log_names_the_place(client: httpx2.AsyncClient) -> None:
    """The masked line is enough to find the defect: the exception's type, and the file it came from."""
    with capture_logs() as lines:
        await post(client, "{ broken }")
    assert lines[0]["faults"][0].startswith("builtins.RuntimeError at ")
    assert "app/http/conftest.py:" in lines[0]["faults"][0]


async def test_client_faults_are_not_logged(
    client: httpx2.AsyncClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Callers cannot fill the log: refused documents and expected errors write nothing."""
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
    """With suggestions off no misspelling of a field, argument, enum value, input field or type is put right."""
    texts = []
    for suggestions in (True, False):
        transport = httpx2.ASGITransport(app=build(suggestions=suggestions))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
            texts.append((await post(http, query, variables=variables)).json()["errors"][0]["message"])
    assert ["Did you mean" in text for text in texts] == [True, False]
    assert texts[0].startswith(texts[1])


async def test_faults_outside_the_view(client: httpx2.AsyncClient) -> None:
    """Whatever fails elsewhere is masked and logged once too."""
    with capture_logs() as lines:
        response = await client.get("/explode")
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert CANARY not in response.text + repr(lines)
    assert len(lines) == 1
