"""The health of the store as metrics: whether it is ready and why not, its disk, and the JVM of the embedded store.

Readiness and JVM are sampled by a task, because a scrape has no event loop and must not wait for a store.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from prometheus_client.metrics_core import Metric

from app.graph.admin.jvm_sample import JvmSample, read_jvm
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.readiness import Readiness
from app.store.errors import StoreReason
from app.telemetry.metrics import count, gauge, gauges
from policies.errors import CodedError

SAMPLE_SECONDS: Final = 10.0
"""Seconds between two samples."""


@dataclass(slots=True)
class StoreHealth:
    """Samples the store of ``client``; ``jvm`` is that of an embedded store, None before it was sampled.

    ``is_ready`` is true before the first sample.
    """

    client: GremlinClient
    readiness: Readiness
    is_ready: bool = True
    reason: StoreReason | None = None
    jvm: JvmSample | None = field(default=None)

    async def sample(self) -> None:
        """Take one sample. A store that fails is not ready, with the reason of its error if that has one."""
        try:
            await self.readiness.check()
            self.is_ready, self.reason = True, None
            if self.client.host is not None:
                self.jvm = await read_jvm(self.client)
        except StoreUnavailableError as error:
            self.is_ready, self.reason = False, error.reason
        except CodedError:
            self.is_ready, self.reason = False, None

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    def metrics(self) -> Iterator[Metric]:
        """Yield the metrics of the last sample, and the starts and free bytes of an embedded store at present."""
        yield gauge("mlg_store_ready", "1 if reads and writes worked at the last check, else 0.", self.is_ready)
        outages = {str(reason): float(reason is self.reason) for reason in StoreReason}
        yield gauges("mlg_store_outage", "1 for the reason why the store is not ready, else 0.", "reason", outages)
        host = self.client.host
        if host is not None:
            yield count("mlg_store_starts", "Starts of the embedded store.", host.starts)
            yield gauge("mlg_store_free_bytes", "Free bytes of the disk of the embedded store.", host.free_bytes())
        if self.jvm is not None:
            yield gauge("mlg_jvm_heap_used_bytes", "Used bytes of the heap of the embedded store.", self.jvm.heap_used)
            yield gauge("mlg_jvm_heap_max_bytes", "Maximum bytes of the heap of the embedded store.", self.jvm.heap_max)
            yield count(
                "mlg_jvm_gc_seconds", "Seconds of garbage collections of the embedded store.", self.jvm.gc_seconds
            )
            yield gauge("mlg_jvm_threads", "Threads of the JVM of the embedded store.", self.jvm.threads)


class Sampler(Protocol):
    """Takes samples of a part of the process."""

    async def run(self) -> None:
        """Take samples until cancelled."""


@asynccontextmanager
async def sampled(*samplers: Sampler) -> AsyncIterator[None]:
    """Take samples until exit."""
    tasks = [asyncio.create_task(each.run(), name=type(each).__name__) for each in samplers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
