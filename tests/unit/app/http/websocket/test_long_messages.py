"""Slots of long messages: taken before a message is parsed, and released when its subscription is admitted or ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from starlette.routing import WebSocketRoute
from support.servers.websocket_client import SocketClient, connected, serving

from app.fair_queue import FairQueue
from app.http.graphql.graphql_request import LONG_JSON, RequestLimits, read_json_in_turn
from app.http.websocket import long_messages, socket_messages
from app.http.websocket.caller_sockets import CallerSockets
from app.http.websocket.long_messages import long_message, message_slots
from app.http.websocket.socket_session import SocketSession
from app.http.websocket.subscription_socket import TRY_AGAIN_LATER, SubscriptionSocket
from graphql_schema.operation.admission import Admission
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import LimitError

CALLER = "default", "ada"
PADDING = "x" * LONG_JSON
MANY = {"variables": {"v": [0] * 20_000}}
"""Variables that are too many."""


class Client:
    """A socket whose client leaves when ``is_gone`` is set."""

    is_gone = False
    untaken = 0


@pytest.fixture
def app(build: Any) -> Any:
    """Return an application with a limit of 6 subscriptions of a caller."""
    return build(limits=RequestLimits(caller_subscriptions=6))


@pytest.fixture
def socket(app: Any) -> SubscriptionSocket:
    """Return the part of the application that serves WebSockets."""
    (found,) = [route.app for route in app.routes if isinstance(route, WebSocketRoute)]
    assert isinstance(found, SubscriptionSocket)
    return found


@pytest.fixture
async def address(app: Any) -> AsyncIterator[str]:
    """Return the address of the application."""
    async with serving(app) as address:
        yield address


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the messages that were parsed."""
    sizes: list[int] = []

    async def counted(text: bytes, limits: RequestLimits, part: str) -> object:
        sizes.append(len(text))
        return await read_json_in_turn(text, limits, part)

    monkeypatch.setattr(socket_messages, "read_json_in_turn", counted)
    return sizes


async def until(condition: Any) -> None:
    """Let the event loop run until a condition is true."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - conditions of several objects
            await asyncio.sleep(0)


async def subscribe(talk: SocketClient, document: str, name: str = "1", **payload: Any) -> None:
    """Send a long message that subscribes."""
    await talk.send(type="subscribe", id=name, payload={"query": document, "padding": PADDING, **payload})


async def test_a_long_message_is_parsed_when_its_caller_has_a_slot(
    address: str, socket: SubscriptionSocket, parsed: list[int]
) -> None:
    """Of a caller with all its slots taken no long message is parsed; short ones are, and those of other callers."""
    for _ in range(socket.messages.per_caller):
        await socket.messages.acquire(CALLER)
    async with connected(address, "ada") as one, connected(address, "ada") as two, connected(address, "bo") as other:
        await subscribe(one, "subscription { count(to: 1) }")
        await until(lambda: socket.messages.waiting)
        assert max(parsed) < LONG_JSON
        for talk in (two, other):
            await (subscribe(talk, "{") if talk is other else talk.subscribe("subscription { count(to: 1) }"))
            await talk.receive()
        socket.messages.release(CALLER)
        assert await one.event() == {"count": 1}


async def test_long_messages_wait_for_a_slot_before_their_turn(
    monkeypatch: pytest.MonkeyPatch, address: str, socket: SubscriptionSocket
) -> None:
    """All texts of a caller that wait are in the queue of slots, which refuses one too many."""

    async def endless(_budget: OperationBudget) -> None:
        await asyncio.Event().wait()

    socket.messages.waiting_per_caller = 1
    async with AsyncExitStack() as talks:
        found = [await talks.enter_async_context(connected(address, "ada")) for _ in range(4)]
        monkeypatch.setattr(OperationBudget, "pause", endless)
        for number, talk in enumerate(found[:3], start=1):
            await subscribe(talk, "subscription { count(to: 1) }")
            await until(lambda number=number: socket.messages.running + socket.messages.waiting == number)
        await subscribe(found[3], "subscription { count(to: 1) }")
        assert (await found[3].closed())[0] == TRY_AGAIN_LATER
        monkeypatch.undo()


ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "admitted": ("subscription { forever }", {}),
    "refused": ("subscription { unknown }", {}),
    "too many variables": ("subscription { forever }", MANY),
    "a query": ("{ greeting }", {}),
    "unknown hash": ("", {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_slot_is_released_when_a_subscription_is_admitted_or_refused(
    address: str, socket: SubscriptionSocket, end: str
) -> None:
    """The slot is held until the first answer at most; the connection goes on."""
    document, payload = ENDS[end]
    async with connected(address, "ada") as talk:
        await subscribe(talk, document, **payload)
        await talk.receive()
        assert socket.messages.running == 0
        await talk.send(type="ping", payload={"padding": PADDING})
        assert await talk.receive() == {"type": "pong"}
        await until(lambda: not socket.messages.running)


@pytest.mark.parametrize("how", ["complete", "close", "disappear"])
async def test_a_slot_is_held_until_the_admission_or_its_end(
    monkeypatch: pytest.MonkeyPatch, address: str, socket: SubscriptionSocket, how: str
) -> None:
    """While documents are examined, slots are held; `complete` and the loss of the connection release them."""

    async def endless(_admission: Admission) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Admission, "validate", endless)
    async with connected(address, "ada") as talk:
        for number in range(socket.messages.per_caller):
            await subscribe(talk, "subscription { forever }", str(number))
        await until(lambda: socket.messages.running == socket.messages.per_caller)
        if how == "complete":
            for number in range(socket.messages.per_caller):
                await talk.send(type="complete", id=str(number))
        elif how == "close":
            await talk.connection.close()
        else:
            talk.connection.transport.abort()
        await until(lambda: not socket.messages.running and not socket.messages.waiting)


async def test_what_is_refused_by_a_number_starts_no_task(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Too many variables, and too many subscriptions of a caller, are refused before a task keeps the variables."""
    started: list[str] = []

    async def waiting(_handler: Any, operation: Any) -> None:
        started.append(operation.id)
        await asyncio.Event().wait()

    monkeypatch.setattr(SubscriptionSocket.graphql_transport_ws_handler_class, "run_operation", waiting)
    async with connected(address, "ada") as one, connected(address, "ada") as two:
        await one.send(type="subscribe", id="many", payload={"query": "subscription { forever }", **MANY})
        assert (await one.receive())["payload"][0]["extensions"]["limit"] == "variables"
        for number in range(7):
            await (one if number % 2 else two).subscribe("subscription { forever }", str(number))
            await until(lambda number=number: len(started) == min(6, number + 1))
        assert (await two.receive())["payload"][0]["extensions"]["limit"] == "callerSubscriptions"
    assert sorted(started) == [str(number) for number in range(6)]


async def test_no_more_is_parsed_after_the_client_has_left(
    monkeypatch: pytest.MonkeyPatch, address: str, parsed: list[int]
) -> None:
    """What was received before, and waits for a turn, is dropped when the connection is lost."""
    async with connected(address, "ada") as talk:
        monkeypatch.setattr(socket_messages.SocketMessages, "is_gone", property(lambda _: True))
        before = len(parsed)
        await talk.send(type="ping")
        await talk.closed()
    assert len(parsed) == before


async def test_no_subscription_is_started_after_the_client_has_left(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """One that waited for its turn authenticates and reads nothing when the connection was lost meanwhile."""
    authenticated: list[SocketSession] = []

    async def principal(session: SocketSession) -> None:
        authenticated.append(session)

    def is_starting(_socket: object) -> bool:
        return "run_operation" in repr(asyncio.current_task())

    async with connected(address, "ada") as talk:
        monkeypatch.setattr(SocketSession, "principal", principal)
        monkeypatch.setattr(socket_messages.SocketMessages, "is_gone", property(is_starting))
        await talk.subscribe("subscription { count(to: 1) }")
        await talk.send(type="ping")
        assert await talk.receive() == {"type": "pong"}
    assert authenticated == []


async def test_a_wait_for_a_slot_ends_with_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that leaves, or a task that is cancelled, keeps no slot and no place in the queue."""
    monkeypatch.setattr(long_messages, "LOOK_SECONDS", 0)
    slots, caller, client = message_slots(), CallerSockets(*CALLER), Client()
    held = [await long_message(slots, caller, client) for _ in range(slots.per_caller)]
    leaving, cancelled = [asyncio.ensure_future(long_message(slots, caller, each)) for each in (client, Client())]
    await until(lambda: slots.waiting == len([leaving, cancelled]))
    cancelled.cancel()
    client.is_gone = True
    await asyncio.wait([leaving, cancelled])
    leaving.result().close()
    assert slots.running == len(held)
    for each in held:
        each.close()
    assert (slots.running, slots.waiting) == (0, 0)


async def test_too_many_waiting_messages_are_refused() -> None:
    """The error of the queue is raised; the connection ends by it."""
    full = FairQueue(per_caller=0, waiting_per_caller=0)
    with pytest.raises(LimitError):
        await long_message(full, CallerSockets(*CALLER), Client())
