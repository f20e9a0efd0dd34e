"""The WebSocket speaks graphql-transport-ws, and is as strict and as silent about defects as HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.servers.websocket_client import PROTOCOL, Talk, serving, talking
from websockets import Subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.http.graphql.graphql_request import RequestLimits
from app.http.websocket.subscription_socket import MAX_SUBSCRIPTIONS

CANARY = "canary-5f1d"


@pytest.fixture
async def address(build: Any) -> AsyncIterator[str]:
    """Serve the small schema as in production, with limits that are quickly met."""
    limits = RequestLimits(init_seconds=0.5, message_bytes=100_000)
    async with serving(build(suggestions=False, limits=limits)) as address:
        yield address


@pytest.fixture
async def talk(address: str) -> AsyncIterator[Talk]:
    """Open a connection that ada has come in by."""
    async with talking(address, "ada") as talk:
        yield talk


async def code_of(talk: Talk) -> tuple[str, str, str]:
    """The kind of the next message, its id, and the code of its only error."""
    message = await talk.hear()
    (error,) = message["payload"]
    assert error["extensions"]["requestId"]
    return message["type"], message["id"], error["extensions"]["code"]


async def test_events_and_the_end(talk: Talk) -> None:
    """Each event is a `next` with data and extensions, and `complete` ends them; the id is free again."""
    for _ in range(2):
        await talk.subscribe("subscription { count(to: 2) }")
        for number in (1, 2):
            payload = {"data": {"count": number}, "extensions": {"asked": "ada"}}
            assert await talk.hear() == {"id": "1", "type": "next", "payload": payload}
        assert await talk.hear() == {"id": "1", "type": "complete"}


async def test_the_acknowledgement_names_the_request(address: str) -> None:
    """The id under which the logs know the connection comes with the acknowledgement."""
    headers = {"X-Request-Id": "my-own"}
    async with connect(f"ws://{address}", subprotocols=[PROTOCOL], additional_headers=headers, proxy=None) as opened:
        assert await Talk(opened).init("ada") == {"type": "connection_ack", "payload": {"requestId": "my-own"}}


async def test_ping_is_answered(talk: Talk) -> None:
    """A ping of the protocol gets its pong, and a pong nothing."""
    await talk.say(type="pong")
    await talk.say(type="ping")
    assert await talk.hear() == {"type": "pong"}


@pytest.mark.parametrize("key", ["Authorization", "authorization"])
async def test_the_token_comes_with_connection_init(address: str, key: str) -> None:
    """Both spellings of the header's name are read."""
    async with talking(address) as talk:
        await talk.say(type="connection_init", payload={key: "Bearer ada"})
        assert (await talk.hear())["type"] == "connection_ack"


NOT_LET_IN: dict[str, tuple[Any, int]] = {
    "nothing": ({}, 4403),
    "no payload": (None, 4400),
    "another token": ({"Authorization": "Bearer bob"}, 4403),
    "no text": ({"Authorization": ["Bearer ada"]}, 4403),
    "two tokens": ({"Authorization": "Bearer ada", "authorization": "Bearer ada"}, 4403),
    "nobody can say": ({"Authorization": "Bearer eve"}, 1013),
}


@pytest.mark.parametrize("what", NOT_LET_IN)
async def test_who_is_not_let_in(address: str, what: str) -> None:
    """Without a good token the connection is closed, with a reason."""
    payload, code = NOT_LET_IN[what]
    async with talking(address) as talk:
        await talk.say(type="connection_init", payload=payload)
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


@pytest.mark.parametrize("what", BROKEN)
async def test_what_breaks_the_protocol(talk: Talk, what: str) -> None:
    """A message that is none of the protocol closes the connection with the protocol's code and a reason."""
    text, code = BROKEN[what]
    with capture_logs() as log:
        await talk.connection.send(text)
        closed, reason = await talk.closed()
    assert (closed, bool(reason), log) == (code, True, [])


async def test_an_id_that_is_taken(talk: Talk) -> None:
    """A second subscription under a running id closes the connection."""
    await talk.subscribe("subscription { forever }")
    await talk.event()
    await talk.subscribe("subscription { forever }")
    assert (await talk.closed())[0] == 4409


async def test_subscribing_before_coming_in(address: str) -> None:
    """Nothing runs before the acknowledgement."""
    async with talking(address) as talk:
        await talk.subscribe("subscription { count }")
        assert (await talk.closed())[0] == 4401


async def test_who_says_nothing(address: str) -> None:
    """A connection on which no `connection_init` comes is closed."""
    async with talking(address) as talk:
        assert (await talk.closed())[0] == 4408


@pytest.mark.parametrize("protocols", [[], [Subprotocol("graphql-ws")]], ids=["none", "the old one"])
async def test_other_subprotocols(address: str, protocols: list[Subprotocol]) -> None:
    """Only graphql-transport-ws is spoken."""
    async with connect(f"ws://{address}", subprotocols=protocols or None, proxy=None) as opened:
        assert (await Talk(opened).closed())[0] == 4406


async def test_pages_of_other_origins(address: str) -> None:
    """A page from elsewhere cannot open a WebSocket, as it cannot read answers over HTTP."""
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
    "subscription { count(to: 99999999999) }": "BAD_REQUEST",
    "subscription { queries { " + "again { " * 12 + "greeting" + " }" * 14: "LIMIT_EXCEEDED",
    "subscription { count } #" + "x" * 65_536: "LIMIT_EXCEEDED",
}


@pytest.mark.parametrize("document", REFUSED, ids=range(len(REFUSED)))
async def test_documents_that_are_refused(talk: Talk, document: str) -> None:
    """What may not run is an error of that id alone, by the same limits as over HTTP; the connection lives on."""
    await talk.subscribe(document)
    assert await code_of(talk) == ("error", "1", REFUSED[document])
    await talk.subscribe("subscription { count(to: 1) }")
    assert await talk.event() == {"count": 1}


async def test_nothing_is_suggested(talk: Talk) -> None:
    """In production a near miss is not corrected: it would spell out names."""
    await talk.subscribe("subscription { cuont }")
    assert "Did you mean" not in str(await talk.hear())


async def test_a_name_that_the_document_lacks(talk: Talk) -> None:
    """An `operationName` of nothing is an error of that id."""
    payload = {"query": "subscription A { count }", "operationName": "B"}
    await talk.say(type="subscribe", id="1", payload=payload)
    assert await code_of(talk) == ("error", "1", "BAD_REQUEST")


async def test_as_many_as_there_may_be(talk: Talk) -> None:
    """One connection carries so many subscriptions and no more, until one of them is complete."""
    for number in range(MAX_SUBSCRIPTIONS):
        await talk.subscribe("subscription { forever }", str(number))
        await talk.event()
    await talk.subscribe("subscription { forever }", "more")
    assert await code_of(talk) == ("error", "more", "LIMIT_EXCEEDED")
    await talk.say(type="complete", id="0")
    await talk.subscribe("subscription { forever }", "more")
    await talk.event()


async def test_defects_are_masked(talk: Talk) -> None:
    """An unknown exception ends the subscription with INTERNAL, and one line without its words."""
    with capture_logs() as log:
        await talk.subscribe("subscription { breaks }")
        await talk.event()
        message = await talk.hear()
    assert [error["extensions"]["code"] for error in message["payload"]] == ["INTERNAL"]
    assert [line["event"] for line in log] == ["request_failed"]
    assert CANARY not in f"{message} {log}"


async def test_errors_of_an_event(talk: Talk) -> None:
    """A field that fails is an error of its event, and the next event comes."""
    await talk.subscribe("subscription { queries { greeting refused } }")
    for _ in range(2):
        payload = (await talk.hear())["payload"]
        assert payload["data"] == {"queries": {"greeting": "hello you", "refused": None}}
        assert [error["extensions"]["code"] for error in payload["errors"]] == ["INVALID"]
    assert (await talk.hear())["type"] == "complete"


async def test_expected_failures_end_the_subscription(talk: Talk) -> None:
    """A coded error of the stream keeps its code and words; the connection lives on."""
    await talk.subscribe("subscription { refused }")
    await talk.event()
    assert await code_of(talk) == ("error", "1", "INVALID")
    await talk.say(type="ping")
    assert await talk.hear() == {"type": "pong"}


async def test_a_caller_who_is_nobody_any_more(talk: Talk) -> None:
    """When a stream finds that the token holds no longer, the whole connection ends."""
    await talk.subscribe("subscription { forever }", "2")
    await talk.event()
    await talk.subscribe("subscription { thrownOut }")
    await talk.event()
    assert await code_of(talk) == ("error", "1", "UNAUTHENTICATED")
    assert await talk.closed() == (4403, "The key of your token was withdrawn.")


async def _running(talk: Talk) -> int:
    await talk.subscribe("subscription { forever }", "probe")
    number: int = (await talk.event())["forever"]
    await talk.say(type="complete", id="probe")
    return number


@pytest.mark.parametrize("how", ["complete", "close", "vanish"])
async def test_who_goes_away_leaves_nothing_running(address: str, how: str) -> None:
    """A stream that nobody listens to any more is stopped at once, however its listener went."""
    async with talking(address, "ada") as talk, talking(address, "ada") as other:
        await talk.subscribe("subscription { forever }")
        await talk.event()
        assert await _running(other) == 2
        if how == "complete":
            await talk.say(type="complete", id="1")
        elif how == "close":
            await talk.connection.close()
        else:
            talk.connection.transport.abort()
        async with asyncio.timeout(10):
            while await _running(other) != 1:
                pass
