"""Faults of the embedded store under a load: what clients see, that nothing confirmed is lost, and for how long.

Each test prints what its clients saw and how long their writes paused; `pytest -s tests/recovery/test_faults.py` shows
it. No test asserts the time.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from time import monotonic

import httpx2
import pytest
from recovery.fault_load import loaded
from support.servers.server_process import Serving
from support.waiting import until

from app.store.embedded.data_lock import LOCK_FILE, read_holders
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.index_files import INDEX_FOLDER

BUSY = "503 STORE_UNAVAILABLE BUSY"
DEADLINE = 3
"""MLG_STORE_DEADLINE, in seconds, so that a store that does not respond is noticed early."""

STOPPED_SECONDS = 20
SILENT_SECONDS = 30
"""MLG_STORE_SILENT_SECONDS: longer than the JVM stops in the test that expects no restart."""

THREADS = 8
"""Requests that the store runs at once, MLG_STORE_IN_FLIGHT."""


@pytest.fixture(scope="module")
async def serving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """Run the server with a short deadline of the requests to the store."""
    environment = {"MLG_STORE_DEADLINE": str(DEADLINE), "MLG_STORE_SILENT_SECONDS": str(SILENT_SECONDS)}
    serving = Serving(tmp_path_factory.mktemp("faults"), environment)
    await serving.start()
    try:
        yield serving
    finally:
        await serving.stop()


def jvm(serving: Serving) -> int:
    """Return the process id of the JVM, 0 while none runs."""
    holders = read_holders(serving.folder / STORE_FOLDER / LOCK_FILE)
    return (holders and holders["jvm"]) or 0


async def health(serving: Serving) -> tuple[int, int]:
    """Return the statuses of liveness and readiness."""
    async with httpx2.AsyncClient(base_url=serving.url, trust_env=False) as http:
        return tuple([(await http.get(f"/health/{each}")).status_code for each in ("live", "ready")])  # type: ignore[return-value]


async def hold_threads(serving: Serving, seconds: float, until_over: asyncio.Event) -> None:
    """Occupy all threads of the store with scripts that sleep, over and over."""

    async def hold() -> None:
        while not until_over.is_set():
            await serving.graph.run("Thread.sleep(millis); [1]", millis=int(seconds * 1000))

    await asyncio.gather(*(hold() for _ in range(THREADS)))


async def test_a_jvm_that_stops_for_a_while(serving: Serving) -> None:
    """The API stays alive and reports that it is not ready; the writes pause, and go on without a restart."""
    before = jvm(serving)
    async with loaded(serving, "stopped") as load:
        os.kill(before, signal.SIGSTOP)
        end = monotonic() + STOPPED_SECONDS
        try:
            await load.sees(BUSY)
            assert await health(serving) == (200, 503)
            await until(lambda: monotonic() > end)
        finally:
            os.kill(before, signal.SIGCONT)
    await serving.ready()
    assert jvm(serving) == before
    assert set(load.writes) | set(load.reads) == {"OK", BUSY}


async def test_a_store_that_responds_slowly(serving: Serving) -> None:
    """While each request waits for a busy store, but less than its deadline, clients get no error."""
    async with loaded(serving, "slow") as load:
        over = asyncio.Event()
        holding = asyncio.create_task(hold_threads(serving, 0.3, over))
        await load.confirm(30)
        over.set()
        await holding
    assert set(load.writes) | set(load.reads) == {"OK"}


async def test_a_store_that_does_not_respond_in_time(serving: Serving) -> None:
    """Requests beyond the deadline are errors that a client repeats; what the store executes later is not doubled."""
    async with loaded(serving, "late") as load:
        over = asyncio.Event()
        holding = asyncio.create_task(hold_threads(serving, 2.0 * DEADLINE, over))
        await load.sees(BUSY)
        assert (await health(serving))[0] == 200
        over.set()
        await holding
    await serving.ready()
    assert set(load.writes) | set(load.reads) == {"OK", BUSY}


async def test_an_index_that_is_lost_under_load(serving: Serving) -> None:
    """No list lacks what was confirmed: it is complete, or an error until the index is rebuilt."""
    async with loaded(serving, "index") as load:
        index = serving.folder / STORE_FOLDER / INDEX_FOLDER
        shutil.rmtree(index.rename(index.with_name("lost")))  # at once: the order of its files is not that of a fault
        await load.sees("503 STORE_UNAVAILABLE INDEX")
    errors = ("503 STORE_UNAVAILABLE", "200 STORE_FAILED")
    assert all(result == "OK" or result.startswith(errors) for result in {**load.writes, **load.reads})


async def test_a_jvm_that_never_responds_is_restarted(serving: Serving) -> None:
    """A JVM that never responds again is killed after a while, and another one has all that was confirmed."""
    before = jvm(serving)
    async with loaded(serving, "silent") as load:
        os.kill(before, signal.SIGSTOP)
        await until(lambda: jvm(serving) not in {0, before}, within=240)
    await serving.ready()
    errors = ("503 STORE_UNAVAILABLE", "200 STORE_FAILED")
    assert all(result == "OK" or result.startswith(errors) for result in {**load.writes, **load.reads})
