"""What a client reports to the watches of its writes, and to whom it gives its slots; without a store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from math import ceil
from random import Random
from typing import Any, cast

import aiohttp
import orjson
import pytest
from support.stores.held_store import RIGHT, EmbeddedHost, HeldStore
from support.waiting import until

from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import MANY_BYTES, GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.transport import Exchange
from app.graph.records.touched import NOTHING, PART_SIZE, Touched
from app.store.store_endpoint import StoreEndpoint
from app.store.store_host import StoreHost
from graphql_schema.ports.turns import loop_turns
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
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
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
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 0)
    client, watch = GremlinClient(URL), Parts()
    client.write_watches.append(watch)
    writing = asyncio.create_task(client.submit(PreparedStatement("write"), {}, writes=LARGE))
    while not watch.begun_parts:  # noqa: ASYNC110 - each turn of the event loop counts
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert 0 < len(watch.begun_parts) < 5
    assert watch.ended_parts == watch.begun_parts


Embedded = Callable[..., HeldStore]


@pytest.fixture
async def embedded() -> AsyncIterator[Embedded]:
    """Return a function that opens a client of an embedded store; its requests end with the test."""
    opened: list[HeldStore] = []

    def open_store(**given: Any) -> HeldStore:
        opened.append(HeldStore(GremlinClient(URL, host=cast("StoreHost", EmbeddedHost()), **given)))
        return opened[-1]

    yield open_store
    for each in opened:
        await each.end()


async def test_a_caller_waits_for_a_turn_and_not_for_all_requests_of_another(embedded: Embedded) -> None:
    """Of twelve slow requests of one caller three are in the store; that of another is sent at once.

    With all slots of callers taken, each that waits gets one that is free before any gets a second one.
    """
    store = embedded()
    for number in range(12):
        store.send(f"eve {number}")
    assert await store.run_on() == ["eve 0", "eve 1", "eve 2"]
    for number in range(4):
        store.send(f"bo {number}")
    assert (await store.run_on())[3:] == ["bo 0", "bo 1", "bo 2"]
    store.send("ada 0")
    assert len(await store.run_on()) == 6
    store.respond("eve 1")
    assert len(await store.run_on()) == 7
    store.respond("eve 0")
    assert (await store.run_on())[6:] == ["eve 3", "ada 0"]


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
async def test_a_caller_who_has_received_very_much_has_one_slot(embedded: Embedded, *, leaves: bool) -> None:
    """Three responses of megabytes at once keep all cores of a small machine from others; also if the client leaves."""
    store = embedded()
    first = store.send("eve 0")
    await store.run_on()
    if leaves:
        first.cancel()
    rows = b'{"result": {"data": ["%s"]}}' % (b"x" * 3 * MANY_BYTES)
    store.respond("eve 0", (200, rows))
    await asyncio.wait([first])
    for name in ("eve 1", "eve 2", "ada 0", "ada 1"):
        store.send(name)
    assert await store.run_on() == ["eve 0", "eve 1", "ada 0", "ada 1"]
    store.respond("eve 1")
    assert (await store.run_on())[4:] == ["eve 2"]


async def test_a_write_is_sent_while_readers_wait(embedded: Embedded) -> None:
    """Readers leave two slots to the process. With these taken, its next request is before theirs."""
    store = embedded()
    for who in ("ada", "bo", "eve"):
        for number in range(3):
            store.send(f"{who} {number}")
    assert len(await store.run_on()) == 6
    for number in range(3):
        store.send(f"process {number}", writes=True)
    assert (await store.run_on())[6:] == ["process 0", "process 1"]
    store.respond("ada 0")
    assert (await store.run_on())[8:] == ["process 2"]


FEW = [
    (1, ["ada 0"]),
    (2, ["ada 0", "bo 0"]),
    (3, ["ada 0", "ada 1", "bo 0"]),
    (4, ["ada 0", "ada 1", "bo 0"]),
    (5, ["ada 0", "ada 1", "bo 0", "bo 1"]),
]


@pytest.mark.parametrize(("in_flight", "readers"), FEW)
async def test_few_slots_are_shared_as_well(embedded: Embedded, in_flight: int, readers: list[str]) -> None:
    """With fewer than four slots, none is kept for the process, whose write is the next that is sent.

    From three on, a caller has two of them, and never all.
    """
    store = embedded(in_flight=in_flight)
    for who in ("ada", "bo", "eve", "cy"):
        for number in range(2):
            store.send(f"{who} {number}")
    assert await store.run_on() == readers
    store.send("process 0", writes=True)
    await store.run_on()
    store.respond("ada 0")
    assert (await store.run_on())[len(readers)] == "process 0"


LATE = [RIGHT, aiohttp.ClientPayloadError()]


@pytest.mark.parametrize("response", LATE, ids=["rows", "broken"])
async def test_a_late_read_keeps_its_slot_until_its_response(embedded: Embedded, response: Any) -> None:
    """The embedded store works on after the deadline: meanwhile the next request is not sent, nor the read again."""
    store = embedded(in_flight=1, deadline=0.2)
    for name in ("ada 0", "bo 0"):
        with pytest.raises(StoreUnavailableError, match="not completed"):
            await store.send(name)
    assert store.begun == ["ada 0"]
    store.respond("ada 0", response)
    sent = store.send("bo 1")
    assert await store.run_on() == ["ada 0", "bo 1"]
    store.respond("bo 1")
    assert await sent == [1]


async def test_a_cancelled_read_keeps_its_slot_and_a_cancelled_write_does_not(embedded: Embedded) -> None:
    """A write must not be sent after its cancellation, so it ends with that."""
    store = embedded(in_flight=1)
    for name, writes in (("process 0", True), ("process 1", False)):
        task = store.send(name, writes=writes)
        await store.run_on()
        task.cancel()
        await asyncio.wait([task])
    waiting = store.send("process 2")
    assert await store.run_on() == ["process 0", "process 1"]
    store.respond("process 1")
    await store.run_on()
    store.respond("process 2")
    assert await waiting == [1]


async def test_a_late_read_of_another_store_has_a_bound() -> None:
    """A connection that was lost without a notice has its slot no longer than the deadline once more."""
    store = HeldStore(GremlinClient(URL, in_flight=1, deadline=0.01))
    with pytest.raises(StoreUnavailableError):
        await store.send("ada 0")
    await until(lambda: not store.client.slots.running)
    assert store.held == {}


async def test_a_late_read_counts_for_its_server() -> None:
    """A server that works on a read whose caller has left is not taken for an idle one by the next request."""
    store = HeldStore(GremlinClient([StoreEndpoint.parse(f"http://{name}:8182/gremlin") for name in "ab"]))
    servers = store.client.pool.servers
    task = store.send("process 0")
    await store.run_on()
    task.cancel()
    await asyncio.wait([task])
    assert sorted(len(server.begun) for server in servers) == [0, 1]
    following = store.send("process 1")
    await store.run_on()
    assert [len(server.begun) for server in servers] == [1, 1]
    for name in ("process 0", "process 1"):
        store.respond(name)
    assert await following == [1]
    await until(lambda: not any(server.begun for server in servers))


async def test_requests_of_one_turn_are_spread_over_the_servers() -> None:
    """Of requests that are sent before any is on its way, each server has its share."""
    store = HeldStore(GremlinClient([StoreEndpoint.parse(f"http://{name}:8182/gremlin") for name in "ab"]))
    for number in range(6):
        store.send(f"process {number}")
    await store.run_on()
    assert [len(server.begun) for server in store.client.pool.servers] == [3, 3]
    await store.end()


async def test_a_client_closes_without_its_late_responses() -> None:
    """A store that never responds does not hold the process that stops."""
    async with GremlinClient(URL, host=cast("StoreHost", EmbeddedHost())) as client:
        store = HeldStore(client)
        task = store.send("ada 0")
        await store.run_on()
        task.cancel()
        await asyncio.wait([task])
        assert store.count() == 1
    assert store.count() == 0
    assert client.slots.running == 0


@pytest.mark.parametrize("seed", range(30))
async def test_no_slot_is_lost(embedded: Embedded, seed: int) -> None:
    """Under random responses, errors and cancellations, each share holds, and in the end all slots are free."""
    random, responses = Random(seed), list[Any]([RIGHT, OVERLOADED, aiohttp.ClientPayloadError()])
    slots = random.randint(1, 9)
    store = embedded(in_flight=slots)
    for number in range(400):
        act = random.random()
        if act < 0.5:
            who = random.choice(["process", "ada", "bo", "eve"])
            store.send(f"{who} {number}", writes=random.random() < 0.3)
        elif act < 0.65 and store.tasks:
            random.choice(store.tasks).cancel()
        elif names := store.unanswered():
            store.respond(random.choice(names), random.choice(responses))
        for _ in range(random.randint(0, 3)):
            await asyncio.sleep(0)
        assert store.count() <= slots
        assert store.count("ada", "bo", "eve") <= slots - min(2, slots // 4)
        assert max(map(store.count, ("ada", "bo", "eve"))) <= ceil(slots * 3 / 8)
    await store.end()
    assert (store.client.slots.running, store.client.slots.waiting) == (0, 0)
    store.begun.clear()
    for number in range(slots):
        store.send(f"process {number}")
    assert len(await store.run_on()) == slots
