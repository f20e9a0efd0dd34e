"""The pool of servers: the least loaded one is chosen, and ejected ones get no requests, for a growing time."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from app.graph.driver.server_pool import SILENT_SECONDS, Server, ServerPool
from app.store.store_endpoint import StoreEndpoint


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def pool_of(count: int, clock: Clock | None = None) -> ServerPool:
    """Return a pool of servers."""
    return ServerPool([StoreEndpoint(f"http://s{number}/gremlin") for number in range(count)], clock or Clock())


def test_the_least_loaded_server_is_next_and_equal_ones_take_turns() -> None:
    """Without load the servers take turns; one with more requests in flight waits until the others have as many."""
    pool = pool_of(3)
    first, second, third = pool.servers
    assert [pool.choose() for _ in range(6)] == [first, second, third] * 2
    with ExitStack() as stack:
        stack.enter_context(pool.requesting(first))
        stack.enter_context(pool.requesting(first))
        stack.enter_context(pool.requesting(second))
        assert [pool.choose() for _ in range(2)] == [third, third]
        stack.enter_context(pool.requesting(third))
        assert {pool.choose() for _ in range(4)} == {second, third}
    assert [server.in_flight for server in pool.servers] == [0, 0, 0]


def test_an_ejected_server_is_left_out_unless_all_are() -> None:
    """Ejected and failed servers get no request while another is left; if all others failed, an ejected one does."""
    pool = pool_of(3)
    first, second, third = pool.servers
    pool.eject(first, "UNREACHABLE")
    assert {pool.choose() for _ in range(6)} == {second, third}
    assert {pool.choose([second]) for _ in range(3)} == {third}
    assert pool.choose([second, third]) is first
    pool.eject(second, "UNREACHABLE")
    pool.eject(third, "UNREACHABLE")
    assert {pool.choose() for _ in range(6)} == {first, second, third}


def test_the_only_server_is_never_ejected() -> None:
    """A store with one server has no other one for its requests."""
    pool = pool_of(1)
    (only,) = pool.servers
    pool.eject(only, "UNREACHABLE")
    assert (only.ejections, only.ejected_at, pool.choose()) == (0, None, only)


def test_ejections_grow_until_the_server_was_good_for_a_minute() -> None:
    """The pauses before the probes double while a server fails, also at once after it was readmitted."""
    clock = Clock()
    pool = pool_of(2, clock)
    server = pool.servers[0]
    pauses = []
    for served in (0.0, 10.0, 59.0, 61.0):
        clock.now += served
        pool.eject(server, "UNREACHABLE")
        pool.eject(server, "UNREACHABLE")  # of a second request: it is ejected already
        pauses.append(server.probe_at - clock.now)
        clock.now = server.probe_at
        pool.readmit(server)
    assert pauses == [1.0, 2.0, 4.0, 1.0]
    pool.eject(server, "UNREACHABLE")
    for _ in range(8):
        pool.postpone(server)
    assert server.probe_at == clock.now + 30.0
    assert server.ejections == 5


@pytest.mark.parametrize("sent_after", [False, True])
def test_a_response_readmits_only_if_its_request_was_sent_later(*, sent_after: bool) -> None:
    """A response to a request from before the ejection is no sign that the server works now."""
    clock = Clock()
    pool = pool_of(2, clock)
    server = pool.servers[0]
    with ExitStack() as stack:
        if not sent_after:
            stack.enter_context(pool.requesting(server))
        clock.now += 1
        pool.eject(server, "UNREACHABLE")
        clock.now += 1
        if sent_after:
            stack.enter_context(pool.requesting(server))
    assert (server.ejected_at is None) is sent_after


def test_a_failed_request_readmits_no_server() -> None:
    """A request that ends with an exception had no response, and counts as in flight no more."""
    clock = Clock()
    pool = pool_of(2, clock)
    server = pool.servers[0]
    pool.eject(server, "UNREACHABLE")
    clock.now += 1
    with pytest.raises(ConnectionError), pool.requesting(server):
        raise ConnectionError
    assert (server.ejected_at is None, server.in_flight) == (False, 0)


def test_a_server_is_silent_without_responses_while_requests_wait() -> None:
    """Each response, and a new first request, begin the time of silence anew."""
    clock = Clock()
    pool = pool_of(2, clock)
    server = pool.servers[0]
    clock.now += 100
    assert not server.is_silent(clock.now)
    with pool.requesting(server):
        assert not server.is_silent(clock.now + SILENT_SECONDS - 0.1)
        assert server.is_silent(clock.now + SILENT_SECONDS)
        clock.now += 1
        with pool.requesting(server):
            pass
        assert not server.is_silent(clock.now + SILENT_SECONDS - 0.1)
        assert server.is_silent(clock.now + SILENT_SECONDS)


async def test_an_interrupt_ends_the_waits_of_one_server() -> None:
    """Waits of the interrupted server end with TimeoutError, those of another server and later ones do not."""
    first, second = Server("http://a", {}), Server("http://b", {})
    release = asyncio.Event()

    async def wait(server: Server) -> str:
        try:
            async with server.interruptible():
                await release.wait()
        except TimeoutError:
            return "interrupted"
        return "ended"

    waits = [asyncio.create_task(wait(server)) for server in (first, first, second)]
    await asyncio.sleep(0)
    first.interrupt()
    assert await asyncio.gather(*waits[:2]) == ["interrupted"] * 2
    waits.append(asyncio.create_task(wait(first)))
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*waits[2:]) == ["ended"] * 2
    first.interrupt()
