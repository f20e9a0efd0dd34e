"""An API over a store of its own, and the time and CPU of one call to it; shared by the benches."""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.factory import create_app
from app.graph.admin.store_schema import store_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.process import Process
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore

REGISTER = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { failed } }"


@dataclass
class Cost:
    """The cost of one call: a sample per round, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    api: list[float] = field(default_factory=list)
    jvm: list[float] = field(default_factory=list)

    def row(self) -> list[str]:
        """Return the median of wall, and the means of CPU, whose clock ticks in 10 ms."""
        return [
            f"{statistics.median(self.wall):.1f}",
            f"{statistics.mean(self.api):.1f}",
            f"{statistics.mean(self.jvm):.1f}",
        ]


@dataclass(frozen=True)
class MeasuredApi:
    """A running API; ``http`` sends as root."""

    http: httpx2.AsyncClient
    process: Process
    store: EmbeddedStore

    def jvm_cpu(self) -> float:
        """Return the CPU seconds of the JVM so far, from /proc."""
        fields = Path(f"/proc/{self.store.jvm_pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    async def measure(self, cost: Cost | None, call: Callable[[], Awaitable[object]]) -> None:
        """Run ``call`` once and add its cost; a cost of None is a warm-up."""
        jvm, cpu, wall = self.jvm_cpu(), time.process_time(), time.perf_counter()
        await call()
        if cost is not None:
            cost.wall.append((time.perf_counter() - wall) * 1e3)
            cost.api.append((time.process_time() - cpu) * 1e3)
            cost.jvm.append((self.jvm_cpu() - jvm) * 1e3)


@asynccontextmanager
async def measured_api(folder: Path) -> AsyncIterator[MeasuredApi]:
    """Run an API over an empty embedded store in ``folder``."""
    settings = Settings.from_env({"MLG_DATA_DIR": str(folder)})
    async with EmbeddedStore(settings, store_schema()) as store:
        client = GremlinClient(store.endpoint, in_flight=settings.store_in_flight)
        client.exclusive = True
        process = Process(settings, lambda _: client)
        app = create_app(process)
        headers = {"Authorization": f"Bearer {DevIssuer(settings).mint(persona('root'))}"}
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://api", headers=headers) as http,
        ):
            yield MeasuredApi(http, process, store)
