"""The GraphQL view over HTTP: media types, methods, bodies, limits and statuses."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import httpx2
import pytest
import strawberry
from starlette.responses import Response
from starlette.types import Message
from strawberry.types import ExecutionResult

from app.fair_queue import FairQueue
from app.http.compression import NO_TRANSFORM
from app.http.encoded_content import encoded_content
from app.http.graphql import graphql_result, graphql_view
from app.http.graphql.graphql_request import OperationParams
from app.http.graphql.graphql_view import GraphQLView
from app.http.untaken_responses import HeldSlots, UntakenResponses
from app.telemetry.operation_report import OperationReport
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns import loop_turns
from graphql_schema.ports.turns.gradual_release import GradualRelease
from policies.errors import LimitError
from policies.principal import Principal, PrincipalKind

GR = "application/graphql-response+json"
JSON = "application/json"


async def post(client: httpx2.AsyncClient, query: str, accept: str = GR, **more: object) -> httpx2.Response:
    """Post one operation and return the response."""
    return await client.post("/graphql", json={"query": query, **more}, headers={"accept": accept})


def codes(response: httpx2.Response) -> list[str]:
    """Return the error codes of a response; each error must have a message and the request id."""
    assert "json" in response.headers["content-type"]
    errors = response.json()["errors"]
    assert all(e["extensions"]["requestId"] == response.headers["x-request-id"] and e["message"] for e in errors)
    return [e["extensions"]["code"] for e in errors]


async def test_a_query_returns_data_extensions_and_headers(client: httpx2.AsyncClient) -> None:
    """A valid query returns data, the extensions of the context, and headers that forbid caching."""
    response = await post(client, "{ greeting }")
    assert response.status_code == 200
    assert response.json() == {"data": {"greeting": "hello you"}, "extensions": {"subject": "ada"}}
    assert response.headers["content-type"] == f"{GR}; charset=utf-8"
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["vary"] == "Accept, Authorization"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", JSON),
        ("application/*", JSON),
        (GR, GR),
        (f"{GR}, {JSON}", GR),
        (f"{JSON}, {GR};q=0.9", JSON),
        (f"{GR}, {JSON};q=0.9, */*;q=0.1", GR),
        (f"{GR};q=0, */*", JSON),
        (f"text/event-stream, {JSON}", JSON),
        (f"{JSON}; charset=utf-8", JSON),
    ],
)
async def test_the_media_type_is_negotiated(client: httpx2.AsyncClient, accept: str, expected: str) -> None:
    """The response has the type with the highest quality, then the most specific, then the newer one (RFC 9110)."""
    response = await post(client, "{ greeting }", accept)
    assert response.headers["content-type"].split(";")[0] == expected


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", "image/*"])
async def test_an_unsupported_accept_is_406(client: httpx2.AsyncClient, accept: str) -> None:
    """A request that accepts no supported media type gets status 406 with a JSON error."""
    response = await post(client, "{ greeting }", accept)
    assert (response.status_code, codes(response)) == (406, ["BAD_REQUEST"])


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
async def test_only_json_bodies_are_read(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    """Other bodies get status 415; this also refuses HTML forms of other sites."""
    response = await client.post("/graphql", content=b'{"query":"{ greeting }"}', headers=headers)
    assert (response.status_code, codes(response)) == (415, ["BAD_REQUEST"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(client: httpx2.AsyncClient, method: str) -> None:
    """An unsupported method gets status 405, and `Allow` names the supported methods."""
    response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize("document", ["mutation { run }", "query A { greeting } mutation B { run }"])
async def test_get_never_mutates(client: httpx2.AsyncClient, document: str) -> None:
    """A mutation by GET gets status 405 with `Allow: POST`, also if selected by name, and is not executed."""
    before = (await post(client, "mutation { run }")).json()["data"]["run"]
    parameters = {"query": document} | ({"operationName": "B"} if "B" in document else {})
    response = await client.get("/graphql", params=parameters)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert (await post(client, "mutation { run }")).json()["data"]["run"] == before + 1


async def test_several_operations_need_a_name(client: httpx2.AsyncClient) -> None:
    """A document with two operations is executed with the name of one only; an unknown name is refused."""
    document = "query A { greeting } query B { again { greeting } }"
    assert codes(await post(client, document)) == ["BAD_REQUEST"]
    assert (await post(client, document, operationName="B")).json()["data"] == {"again": {"greeting": "hello you"}}
    assert codes(await post(client, document, operationName="C")) == ["BAD_REQUEST"]


BROKEN_BODIES = {
    "no JSON": b'{"query',
    "no UTF-8": b'{"query":"{ greeting }","operationName":"\xff"}',
    "65 levels": b'{"query":"{ greeting }","variables":{"a":' + b"[" * 63 + b"]" * 63 + b"}}",
    "100,000 levels": b"[" * 100_000,
    "a batch": b'[{"query":"{ greeting }"}]',
    "NaN": b'{"query":"{ greeting }","variables":{"a":NaN}}',
    "a lone surrogate": b'{"query":"{ greeting }","operationName":"\\ud800"}',
    "nothing": b"",
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES.keys())
async def test_a_broken_body_is_400(client: httpx2.AsyncClient, body: bytes) -> None:
    """Every malformed body gets status 400 and BAD_REQUEST, under both media types."""
    for accept in (GR, JSON):
        response = await client.post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})
        assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])


async def test_64_levels_of_json_are_read(client: httpx2.AsyncClient) -> None:
    """A body with exactly 64 levels of nesting, the limit, is accepted."""
    body = b'{"query":"{ greeting }","variables":{"a":' + b"[" * 62 + b"]" * 62 + b"}}"
    response = await client.post("/graphql", content=body, headers={"content-type": JSON})
    assert response.json()["data"] == {"greeting": "hello you"}


async def test_a_broken_url_is_400(client: httpx2.AsyncClient) -> None:
    """Malformed GET parameters get status 400, as malformed bodies do."""
    for query in ("query=%ff", "query={greeting}&variables={", "query={greeting}&variables=[]"):
        response = await client.get(f"/graphql?{query}")
        assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])


async def test_a_large_body_is_413(client: httpx2.AsyncClient) -> None:
    """A body over 4 MiB is refused, with or without a declared length, and so is a document over 64 KiB."""

    async def stream() -> Any:
        for _ in range(5):
            yield b" " * 1024 * 1024

    for content in (b" " * (4 * 1024 * 1024 + 1), stream(), json.dumps({"query": "#" * 65_537}).encode()):
        response = await client.post("/graphql", content=content, headers={"content-type": JSON})
        assert (response.status_code, codes(response)) == (413, ["LIMIT_EXCEEDED"])


async def test_a_slow_body_is_408(address: tuple[str, int]) -> None:
    """A client that stops in the middle of its body gets status 408, and the connection is closed."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
    response = await reader.read()
    writer.close()
    assert response.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"BAD_REQUEST"' in response


async def test_a_client_that_disconnects_is_not_logged(
    address: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    """A connection that closes in the middle of a body writes no log line, and the server continues."""
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
    writer.close()
    await writer.wait_closed()
    async with httpx2.AsyncClient(base_url=f"http://{address[0]}:{address[1]}") as http:
        assert (await post(http, "{ greeting }")).status_code == 200
    assert "request_failed" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_subscriptions_need_the_websocket(client: httpx2.AsyncClient, method: str) -> None:
    """A subscription over HTTP is refused, and the message names the WebSocket protocol."""
    query = {"query": "subscription { count }"}
    params, body = (query, None) if method == "GET" else (None, query)
    response = await client.request(method, "/graphql", params=params, json=body)
    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert "graphql-transport-ws" in response.json()["errors"][0]["message"]


async def test_no_principal_is_401(client: httpx2.AsyncClient) -> None:
    """A request without a principal, as without the authentication middleware, gets status 401."""
    response = await client.post("/graphql", json={"query": "{ greeting }"}, headers={"authorization": "none"})
    assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])


@strawberry.type
class Greeter:
    """The root of queries."""

    @strawberry.field
    def greeting(self) -> str:
        """Return a text."""
        return "hello"


@strawberry.type
class Runner(Greeter):
    """The root of mutations."""


async def no_context(_request: object, _principal: Principal) -> None:
    """Return no context, which these documents do not use."""


@pytest.mark.parametrize(
    ("document", "name", "queue"),
    [
        ("{ greeting }", None, "reads"),
        ("{ mutation: greeting } # mutation", None, "reads"),
        ("query A { greeting } mutation B { greeting }", "A", "reads"),
        ("query A { greeting } mutation B { greeting }", "B", "writes"),
        ("mutation { greeting }", None, "writes"),
        ("mutation {", None, "reads"),
    ],
)
async def test_the_operation_decides_about_the_queue(document: str, name: str | None, queue: str) -> None:
    """A mutation takes a slot among the writes, and no other operation does, whatever its text contains."""
    view: GraphQLView[Any] = GraphQLView(OperationSchema(Greeter, Runner), no_context)
    view.writes = FairQueue(per_caller=0, waiting_per_caller=0)  # refuses each operation
    request: Any = SimpleNamespace(state=SimpleNamespace(principal=Principal("ada", PrincipalKind.PERSON, "default")))
    request.method = "POST"
    params = OperationParams(query=document, variables=None, operation_name=name, extensions=None)
    with pytest.raises(LimitError) if queue == "writes" else nullcontext():
        await view.execute_in_turn(request, params, SimpleNamespace(budget=OperationBudget()), HeldSlots())


async def test_a_document_with_a_text_is_parsed_for_its_caller() -> None:
    """Before the choice of a queue, it is parsed for this caller only: the time of another caller would disclose it."""
    schema = OperationSchema(Greeter, Runner)
    view: GraphQLView[Any] = GraphQLView(schema, no_context)
    request: Any = SimpleNamespace(state=SimpleNamespace(principal=Principal("ada", PrincipalKind.PERSON, "default")))
    request.method = "POST"
    params = OperationParams(query='mutation { run(id: "x") }', variables=None, operation_name=None, extensions=None)
    await view.execute_in_turn(request, params, SimpleNamespace(budget=OperationBudget()), HeldSlots())
    kept = [schema.kept_document(params.query or "", ("default", who)) for who in ("ada", "bo")]
    assert [each is not None for each in kept] == [True, False]


async def test_a_large_response_is_encoded_by_its_characters_and_values(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decides whether a response is written in turns is what its texts and keys have, and its values."""
    given: list[tuple[int, int]] = []

    async def encoded(content: Mapping[str, object], characters: int, values: int, *more: Any) -> bytes | memoryview:
        given.append((characters, values))
        return await encoded_content(content, characters, values, *more)

    monkeypatch.setattr(graphql_result, "encoded_content", encoded)
    response = await post(client, '{ again { greeting(name: "xyz") } }')
    assert response.json()["data"] == {"again": {"greeting": "hello xyz"}}
    assert given == [(len("greeting") + len("hello xyz"), 1)]


async def plain_context(_request: object, principal: Principal) -> Any:
    """Return a context that does nothing."""
    parts = {"principal": principal, "budget": OperationBudget(), "is_confidential": False}
    return SimpleNamespace(**parts, finish=dict, release=lambda: None)


def greeting_scope() -> dict[str, Any]:
    """Return the scope of a query of ada."""
    scope = {"type": "http", "method": "GET", "path": "/graphql", "headers": [], "query_string": b"query={greeting}"}
    return {**scope, "state": {"principal": Principal("ada", PrincipalKind.PERSON, "default")}}


async def test_no_response_is_encoded_for_a_client_that_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves at the first piece, and few follow; nothing is sent, and its caller has the slot again."""
    left, pieces, send, reports = asyncio.Event(), list[int](), AsyncMock(), list[OperationReport]()

    def json_pieces(_content: object) -> Iterator[bytes]:
        for piece in range(100):
            pieces.append(piece)
            left.set()
            yield b"x"

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    monkeypatch.setattr("app.http.encoded_content.LARGE", 0)
    monkeypatch.setattr("app.http.encoded_content.json_pieces", json_pieces)
    view: GraphQLView[Any] = GraphQLView(OperationSchema(Greeter, Runner), plain_context, observe=reports.append)
    await view(greeting_scope(), receive, send)
    assert (len(pieces) < 10, send.called, view.reads.running, reports[0].code) == (True, False, 0, "DISCONNECTED")


async def test_an_operation_has_its_slot_until_its_response_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one caller has any number of responses encoded at once, each of up to 48 MB, before the first one counts."""
    view: GraphQLView[Any] = GraphQLView(OperationSchema(Greeter, Runner), plain_context)
    encoding, encode = asyncio.Event(), asyncio.Event()

    async def encoded(content: Mapping[str, object], characters: int, values: int, *more: Any) -> bytes | memoryview:
        encoding.set()
        await encode.wait()
        return await encoded_content(content, characters, values, *more)

    monkeypatch.setattr(graphql_result, "encoded_content", encoded)
    sent, at_start = list[Message](), list[tuple[int, int]]()

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)
        at_start.append((view.reads.running, view.untaken._bytes.total()))  # noqa: SLF001 - what counts meanwhile

    async with asyncio.timeout(5):
        answering = asyncio.create_task(view(greeting_scope(), receive, send))
        await encoding.wait()
        assert (view.reads.running, sent) == (1, [])
        encode.set()
        await answering
    body = b"".join(message.get("body", b"") for message in sent)
    assert json.loads(body)["data"] == {"greeting": "hello"}
    assert at_start[0] == (0, len(body))


async def test_who_takes_no_responses_waits_before_the_next_operation() -> None:
    """While a client takes nothing of a large response, no operation of its caller is executed, and others are."""
    view: GraphQLView[Any] = GraphQLView(OperationSchema(Greeter, Runner), no_context)
    view.untaken = UntakenResponses(maximum=1)
    taking, begun, sent = asyncio.Event(), asyncio.Event(), list[Message]()

    async def respond(*_: Any, **__: Any) -> Response:
        return Response(b"x" * 200_000, headers={"Cache-Control": NO_TRANSFORM})

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 1:
            begun.set()
            await taking.wait()

    async def receive() -> Message:
        return await asyncio.Future()

    async def executed(who: str) -> None:
        request: Any = SimpleNamespace(state=SimpleNamespace(principal=Principal(who, PrincipalKind.PERSON, "default")))
        request.method = "POST"
        params = OperationParams(query="{ greeting }", variables=None, operation_name=None, extensions=None)
        held = HeldSlots()
        with held.operation:
            await view.execute_in_turn(request, params, SimpleNamespace(budget=OperationBudget()), held)

    view.respond = respond  # type: ignore[method-assign]
    caller = Principal("bo", PrincipalKind.PERSON, "default")
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [], "state": {"principal": caller}}
    sending = asyncio.create_task(view(scope, receive, send))
    async with asyncio.timeout(5):
        await begun.wait()
        await executed("ada")
        waiting = asyncio.create_task(executed("bo"))
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()
        assert len(sent[1]["body"]) < 200_000
        taking.set()
        await asyncio.gather(sending, waiting)


def test_a_result_that_is_withheld_is_freed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller whose share of the access log is spent may have half a million objects made by each query."""
    freed = list[object]()

    def finish() -> dict[str, object]:
        raise LimitError("Your share is spent.", limit="logShare")

    monkeypatch.setattr(GradualRelease, "free_response", lambda _, data: freed.append(data))
    context: Any = SimpleNamespace(finish=finish)
    with pytest.raises(LimitError):
        graphql_view._finished(context, ExecutionResult({"a": 1}, None))  # noqa: SLF001 - the view needs a server
    assert freed == [{"a": 1}]
