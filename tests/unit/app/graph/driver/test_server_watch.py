"""The watch over servers: when each is checked, and what the result of a check does."""

import asyncio
from dataclasses import dataclass, field

import pytest

from app.graph.driver.server_pool import SILENT_SECONDS, Server, ServerPool
from app.graph.driver.server_watch import TICK_SECONDS, ServerWatch
from app.store.store_endpoint import StoreEndpoint

A, B = "http://a/gremlin", "http://b/gremlin"


@dataclass
class Checks:
    """Checks with given results, which are recorded in ``made``."""

    now: float = 1_000.0
    silent: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    made: list[tuple[str, str]] = field(default_factory=list)

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def responds(self, server: Server) -> bool:
        """Return whether the server is not silent."""
        self.made.append(("responds", server.url))
        return server.url not in self.silent

    async def works(self, server: Server) -> bool:
        """Return whether the server is neither silent nor failing."""
        self.made.append(("works", server.url))
        return server.url not in self.silent | self.failing


@pytest.fixture
def checks() -> Checks:
    """Return checks that all succeed."""
    return Checks()


@pytest.fixture
def pool(checks: Checks) -> ServerPool:
    """Return a pool of two servers with the clock of the checks."""
    return ServerPool([StoreEndpoint(A), StoreEndpoint(B)], checks.clock)


@pytest.fixture
def watch(checks: Checks, pool: ServerPool) -> ServerWatch:
    """Return a watch that the test runs step by step."""
    return ServerWatch(pool, checks)


async def waiting_at(server: Server) -> "asyncio.Task[None]":
    """Return a task that waits without end for a response of the server, unless it is interrupted."""

    async def wait() -> None:
        async with server.interruptible():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


def ejected(pool: ServerPool) -> set[str]:
    """Return the URLs of the ejected servers."""
    return {server.url for server in pool.servers if server.ejected_at is not None}


async def test_servers_without_a_cause_are_not_checked(checks: Checks, pool: ServerPool, watch: ServerWatch) -> None:
    """Unused servers and servers that respond get no requests of the watch."""
    await watch.tick()
    with pool.requesting(pool.servers[0]):
        await watch.tick()
    assert checks.made == []


async def test_an_ejected_server_gets_one_probe_at_its_time(
    checks: Checks, pool: ServerPool, watch: ServerWatch
) -> None:
    """No probe before its time; a failed one postpones the next by twice the pause, and a good one readmits."""
    pool.eject(pool.servers[0], "UNREACHABLE")
    checks.failing = {A}
    found = []
    for _ in range(8):
        checks.now += 1.0
        await watch.tick()
        found.append(len(checks.made))
    assert found == [1, 1, 2, 2, 2, 2, 3, 3]
    assert ejected(pool) == {A}
    checks.failing = set()
    checks.now += 8.0
    await watch.tick()
    assert ejected(pool) == set()
    assert {kind for kind, _ in checks.made} == {"works"}


async def test_a_silent_server_is_ejected_and_its_reads_end(
    checks: Checks, pool: ServerPool, watch: ServerWatch
) -> None:
    """A silent server that does not respond to a check is ejected, and reads that wait for it are interrupted."""
    checks.silent = {A}
    server = pool.servers[0]
    with pool.requesting(server):
        waiting = await waiting_at(server)
        checks.now += SILENT_SECONDS
        await watch.tick()
        with pytest.raises(TimeoutError):
            await waiting
    assert ejected(pool) == {A}
    assert checks.made == [("responds", A)]


async def test_reads_end_that_were_sent_to_an_ejected_server(
    checks: Checks, pool: ServerPool, watch: ServerWatch
) -> None:
    """When all servers are ejected, one gets a read nevertheless; a failed probe ends the wait of this read, too."""
    checks.silent = {A}
    server = pool.servers[0]
    pool.eject(server, "UNREACHABLE")
    waiting = await waiting_at(server)
    checks.now = server.probe_at
    await watch.tick()
    with pytest.raises(TimeoutError):
        await waiting


async def test_a_busy_server_stays(checks: Checks, pool: ServerPool, watch: ServerWatch) -> None:
    """A silent server that responds to the check is only busy; it is checked again after as long a silence."""
    with pool.requesting(pool.servers[0]):
        for seconds in (SILENT_SECONDS, SILENT_SECONDS / 2, SILENT_SECONDS / 2):
            checks.now += seconds
            await watch.tick()
    assert ejected(pool) == set()
    assert checks.made == [("responds", A)] * 2


@pytest.mark.parametrize("fails", [False, True])
async def test_a_suspect_is_probed_before_it_is_ejected(
    checks: Checks, pool: ServerPool, watch: ServerWatch, *, fails: bool
) -> None:
    """A server whose storage failed once is ejected only if the probe fails too, and is a suspect no more."""
    checks.failing = {A} if fails else set()
    pool.servers[0].suspect = True
    await watch.tick()
    await watch.tick()
    assert ejected(pool) == checks.failing
    assert checks.made == [("works", A)]


async def test_the_watch_outlives_a_failure(checks: Checks, pool: ServerPool) -> None:
    """A defect in a check is logged, and the next look takes place."""
    pauses: list[float] = []

    class Defect(Checks):
        async def works(self, server: Server) -> bool:
            raise ValueError(server.url)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        pool.servers[0].suspect = True
        if len(pauses) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ServerWatch(pool, Defect()).run(pause)
    assert pauses == [TICK_SECONDS] * 3
    assert checks.made == []
