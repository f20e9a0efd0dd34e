"""Readiness: one probe for all who ask, and what makes its result stale."""

import asyncio
from dataclasses import dataclass, field

import pytest

from app.graph.driver.errors import StoreUnavailableError
from app.runtime.readiness import FRESH_SECONDS, Readiness
from app.store.errors import StoreReason


@dataclass
class Store:
    """A store whose probes are counted, with a clock that the test sets."""

    error: Exception | None = None
    outage: Exception | None = None
    probes: int = 0
    now: float = 0.0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def probe(self) -> None:
        """Count, wait for the gate, and fail if there is an error."""
        self.probes += 1
        await self.gate.wait()
        if self.error:
            raise self.error

    def refuse_outage(self) -> None:
        """Raise the outage, if any."""
        if self.outage:
            raise self.outage

    def readiness(self) -> Readiness:
        """Return the readiness of this store, whose probes end at once."""
        self.gate.set()
        return Readiness(self.probe, self.refuse_outage, lambda: self.now)


async def test_a_result_is_used_again_while_it_is_fresh() -> None:
    """Frequent checks send one probe, also if it failed; afterwards there is a new one."""
    store = Store()
    readiness = store.readiness()
    for _ in range(100):
        await readiness.check()
    assert store.probes == 1
    store.now, store.error = FRESH_SECONDS, StoreUnavailableError("No.")
    for _ in range(100):
        with pytest.raises(StoreUnavailableError):
            await readiness.check()
    assert store.probes == 2
    store.now, store.error = 2 * FRESH_SECONDS, None
    await readiness.check()
    assert store.probes == 3


async def test_one_probe_runs_at_a_time() -> None:
    """A probe that outlasts its caller goes on, however long, and answers the later ones."""
    store = Store()
    readiness = store.readiness()
    store.gate.clear()
    for _ in range(3):
        store.now += 10 * FRESH_SECONDS
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await readiness.check()
    assert store.probes == 1
    store.gate.set()
    await readiness.check()
    assert store.probes == 2 - 1


async def test_a_known_outage_is_raised_at_once() -> None:
    """An outage that the host of the store reports is raised whatever the last result, and without a probe."""
    store = Store()
    readiness = store.readiness()
    await readiness.check()
    store.outage = StoreUnavailableError.because(StoreReason.STARTING)
    with pytest.raises(StoreUnavailableError):
        await readiness.check()
    store.outage = None
    await readiness.check()
    assert store.probes == 1


async def test_a_forgotten_result_is_not_used() -> None:
    """After a failed request the last result is older than the failure, so it is dropped."""
    store = Store()
    readiness = store.readiness()
    await readiness.check()
    readiness.forget()
    await readiness.check()
    assert store.probes == 2


async def test_a_running_probe_ends_with_the_process() -> None:
    """Closing cancels the probe, so that it does not outlive the client of the store."""
    store = Store()
    readiness = store.readiness()
    store.gate.clear()
    waiting = asyncio.create_task(readiness.check())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await readiness.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
