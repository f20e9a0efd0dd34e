"""Numbers of the JVM of the embedded store, read through its port."""

from dataclasses import dataclass
from typing import Final

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement

JVM: Final = PreparedStatement.of(
    """
def beans = java.lang.management.ManagementFactory
def heap = beans.memoryMXBean.heapMemoryUsage
def collectors = beans.garbageCollectorMXBeans
[[used: heap.used, max: heap.max, gc: collectors.sum { it.collectionTime }, threads: beans.threadMXBean.threadCount]]
""",
    name="jvm",
)
"""Reads the heap in bytes, the time of garbage collections in milliseconds, and the number of threads."""


@dataclass(slots=True)
class JvmSample:
    """Numbers of a JVM: bytes of its heap, used and at most, seconds of collections since its start, and threads."""

    heap_used: int
    heap_max: int
    gc_seconds: float
    threads: int


async def read_jvm(client: GremlinClient) -> JvmSample:
    """Return the numbers of the JVM that serves ``client``; raises the CodedError of a store that fails."""
    (row,) = await client.submit(JVM, {})
    return JvmSample(row["used"], row["max"], row["gc"] / 1_000, row["threads"])
