"""Queues for bodies: few large ones, and many small ones, of a caller are in memory."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
import strawberry
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from app.fair_queue import FairQueue
from app.http.connections.departure import Departure
from app.http.graphql.body_queues import SMALL, TINY, BodyQueues
from app.http.graphql.graphql_request import LONG_JSON
from app.http.graphql.graphql_view import GraphQLView
from app.http.untaken_responses import HeldSlots
from app.telemetry.operation_report import OperationReport
from graphql_schema.operation.limited_schema import OperationSchema
from policies.principal import Principal, PrincipalKind

JSON = "application/json"
FULL = FairQueue(per_caller=0, waiting_per_caller=0)
"""A queue that refuses each body."""


@strawberry.type
class Greeter:
    """The root of queries."""

    @strawberry.field
    def greeting(self) -> str:
        """Return a text."""
        return "hello"


async def no_context(_request: object, _principal: Principal) -> None:
    """Return no context, which these documents do not use."""


def view_with(bodies: BodyQueues) -> GraphQLView[Any]:
    """Return a view whose bodies have these queues."""
    view: GraphQLView[Any] = GraphQLView(OperationSchema(Greeter), no_context)
    view.bodies = bodies
    return view


@pytest.mark.parametrize(
    ("size", "at_once"), [(TINY, 1_000), (TINY + 1, 128), (SMALL, 128), (SMALL + 1, 16), (LONG_JSON, 16), (1 << 20, 4)]
)
async def test_bodies_of_a_caller_are_bounded_by_their_size(size: int, at_once: int) -> None:
    """Those of a MiB in all are in memory, or four long ones; the next one waits, and that of another caller not."""
    queues = BodyQueues()
    async with AsyncExitStack() as held:
        for _ in range(at_once):
            await held.enter_async_context(queues.slot("ada", size))
        await held.enter_async_context(queues.slot("bo", size))
        waiting = asyncio.create_task(held.enter_async_context(queues.slot("ada", size)))
        await asyncio.sleep(0)
        assert waiting.done() is (size == TINY)
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_bodies_that_do_not_arrive_take_no_slot_of_other_callers() -> None:
    """Four callers with four of them each once held all slots, for the ten seconds after which a late body ends."""
    queues = BodyQueues()
    async with AsyncExitStack() as held, asyncio.timeout(5):
        for caller in range(10):
            for _ in range(4):
                await held.enter_async_context(queues.slot(caller, 1 << 20))
        await held.enter_async_context(queues.slot("ada", 1 << 20))
        assert not queues.long.running


async def test_small_bodies_do_not_wait_for_larger_ones() -> None:
    """A caller whose sixteen large queries wait can send a mutation."""
    queues = BodyQueues()
    async with AsyncExitStack() as held:
        for _ in range(16):
            await held.enter_async_context(queues.slot("ada", LONG_JSON))
        async with asyncio.timeout(5):
            await held.enter_async_context(queues.slot("ada", SMALL))


@pytest.mark.parametrize(
    ("queue", "headers", "waits"),
    [
        ("arriving", {"content-length": str(LONG_JSON + 1)}, True),
        ("arriving", {"content-length": "a"}, True),
        ("arriving", {}, True),
        ("arriving", {"content-length": str(LONG_JSON)}, False),
        ("short", {"content-length": str(LONG_JSON)}, True),
        ("short", {"content-length": str(SMALL)}, False),
        ("small", {"content-length": str(SMALL)}, True),
        ("small", {"content-length": str(TINY + 1)}, True),
        ("small", {"content-length": str(TINY)}, False),
    ],
)
async def test_a_body_is_not_read_before_it_has_a_slot(queue: str, headers: dict[str, str], *, waits: bool) -> None:
    """One caller cannot fill the memory with bodies that wait; a body without a length counts as long."""
    view = view_with(replace(BodyQueues(), **{queue: FULL}))
    read: list[int] = []

    async def receive() -> Message:
        read.append(1)
        return {"type": "http.disconnect"}

    given = [(name.encode(), value.encode()) for name, value in {"content-type": JSON, **headers}.items()]
    caller = Principal("ada", PrincipalKind.PERSON, "default")
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": given}
    request = Request({**scope, "state": {"principal": caller}}, receive)
    if waits:
        response = await view.respond(request, OperationReport(), HeldSlots(), Departure(Mock()))
        assert json.loads(bytes(response.body))["errors"][0]["extensions"]["limit"] == "waiting"
    else:
        with pytest.raises(ClientDisconnect):
            await view.respond(request, OperationReport(), HeldSlots(), Departure(Mock()))
    assert bool(read) is not waits


@pytest.mark.parametrize("length", [LONG_JSON, LONG_JSON + 1])
async def test_a_long_body_that_has_arrived_waits_for_a_slot_before_it_is_decoded(length: int) -> None:
    """What is decoded from it takes many times its memory: the slots are those of all callers."""
    view = view_with(BodyQueues(long=FULL))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{".ljust(length)}

    caller = Principal("ada", PrincipalKind.PERSON, "default")
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [(b"content-type", JSON.encode())]}
    request = Request({**scope, "state": {"principal": caller}}, receive)
    response = await view.respond(request, OperationReport(), HeldSlots(), Departure(Mock()))
    (error,) = json.loads(bytes(response.body))["errors"]
    assert (error["extensions"].get("limit") == "waiting") is (length > LONG_JSON)


@pytest.mark.parametrize("length", [TINY, TINY + 1])
async def test_long_parameters_are_not_read_before_they_have_a_slot(length: int) -> None:
    """The variables of a GET take as much memory as those of a body."""
    view = view_with(BodyQueues(small=FULL))
    caller = Principal("ada", PrincipalKind.PERSON, "default")
    scope = {"type": "http", "method": "GET", "path": "/graphql", "headers": [], "query_string": b"x" * length}
    response = await view.respond(
        Request({**scope, "state": {"principal": caller}}), OperationReport(), HeldSlots(), Departure(Mock())
    )
    (error,) = json.loads(bytes(response.body))["errors"]
    assert (error["extensions"].get("limit") == "waiting") is (length > TINY)
