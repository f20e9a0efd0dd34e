"""Runs a soak: ``make soak MINUTES=30`` on the distributed store, ``make soak-embedded MINUTES=10``.

It measures the capacity of the server with the mixed load, and then sends half of it. It ends with 1 if there was an
error that no client must expect, a wrong response, a skipped request, or a confirmed registration that is not stored.
Times and memory are figures of the report only.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from support.servers.distributed.cluster import running_cluster

from app.graph.admin.store_schema import store_schema
from app.settings import Settings
from bench.estate import estate_of
from bench.measure import Client, session
from bench.servers import Server, Side, serving
from bench.soak.memory import MemorySamples
from bench.soak.mixed_load import DECLARED, MixedLoad
from bench.soak.soak_report import growth, parts_of, svg
from bench.stores import load_estate
from bench.trees import ROOT, this_tree

ASSETS: Final = 2_000
CONNECTIONS: Final = 8
WARM_UP: Final = 200
CAPACITY_SECONDS: Final = 30.0

_console: Final = Console(stderr=True)


async def main(minutes: float, workers: int, *, distributed: bool) -> int:
    """Run a soak, print its figures, write its plot, and return the exit code."""
    estate = estate_of(ASSETS)
    async with _serving(workers, distributed=distributed) as server, session() as http:
        with Progress(console=_console) as progress:
            await load_estate(server, estate, progress)
        load = MixedLoad(Client(server, http), estate)
        await load.warm_up(WARM_UP)
        capacity = await load.capacity(CONNECTIONS, CAPACITY_SECONDS)
        _console.print(f"capacity {capacity:.1f} requests/s; now {capacity / 2:.1f} for {minutes:g} minutes")
        memory = MemorySamples(server.pid)
        watching = asyncio.create_task(memory.watch())
        with Progress(console=_console) as progress:
            task = progress.add_task("soak", total=minutes * 60)
            await load.run(capacity / 2, minutes * 60, lambda due: progress.update(task, completed=due))
        watching.cancel()
        stored = await load.read_back()
    return _report(load, memory, minutes, f"{'distributed' if distributed else 'embedded'}, {workers} workers", stored)


def _report(load: MixedLoad, memory: MemorySamples, minutes: float, title: str, stored: int) -> int:
    parts, errors = parts_of(load.observed, minutes * 60), load.errors()
    table = Table("minute", "requests", "read p50", "read p99", "write p50", "write p99", title=title)
    for part in parts:
        times = (*part.reads, *part.writes)
        table.add_row(f"{part.until:.1f}", str(part.requests), *(f"{each:.0f}" for each in times))
    out = Console()
    out.print(table)
    out.print(f"errors {dict(errors)}, skipped {load.skipped}, registrations stored {stored}")
    out.print(f"memory API {memory.api[0]:.0f} → {memory.api[-1]:.0f} MB, growth {growth(memory.api):.2f}")
    lines = {"API": memory.api}
    if any(memory.jvm):
        lines["JVM"] = memory.jvm
        out.print(f"memory JVM {memory.jvm[0]:.0f} → {memory.jvm[-1]:.0f} MB, growth {growth(memory.jvm):.2f}")
    file = ROOT / "bench" / "results" / f"soak-{datetime.now(UTC):%Y%m%dT%H%M%S}.svg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(svg(title, parts, lines))
    out.print(f"plot {file.relative_to(ROOT)}")
    for wrong in load.wrong[:3]:
        out.print(wrong)
    return 1 if load.skipped or {*errors} - DECLARED else 0


@asynccontextmanager
async def _serving(workers: int, *, distributed: bool) -> AsyncIterator[Server]:
    """Run the API over an empty store."""
    with TemporaryDirectory(prefix="mlg-soak-") as folder:
        if not distributed:
            async with serving(Side("soak", this_tree()), Path(folder)) as server:
                yield server
            return
        side = Side("soak", this_tree(), (("MLG_WORKERS", str(workers)),))
        async with running_cluster(Settings.from_env(), store_schema()) as cluster:
            jvm = os.getpid()  # the JVMs are no part of the API, and their CPU is not measured
            async with serving(side, Path(folder), ",".join(cluster.urls), jvm) as server:
                yield server


if __name__ == "__main__":
    given = [float(each) for each in sys.argv[1:] if each != "--distributed"]
    on_cluster = "--distributed" in sys.argv
    sys.exit(asyncio.run(main(given[0] if given else 10, 2 if on_cluster else 1, distributed=on_cluster)))
