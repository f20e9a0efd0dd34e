"""Subscriptions over graphql-transport-ws: the protocol, its close codes, and the limits and masking of HTTP."""

import asyncio
import gc
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
from starlette.routing import WebSocketRoute
from structlog.testing import capture_logs
from support.servers.websocket_client import PROTOCOL, SocketClient, connected, serving
from websockets import Subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.http.graphql.graphql_request import RequestLimits
from app.http.graphql.persisted_documents import DocumentMode, PersistedDocuments
from graphql_schema.ports.operation_budget import OperationBudget
from policies.principal import Principal, PrincipalKind

CANARY = "canary-5f1d"
LIMITS = RequestLimits(init_seconds=0.5, message_bytes=100_000, subscriptions=5, caller_subscriptions=7)


@pytest.fixture
async def address(build: Any) -> AsyncIterator[str]:
    """Return the address of the small schema with production settings, 500 ms for the init and 100 kB a message."""
    async with serving(build(suggestions=False, limits=LIMITS)) as address:
        yield address


@pytest.fixture
async def talk(address: str) -> AsyncIterator[SocketClient]:
    """Return a connection that ada has initialized."""
    async with connected(address, "ada") as talk:
        yield talk


async def code_of(talk: SocketClient) -> tuple[str, str, str]:
    """Return type and id of the next message and the code of its only error."""
    message = await talk.receive()
    (error,) = message["payload"]
    assert error["extensions"]["requestId"]
    return message["type"], message["id"], error["extensions"]["code"]


async def test_a_subscription_delivers_events_and_completes(talk: SocketClient) -> None:
    """Each event is a `next` with data and extensions; after `complete` the id can be used again."""
    for _ in range(2):
        await talk.subscribe("subscription { count(to: 2) }")
        for number in (1, 2):
            payload = {"data": {"count": number}, "extensions": {"subject": "ada"}}
            assert await talk.receive() == {"id": "1", "type": "next", "payload": payload}
        assert await talk.receive() == {"id": "1", "type": "complete"}


async def test_the_acknowledgement_names_the_request(address: str) -> None:
    """The acknowledgement contains the request id that the log lines of the connection have."""
    headers = {"X-Request-Id": "my-own"}
    async with connect(f"ws://{address}", subprotocols=[PROTOCOL], additional_headers=headers, proxy=None) as opened:
        assert await SocketClient(opened).init("ada") == {"type": "connection_ack", "payload": {"requestId": "my-own"}}


async def test_a_subscription_keeps_no_more_than_it_needs(talk: SocketClient) -> None:
    """What came beside the hash of its document is freed before its first event; no further message is needed."""
    document = "subscription { forever }"
    hashed = {"version": 1, "sha256Hash": sha256(document.encode()).hexdigest(), "more": [CANARY, 1]}
    await talk.send(
        type="subscribe",
        id="1",
        payload={"query": document, "extensions": {"persistedQuery": hashed, "a": [CANARY, 2]}},
    )
    await talk.event()
    kept = [each for each in gc.get_objects() if type(each) is list and each[:1] == [CANARY]]
    assert [each for each in kept if each is not hashed["more"]] == []


async def test_ping_is_answered(talk: SocketClient) -> None:
    """The server answers a `ping` with a `pong`, and does not answer a `pong`."""
    await talk.send(type="pong")
    await talk.send(type="ping")
    assert await talk.receive() == {"type": "pong"}


@pytest.mark.parametrize("key", ["Authorization", "authorization"])
async def test_the_token_comes_with_connection_init(address: str, key: str) -> None:
    """The payload of `connection_init` may spell the header `Authorization` or `authorization`."""
    async with connected(address) as talk:
        await talk.send(type="connection_init", payload={key: "Bearer ada"})
        assert (await talk.receive())["type"] == "connection_ack"


UNAUTHENTICATED: dict[str, tuple[Any, int]] = {
    "nothing": ({}, 4403),
    "no payload": (None, 4400),
    "another token": ({"Authorization": "Bearer bob"}, 4403),
    "no text": ({"Authorization": ["Bearer ada"]}, 4403),
    "two tokens": ({"Authorization": "Bearer ada", "authorization": "Bearer ada"}, 4403),
    "missing keys": ({"Authorization": "Bearer eve"}, 1013),
    "a large message": ({"Authorization": "Bearer ada", "x": "x" * 20 * 1024}, 1009),
}


@pytest.mark.parametrize("name", UNAUTHENTICATED)
async def test_a_connection_without_a_valid_token_is_closed(address: str, name: str) -> None:
    """A `connection_init` without a valid token closes the connection with the code of the case and a reason."""
    payload, code = UNAUTHENTICATED[name]
    async with connected(address) as talk:
        await talk.send(type="connection_init", payload=payload)
        closed, reason = await talk.closed()
        assert (closed, bool(reason)) == (code, True)


BROKEN: dict[str, tuple[str | bytes, int]] = {
    "no JSON": ("{", 4400),
    "binary": (b"{}", 4400),
    "a list": ("[]", 4400),
    "no type": ("{}", 4400),
    "an unknown type": ('{"type": "start"}', 4400),
    "no id": ('{"type": "subscribe", "payload": {"query": "{ greeting }"}}', 4400),
    "an id that is no text": ('{"type": "complete", "id": []}', 4400),
    "an empty id": ('{"type": "complete", "id": ""}', 4400),
    "an endless id": (f'{{"type": "complete", "id": "{"x" * 129}"}}', 4400),
    "no payload": ('{"type": "subscribe", "id": "1"}', 4400),
    "no query": ('{"type": "subscribe", "id": "1", "payload": {}}', 4400),
    "variables that are none": (
        '{"type": "subscribe", "id": "1", "payload": {"query": "subscription { count }", "variables": 1}}',
        4400,
    ),
    "too deep": ('{"type": "ping", "payload": ' + "[" * 65 + "]" * 65 + "}", 4400),
    "too large": ('"' + "x" * 100_000 + '"', 1009),
    "a second init": ('{"type": "connection_init", "payload": {"Authorization": "Bearer ada"}}', 4429),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_invalid_message_closes_the_connection(talk: SocketClient, name: str) -> None:
    """A message that the protocol does not define closes the connection with the protocol's code and a reason."""
    text, code = BROKEN[name]
    with capture_logs() as log:
        await talk.connection.send(text)
        closed, reason = await talk.closed()
    own = [each for each in log if each["event"] != "connections_ended"]  # of servers of earlier tests
    assert (closed, bool(reason), own) == (code, True, [])


async def test_a_duplicate_id_closes_the_connection(talk: SocketClient) -> None:
    """A second subscription with the id of a running one closes the connection."""
    await talk.subscribe("subscription { forever }")
    await talk.event()
    await talk.subscribe("subscription { forever }")
    assert (await talk.closed())[0] == 4409


async def test_subscribing_requires_the_acknowledgement(address: str) -> None:
    """A `subscribe` before `connection_init` closes the connection."""
    async with connected(address) as talk:
        await talk.subscribe("subscription { count }")
        assert (await talk.closed())[0] == 4401


async def test_a_silent_connection_is_closed(address: str) -> None:
    """A connection without a `connection_init` within the time limit is closed."""
    async with connected(address) as talk:
        assert (await talk.closed())[0] == 4408


@pytest.mark.parametrize("protocols", [[], [Subprotocol("graphql-ws")]], ids=["none", "the old one"])
async def test_other_subprotocols_are_refused(address: str, protocols: list[Subprotocol]) -> None:
    """A connection with another subprotocol than graphql-transport-ws, or with none, is closed."""
    async with connect(f"ws://{address}", subprotocols=protocols or None, proxy=None) as opened:
        assert (await SocketClient(opened).closed())[0] == 4406


async def test_other_origins_are_refused(address: str) -> None:
    """A page of another origin cannot open a WebSocket, as it cannot read responses over HTTP."""
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{address}", subprotocols=[PROTOCOL], origin="https://evil.test", proxy=None)  # type: ignore[arg-type]


REFUSED = {
    "{ greeting }": "BAD_REQUEST",
    "mutation { run }": "BAD_REQUEST",
    "subscription {": "BAD_REQUEST",
    "subscription { unknown }": "BAD_REQUEST",
    "subscription { count again: count }": "BAD_REQUEST",
    "subscription { __typename }": "BAD_REQUEST",
    "subscription A { count } subscription B { count }": "BAD_REQUEST",
    "subscription { count(to: 99999999999) }": "INVALID",
    "subscription { queries { " + "again { " * 12 + "greeting" + " }" * 14: "LIMIT_EXCEEDED",
    "subscription { count } #" + "x" * 65_536: "LIMIT_EXCEEDED",
}


@pytest.mark.parametrize("document", REFUSED, ids=range(len(REFUSED)))
async def test_a_refused_document_is_an_error_of_its_id(talk: SocketClient, document: str) -> None:
    """An invalid document, or one over the limits of HTTP, is an error of its id; the connection stays open."""
    await talk.subscribe(document)
    assert await code_of(talk) == ("error", "1", REFUSED[document])
    await talk.subscribe("subscription { count(to: 1) }")
    assert await talk.event() == {"count": 1}


async def test_errors_contain_no_suggestion(talk: SocketClient) -> None:
    """In production the error of a misspelt name does not contain a similar name of the schema."""
    await talk.subscribe("subscription { cuont }")
    assert "Did you mean" not in str(await talk.receive())


async def test_an_unknown_operation_name_is_an_error(talk: SocketClient) -> None:
    """An `operationName` that the document does not define is an error of its id."""
    payload = {"query": "subscription A { count }", "operationName": "B"}
    await talk.send(type="subscribe", id="1", payload=payload)
    assert await code_of(talk) == ("error", "1", "BAD_REQUEST")


async def test_the_subscriptions_of_a_connection_are_limited(talk: SocketClient) -> None:
    """One subscription over the limit is an error; when another one is complete, a new one is accepted."""
    for number in range(LIMITS.subscriptions):
        await talk.subscribe("subscription { forever }", str(number))
        await talk.event()
    await talk.subscribe("subscription { forever }", "more")
    assert await code_of(talk) == ("error", "more", "LIMIT_EXCEEDED")
    await talk.send(type="complete", id="0")
    await talk.subscribe("subscription { forever }", "more")
    await talk.event()


async def test_the_subscriptions_of_a_caller_are_limited(address: str, talk: SocketClient) -> None:
    """The limit counts all connections of a caller, and those of another caller apart; what ended no longer counts."""
    for number in range(LIMITS.subscriptions):
        await talk.subscribe("subscription { forever }", str(number))
        await talk.event()
    async with connected(address, "ada") as second, connected(address, "bo") as other:
        for number in range(LIMITS.caller_subscriptions - LIMITS.subscriptions):
            await second.subscribe("subscription { forever }", str(number))
            await second.event()
        await second.subscribe("subscription { forever }", "more")
        assert await code_of(second) == ("error", "more", "LIMIT_EXCEEDED")
        await other.subscribe("subscription { forever }")
        await other.event()
        await talk.connection.close()
        await second.subscribe("subscription { count(to: 1) }", "after")
        assert (await second.receive())["type"] == "next"


async def test_unexpected_errors_are_masked(talk: SocketClient) -> None:
    """An unexpected exception ends the subscription with INTERNAL and one log line, both without its message."""
    with capture_logs() as log:
        await talk.subscribe("subscription { breaks }")
        await talk.event()
        message = await talk.receive()
    assert [error["extensions"]["code"] for error in message["payload"]] == ["INTERNAL"]
    assert [line["event"] for line in log] == ["request_failed"]
    assert CANARY not in f"{message} {log}"


async def test_an_error_of_an_event_does_not_end_the_subscription(talk: SocketClient) -> None:
    """A failing field is an error of its event, and the next event follows."""
    await talk.subscribe("subscription { queries { greeting refused } }")
    for _ in range(2):
        payload = (await talk.receive())["payload"]
        assert payload["data"] == {"queries": {"greeting": "hello you", "refused": None}}
        assert [error["extensions"]["code"] for error in payload["errors"]] == ["INVALID"]
    assert (await talk.receive())["type"] == "complete"


async def test_expected_failures_end_the_subscription(talk: SocketClient) -> None:
    """An expected error of the stream ends the subscription with its code; the connection stays open."""
    await talk.subscribe("subscription { refused }")
    await talk.event()
    assert await code_of(talk) == ("error", "1", "INVALID")
    await talk.send(type="ping")
    assert await talk.receive() == {"type": "pong"}


async def test_a_revoked_token_closes_the_connection(talk: SocketClient) -> None:
    """When a stream raises UNAUTHENTICATED, the connection is closed with all its subscriptions."""
    await talk.subscribe("subscription { forever }", "2")
    await talk.event()
    await talk.subscribe("subscription { revoked }")
    await talk.event()
    assert await code_of(talk) == ("error", "1", "UNAUTHENTICATED")
    assert await talk.closed() == (4403, "The key of your token was withdrawn.")


async def _running(talk: SocketClient) -> int:
    await talk.subscribe("subscription { forever }", "probe")
    number: int = (await talk.event())["forever"]
    await talk.send(type="complete", id="probe")
    return number


@pytest.mark.parametrize("how", ["complete", "close", "disappear"])
async def test_a_stream_stops_with_its_client(address: str, how: str) -> None:
    """A stream is stopped at once when its client completes it, closes the connection, or disappears."""
    async with connected(address, "ada") as talk, connected(address, "ada") as other:
        await talk.subscribe("subscription { forever }")
        await talk.event()
        assert await _running(other) == 2
        if how == "complete":
            await talk.send(type="complete", id="1")
        elif how == "close":
            await talk.connection.close()
        else:
            talk.connection.transport.abort()
        async with asyncio.timeout(10):
            while await _running(other) != 1:
                pass


def by_hash(text: str) -> dict[str, Any]:
    """Return the extensions of a request by the hash of its document."""
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}


async def test_a_subscription_is_requested_by_its_hash(talk: SocketClient) -> None:
    """The first request by hash is an error of its id, then hash and text register it, then the hash is enough."""
    text = "subscription { count(to: 1) }"
    payloads = ({"extensions": by_hash(text)}, {"extensions": by_hash(text), "query": text})
    messages = []
    for number, payload in enumerate((*payloads, payloads[0])):
        await talk.send(type="subscribe", id=str(number), payload=payload)
        message = await talk.receive()
        messages.append(message)
        if message["type"] == "next":
            assert (await talk.receive())["type"] == "complete"
    assert [message["type"] for message in messages] == ["error", "next", "next"]
    assert messages[0]["payload"][0]["message"] == "PersistedQueryNotFound"


async def test_a_subscription_is_bound_to_persisted_documents(build: Any) -> None:
    """Where persisted documents are required, another subscription is refused, and one by its id runs."""
    documents = PersistedDocuments(DocumentMode.REQUIRE, {"m1": "subscription { count(to: 1) }"})
    async with serving(build(documents=documents)) as address, connected(address) as talk:
        await talk.init("ada")
        await talk.send(type="subscribe", id="1", payload={"query": "subscription { count(to: 2) }"})
        assert (await talk.receive())["payload"][0]["extensions"]["code"] == "PERSISTED_DOCUMENT_REQUIRED"
        await talk.send(type="subscribe", id="2", payload={"documentId": "m1"})
        assert (await talk.receive())["payload"]["data"] == {"count": 1}


async def test_the_sockets_of_a_caller_are_read_in_the_same_turns(build: Any) -> None:
    """However many a caller opens, they have the turns of one; those of another caller have their own."""
    socket: Any = next(route.app for route in build().routes if isinstance(route, WebSocketRoute))
    ada, bob = (Principal(name, PrincipalKind.PERSON, "default") for name in ("ada", "bob"))
    sockets = socket.sockets_of(ada)
    assert socket.sockets_of(ada) is sockets
    assert socket.sockets_of(bob) is not sockets
    del sockets
    assert not [*socket._sockets]  # noqa: SLF001 - what a caller leaves behind


async def test_a_connection_takes_the_turns_of_its_caller(monkeypatch: pytest.MonkeyPatch, build: Any) -> None:
    """Two connections of ada use one budget once they are acknowledged, also to start subscriptions."""
    used: list[OperationBudget] = []
    pause = OperationBudget.pause

    async def noted(budget: OperationBudget) -> None:
        used.append(budget)
        await pause(budget)

    async with serving(build()) as address, connected(address, "ada") as one, connected(address, "ada") as two:
        monkeypatch.setattr(OperationBudget, "pause", noted)
        for talk in (one, two):
            await talk.subscribe("subscription { count(to: 1) }")
            await talk.event()
    assert len({id(each) for each in used}) == 1
    assert len(used) >= 4
