"""What a client reports to the watches of its writes, by the responses of the store; without a store."""

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.transport import Exchange
from app.graph.records.touched import NOTHING, PART_SIZE, Touched
from app.store.store_endpoint import StoreEndpoint
from graphql_schema.ports import operation_budget
from policies.errors import CodedError

URL = "http://127.0.0.1:1/gremlin"
OVERLOADED = (429, b"")


def failed(*classes: str) -> tuple[int, bytes]:
    """Return the response of a store that failed with exceptions of these classes."""
    return 500, orjson.dumps({"message": "", "exceptions": [*classes]})


class Ends:
    """A watch of writes that records whether their ends were certain."""

    def __init__(self) -> None:
        self.certain: list[bool] = []

    def begun(self, touched: Touched) -> None:
        """Do nothing."""

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Record an end."""
        assert touched is NOTHING
        self.certain.append(certain)


async def certain_ends(monkeypatch: pytest.MonkeyPatch, *responses: Any) -> list[bool]:
    """Return whether the end of a write was certain that one server after the other had these responses to."""
    client: Any = GremlinClient([StoreEndpoint.parse(URL)] * len(responses))
    left, ends = [*responses], Ends()
    client.write_watches.append(ends)

    async def post(_session: object, _server: object, exchange: Exchange) -> tuple[int, bytes]:
        exchange.attempts += 1
        response: tuple[int, bytes] | Exception = left.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    client.transport.session = None
    monkeypatch.setattr(client.transport, "post", post)
    with suppress(CodedError):
        await client.submit(PreparedStatement("write"), {}, writes=NOTHING)
    assert not left
    return ends.certain


@pytest.mark.parametrize(
    ("response", "certain"),
    [
        ((200, b'{"result": {"data": [1]}}'), True),
        (failed("PermanentLockingException"), True),
        (failed("IllegalArgumentException"), True),
        (failed("DiskLimitException"), True),
        (OVERLOADED, True),
        (failed("TemporaryBackendException", "WriteTimeoutException"), False),
        (failed("TimeoutException"), False),
        (failed("IOException"), False),
        (failed("an.unknown.Error"), False),
        ((200, b"[]"), False),
        ((502, b"<html>Bad Gateway</html>"), False),
        (aiohttp.ClientPayloadError(), False),
    ],
)
async def test_a_write_ends_for_certain_only_by_a_response_about_its_outcome(
    monkeypatch: pytest.MonkeyPatch, response: Any, *, certain: bool
) -> None:
    """A storage that timed out may apply a write later, so that readers may not keep what they read meanwhile."""
    assert await certain_ends(monkeypatch, response) == [certain]


async def test_a_refusal_by_one_server_is_none_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that one server refused is sent to another one, whose response may be lost."""
    assert await certain_ends(monkeypatch, OVERLOADED, aiohttp.ClientPayloadError()) == [False]


LARGE = Touched(frozenset(range(5 * PART_SIZE)), tenants=frozenset({"acme"}))


class Parts:
    """A watch of writes that records the parts that have begun, and those whose end was certain."""

    def __init__(self) -> None:
        self.begun_parts: list[Touched] = []
        self.ended_parts: list[Touched] = []

    def begun(self, touched: Touched) -> None:
        """Record a begin."""
        self.begun_parts.append(touched)

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Record an end."""
        assert certain
        self.ended_parts.append(touched)


async def test_a_large_write_begins_in_parts_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others run between the parts. All have begun when the write is sent, and ended when its response is returned."""
    monkeypatch.setattr(operation_budget, "TURN_SECONDS", -1.0)
    client, watch, sent, counts = GremlinClient(URL), Parts(), list[int](), set[int]()

    async def rows(_exchange: Exchange) -> list[int]:
        sent.append(len(watch.begun_parts))
        return []

    client.write_watches.append(watch)
    monkeypatch.setattr(client.transport, "rows", rows)
    writing = asyncio.create_task(client.submit(PreparedStatement("write"), {}, writes=LARGE))
    while not writing.done():
        await asyncio.sleep(0)
        counts.add(len(watch.begun_parts))
    assert sent == [5]
    assert len(counts) > 2
    assert frozenset[int]().union(*(part.vertices for part in watch.begun_parts)) == LARGE.vertices
    assert watch.ended_parts == watch.begun_parts


async def test_the_parts_that_have_begun_end_after_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is cancelled before it is sent leaves nothing in flight, of which a cache would keep nothing."""
    monkeypatch.setattr(operation_budget, "TURN_SECONDS", 0)
    client, watch = GremlinClient(URL), Parts()
    client.write_watches.append(watch)
    writing = asyncio.create_task(client.submit(PreparedStatement("write"), {}, writes=LARGE))
    while not watch.begun_parts:  # noqa: ASYNC110 - each turn of the event loop counts
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert 0 < len(watch.begun_parts) < 5
    assert watch.ended_parts == watch.begun_parts
