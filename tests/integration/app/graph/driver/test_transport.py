"""Requests to two servers of one store: a real JanusGraph behind two relays that fail on command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import orjson
import pytest
from support.servers.store_proxy import Proxy, proxied
from support.stores.observed_requests import ObservedRequests
from support.waiting import until

from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id
from app.store.errors import StoreReason
from app.store.store_endpoint import StoreEndpoint

ECHO = PreparedStatement.of("g.inject(x)", "x")
BUSY = PreparedStatement.of("Thread.sleep(x as long); [x]", "x")
CREATE = PreparedStatement.of("g.addV('SelfCheck').property(T.id, x).id()", "x")
COUNT = PreparedStatement.of("g.V(x).count()", "x")
DROP = PreparedStatement.of("g.V(x).drop()", "x")
FAILED = orjson.dumps({"message": "", "exceptions": ["org.janusgraph.diskstorage.TemporaryBackendException"]})
NO_SERVER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
async def proxies(gremlin_url: str) -> AsyncIterator[list[Proxy]]:
    """Open two relays to the real store."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(proxied(gremlin_url)) for _ in range(2)]


@asynccontextmanager
async def client_of(proxies: list[Proxy], deadline: float = 30.0) -> AsyncIterator[GremlinClient]:
    """Open a client of both relays, which has sent one request to each."""
    endpoints = [StoreEndpoint.parse(proxy.url) for proxy in proxies]
    async with GremlinClient(endpoints, in_flight=4, deadline=deadline) as client:
        await asyncio.gather(*(client.submit(ECHO, {"x": 0}) for _ in proxies))
        for proxy in proxies:
            assert proxy.requests == 1
        yield client


def ejections(client: GremlinClient) -> list[int]:
    """Return the number of ejections of each server."""
    return [server.ejections for server in client.pool.servers]


async def test_requests_are_spread_by_the_number_in_flight(proxies: list[Proxy]) -> None:
    """While one server holds its responses, it gets as many requests as the other has in flight, and no more."""
    async with client_of(proxies) as client:
        for proxy in proxies:
            proxy.gate.clear()
        tasks = [asyncio.create_task(client.submit(ECHO, {"x": n})) for n in range(12)]
        await until(lambda: [proxy.requests for proxy in proxies] == [5, 5])
        proxies[1].gate.set()  # the four others follow there
        await until(lambda: proxies[1].requests == 9)
        assert proxies[0].requests == 5
        proxies[0].gate.set()
        assert await asyncio.gather(*tasks) == [[n] for n in range(12)]


async def test_a_server_that_does_not_connect_gets_no_requests(proxies: list[Proxy]) -> None:
    """Reads and writes succeed at the other server, once each; the lost one returns when it listens again."""
    async with client_of(proxies) as client:
        await proxies[0].close()
        client.pool.servers[0].turn = 0
        with_broken = await client.submit(ECHO, {"x": 1})  # the kept connection is broken
        assert with_broken == [1]
        client.observers.append(requests := ObservedRequests())
        x = {"x": vertex_id("test-transport", uuid4().hex)}
        assert await client.submit(CREATE, x, writes=True) == [x["x"]]
        assert await client.submit(COUNT, x) == [1]
        await client.submit(DROP, x, writes=True)
        assert requests.attempts == [1, 1, 1]
        assert ejections(client) == [1, 0]
        assert proxies[0].requests == 1
        await proxies[0].open()
        await until(lambda: client.pool.servers[0].ejected_at is None)
        before = proxies[0].requests
        assert await asyncio.gather(*(client.submit(ECHO, {"x": n}) for n in range(4))) == [[n] for n in range(4)]
        assert proxies[0].requests == before + 2


async def test_a_write_without_a_connection_is_sent_to_another_server(proxies: list[Proxy]) -> None:
    """A write that surely was not sent is sent to the next server; it is committed once."""
    async with client_of(proxies) as client:
        client.pool.servers[0].url = "http://127.0.0.1:1/gremlin"
        client.pool.servers[0].turn = 0
        client.observers.append(requests := ObservedRequests())
        x = {"x": vertex_id("test-transport", uuid4().hex)}
        assert await client.submit(CREATE, x, writes=True) == [x["x"]]
        assert requests.attempts == [1]
        assert ejections(client) == [1, 0]
        await client.submit(DROP, x, writes=True)


@pytest.mark.parametrize("canned", [b"", NO_SERVER], ids=["cut", "gateway"])
async def test_a_lost_response_repeats_reads_and_no_writes(proxies: list[Proxy], canned: bytes) -> None:
    """A read whose response was lost is sent to the other server; a write has an unknown outcome, and one attempt."""
    async with client_of(proxies) as client:
        client.observers.append(requests := ObservedRequests())
        lost = proxies[0]
        for writes in (False, True):
            lost.cuts, lost.canned = (0, canned) if canned else (1, b"")
            client.pool.readmit(client.pool.servers[0])
            client.pool.servers[0].turn = 0
            if writes:
                with pytest.raises(StoreUnavailableError) as caught:
                    await client.submit(ECHO, {"x": 1}, writes=True)
                assert caught.value.unknown_outcome
                assert caught.value.reason is StoreReason.UNREACHABLE
            else:
                assert await client.submit(ECHO, {"x": 1}) == [1]
        assert requests.attempts == [2, 1]
        assert ejections(client) == [2, 0]


async def test_a_read_leaves_a_silent_server(proxies: list[Proxy]) -> None:
    """A server that accepts requests and returns nothing is ejected; its reads are sent to the other server.

    A write remains until the deadline, because it may be executed.
    """
    async with client_of(proxies, deadline=8.0) as client:
        client.observers.append(requests := ObservedRequests())
        proxies[0].gate.clear()
        client.pool.servers[0].turn = 0
        write = asyncio.create_task(client.submit(ECHO, {"x": 0}, writes=True))
        await until(lambda: proxies[0].requests == 2)
        reads = [asyncio.create_task(client.submit(ECHO, {"x": n})) for n in range(6)]
        assert await asyncio.gather(*reads) == [[n] for n in range(6)]
        assert ejections(client) == [1, 0]
        assert not write.done()
        with pytest.raises(StoreUnavailableError) as caught:
            await write
        assert caught.value.unknown_outcome
        assert max(requests.attempts) == 2
        assert requests.reports[-1].attempts == 1
        proxies[0].gate.set()
        await until(lambda: client.pool.servers[0].ejected_at is None)


async def test_a_server_without_storage_is_probed_and_ejected(proxies: list[Proxy]) -> None:
    """A read that fails at the storage of one server succeeds at the other; the probe then ejects the first."""
    async with client_of(proxies) as client:
        proxies[0].canned = b"HTTP/1.1 500 Error\r\nContent-Length: %d\r\n\r\n%s" % (len(FAILED), FAILED)
        client.pool.servers[0].turn = 0
        assert await client.submit(ECHO, {"x": 1}) == [1]
        await until(lambda: ejections(client) == [1, 0])
        client.pool.servers[0].turn = 0
        assert await client.submit(ECHO, {"x": 1}) == [1]
        proxies[0].canned = b""
        await until(lambda: client.pool.servers[0].ejected_at is None)


async def test_an_error_of_a_request_is_no_fault_of_its_server(proxies: list[Proxy]) -> None:
    """A request that the store refuses is sent once, and no server is ejected or suspect."""
    async with client_of(proxies) as client:
        client.observers.append(requests := ObservedRequests())
        with pytest.raises(StoreFailedError):
            await client.submit(PreparedStatement.of("throw new IllegalStateException(x)", "x"), {"x": "no"})
        assert requests.attempts == [1]
        assert [server.suspect for server in client.pool.servers] == [False, False]
        assert ejections(client) == [0, 0]


async def test_all_servers_are_tried_before_an_error(proxies: list[Proxy]) -> None:
    """Without any server the error states that nothing was sent; a server that listens again is used at once."""
    async with client_of(proxies) as client:
        for proxy in proxies:
            await proxy.close()
        for _ in range(2):  # the first time, kept connections break
            with pytest.raises(StoreUnavailableError):
                await client.submit(ECHO, {"x": 1})
        with pytest.raises(StoreUnavailableError) as caught:
            await client.submit(ECHO, {"x": 1}, writes=True)
        assert not caught.value.unknown_outcome
        assert ejections(client) == [1, 1]
        await proxies[1].open()
        assert await client.submit(ECHO, {"x": 1}) == [1]
        assert client.pool.servers[1].ejected_at is None
        assert client.pool.servers[0].ejected_at is not None


async def test_a_server_whose_threads_are_all_busy_responds(gremlin_url: str) -> None:
    """The check of a silent server succeeds while every thread of its queries is occupied."""
    async with GremlinClient(gremlin_url, in_flight=64) as client:
        (server,) = client.pool.servers
        busy = [asyncio.create_task(client.submit(BUSY, {"x": 1_000})) for _ in range(64)]
        await until(lambda: server.in_flight == 64)
        assert await client.transport.responds(server)
        assert not any(task.done() for task in busy)
        await asyncio.gather(*busy)
        assert await client.transport.works(server)
