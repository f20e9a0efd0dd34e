"""The driver against a real JanusGraph, behind a proxy that cuts and holds connections on command."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast
from uuid import uuid4

import pytest
from support.servers.store_proxy import Proxy, proxied
from support.stores.observed_requests import ObservedRequests
from support.waiting import until

from app.graph.driver.errors import PreparedTextError, StoreFailedError, StoreUnavailableError, VertexExistsError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import vertex_id
from app.store.errors import StoreReason
from app.store.store_host import StoreHost
from policies.errors import Code

ECHO = PreparedStatement.of("g.inject(x)", "x")
CREATE = PreparedStatement.of("g.addV('SelfCheck').property(T.id, x).id()", "x")
COUNT = PreparedStatement.of("g.V(x).count()", "x")
DROP = PreparedStatement.of("g.V(x).drop()", "x")


def new_id() -> int:
    """Return an id that no other test uses."""
    return vertex_id("test-client", uuid4().hex)


@pytest.fixture
async def proxy(gremlin_url: str) -> AsyncIterator[Proxy]:
    """Open a relay to the real store."""
    async with proxied(gremlin_url) as opened:
        yield opened


async def test_values_come_back_as_plain_json(client: GremlinClient) -> None:
    """Every kind of JSON value survives as a binding, long integers and every character included."""
    value = {"s": "it's $x \\ \"é😀", "i": 1, "l": 2**62 + 1, "f": 0.1, "t": True, "n": None, "a": [1, [2]], "m": {}}
    assert await client.submit(ECHO, {"x": value}) == [value]
    assert await client.submit(PreparedStatement.of("g.inject(xs).unfold()", "xs"), {"xs": list(range(3000))}) == list(
        range(3000)
    )


async def test_bindings_are_checked_before_anything_is_sent(client: GremlinClient) -> None:
    """The client refuses unsafe bindings without a request; `V([])`, for example, would select every vertex."""
    misfits: tuple[dict[str, object], ...] = ({}, {"x": []}, {"x": 1, "y": 2})
    client.observers.append(requests := ObservedRequests())
    for bindings in misfits:
        with pytest.raises(PreparedTextError):
            await client.submit(COUNT, bindings)
    assert requests.reports == []


async def test_a_statement_has_one_text_for_all_values(client: GremlinClient) -> None:
    """A statement has one text for all values of its parameters, and observers receive every request."""
    client.observers.append(requests := ObservedRequests())
    await asyncio.gather(*(client.submit(ECHO, {"x": n}) for n in range(20)))
    await client.submit(COUNT, {"x": new_id()})
    assert requests.texts == {ECHO.text: 20, COUNT.text: 1}
    assert [(e.prepared, e.writes, e.attempts, e.error) for e in requests.reports[:20]] == [(ECHO, False, 1, None)] * 20


class LosingIndex:
    """A host whose store loses its index with the next request."""

    def __init__(self) -> None:
        self.reasons = iter([None, StoreReason.INDEX])

    def outage(self) -> StoreReason | None:
        """Return the reason of the outage at the time of the call."""
        return next(self.reasons)


async def test_an_index_that_is_lost_during_a_request(gremlin_url: str) -> None:
    """Rows that were read meanwhile are refused, for they may lack documents; a confirmed write stays confirmed."""
    async with GremlinClient(gremlin_url, host=cast("StoreHost", LosingIndex())) as client:
        with pytest.raises(StoreUnavailableError) as caught:
            await client.submit(ECHO, {"x": 1})
        assert (caught.value.reason, caught.value.unknown_outcome) == (StoreReason.INDEX, False)
    async with GremlinClient(gremlin_url, host=cast("StoreHost", LosingIndex())) as client:
        assert await client.submit(CREATE, {"x": (created := new_id())}, writes=NOTHING) == [created]


async def test_no_more_requests_run_at_once_than_allowed(proxy: Proxy) -> None:
    """Of twelve requests, three reach the store while it does not answer; all are answered in the end."""
    async with GremlinClient(proxy.url, in_flight=3) as client:
        proxy.gate.clear()
        tasks = [asyncio.create_task(client.submit(ECHO, {"x": n})) for n in range(12)]
        await proxy.arrived(3)
        assert proxy.connections == 3
        proxy.gate.set()
        assert await asyncio.gather(*tasks) == [[n] for n in range(12)]
    assert proxy.connections == 3


@pytest.mark.parametrize("writes", [False, True])
async def test_a_missed_deadline_is_unavailable(proxy: Proxy, *, writes: bool) -> None:
    """The deadline ends the wait, only a write has an unknown outcome, and the client stays usable."""
    async with GremlinClient(proxy.url, deadline=0.3) as client:
        await client.submit(ECHO, {"x": 0})
        proxy.gate.clear()
        with pytest.raises(StoreUnavailableError, match=r"within 0\.3 s") as caught:
            await client.submit(ECHO, {"x": 1}, writes=writes)
        assert caught.value.unknown_outcome is writes
        proxy.gate.set()
        await client.submit(ECHO, {"x": 0})


async def test_the_deadline_counts_the_wait_for_a_slot(proxy: Proxy) -> None:
    """A write whose deadline passes before its slot is free is reported as not executed."""
    async with GremlinClient(proxy.url, in_flight=1, deadline=0.3) as client:
        client.observers.append(requests := ObservedRequests())
        proxy.gate.clear()
        both = asyncio.gather(
            client.submit(ECHO, {"x": 1}), client.submit(ECHO, {"x": 2}, writes=True), return_exceptions=True
        )
        await proxy.arrived(1)
        held_until = time.monotonic() + 0.4
        while time.monotonic() < held_until:  # holds the event loop, so that both deadlines end in one iteration
            pass
        ends = await both
    assert [isinstance(e, StoreUnavailableError) and not e.unknown_outcome for e in ends] == [True, True]
    assert sorted(requests.attempts) == [0, 1]


class WorkingHost:
    """A host whose store works: the client waits for its late responses."""

    def outage(self) -> None:
        """Report no outage."""


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_late_read_keeps_its_slot(proxy: Proxy, *, breaks: bool) -> None:
    """Until the embedded store has responded, or the connection breaks, no other request is sent in the slot."""
    host = cast("StoreHost", WorkingHost())
    async with GremlinClient(proxy.url, in_flight=1, deadline=0.5, host=host) as client:
        client.observers.append(requests := ObservedRequests())
        proxy.gate.clear()
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match=r"within 0\.5 s"):
                await client.submit(ECHO, {"x": 1})
        if breaks:
            await proxy.close()
            await proxy.open()
        proxy.gate.set()
        await until(lambda: client.slots.running == 0)
        assert await client.submit(ECHO, {"x": 2}) == [2]
    assert requests.attempts == [1, 0, 1]
    assert (proxy.requests, proxy.connections) == (2, 2 if breaks else 1)


async def test_a_read_is_sent_once_more_when_its_connection_breaks(proxy: Proxy) -> None:
    """A read is repeated once after a broken connection; a second break is raised."""
    async with GremlinClient(proxy.url) as client:
        client.observers.append(requests := ObservedRequests())
        proxy.cuts = 1
        assert await client.submit(ECHO, {"x": 1}) == [1]
        proxy.cuts = 2
        with pytest.raises(StoreUnavailableError) as caught:
            await client.submit(ECHO, {"x": 1})
    assert not caught.value.unknown_outcome
    assert requests.attempts == [2, 2]
    assert [exchange.error for exchange in requests.reports] == [None, Code.STORE_UNAVAILABLE]


async def test_a_write_is_never_repeated(proxy: Proxy) -> None:
    """A write whose response is lost is sent once and reported as unknown; here the store had committed it."""
    x = {"x": new_id()}
    async with GremlinClient(proxy.url) as client:
        client.observers.append(requests := ObservedRequests())
        proxy.cuts = 1
        with pytest.raises(StoreUnavailableError) as caught:
            await client.submit(CREATE, x, writes=True)
        assert caught.value.unknown_outcome
        assert requests.attempts == [1]
        assert await client.submit(COUNT, x) == [1]
        await client.submit(DROP, x, writes=True)


async def test_the_client_outlives_a_restart_of_the_store(proxy: Proxy) -> None:
    """While no server listens, even a write is reported as not executed; after the restart the same client works."""
    async with GremlinClient(proxy.url, in_flight=4) as client:
        await asyncio.gather(*(client.submit(ECHO, {"x": 0}) for _ in range(4)))
        await proxy.close()
        with pytest.raises(StoreUnavailableError):  # the client notices that its kept connections are gone
            await client.submit(ECHO, {"x": 0})
        for writes in (False, True):
            with pytest.raises(StoreUnavailableError) as caught:
                await client.submit(ECHO, {"x": 1}, writes=writes)
            assert caught.value.retry_after > 0
            assert not caught.value.unknown_outcome
        await proxy.open()
        assert await asyncio.gather(*(client.submit(ECHO, {"x": n}) for n in range(8))) == [[n] for n in range(8)]


async def test_an_existing_id_has_its_own_error(client: GremlinClient) -> None:
    """Creating a vertex twice raises an error of its own type the second time."""
    x = {"x": new_id()}
    assert await client.submit(CREATE, x, writes=True) == [x["x"]]
    with pytest.raises(VertexExistsError):
        await client.submit(CREATE, x, writes=True)
    await client.submit(DROP, x, writes=True)


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("throw new IllegalStateException(x)", ("IllegalStateException",)),
        ("g.V().has(x, x)", ("IllegalArgumentException",)),
        ("g.V(", ("MultipleCompilationErrorsException",)),
    ],
)
async def test_a_failure_shows_classes_and_no_values(
    client: GremlinClient, text: str, classes: tuple[str, ...]
) -> None:
    """Messages and stack traces of the store carry values and are not disclosed."""
    prepared = PreparedStatement(text, frozenset({"x"}))
    with pytest.raises(StoreFailedError) as caught:
        await client.submit(prepared, {"x": "a customer's word"})
    assert caught.value.classes == classes
    assert "customer" not in f"{caught.value} {caught.value.extensions}"


@pytest.mark.parametrize("canned", [b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
@pytest.mark.parametrize("writes", [False, True])
async def test_a_malformed_response_is_unavailable(proxy: Proxy, canned: bytes, *, writes: bool) -> None:
    """A response that is not HTTP is an error of the driver, like a broken connection; it was once a defect."""
    proxy.canned = canned
    async with GremlinClient(proxy.url) as client:
        client.observers.append(requests := ObservedRequests())
        with pytest.raises(StoreUnavailableError) as caught:
            await client.submit(ECHO, {"x": 1}, writes=writes)
        assert caught.value.unknown_outcome is writes
        assert requests.attempts == [1 if writes else 2]
        proxy.canned = b""
        await client.submit(ECHO, {"x": 0})
