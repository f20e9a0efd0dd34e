"""Measures what one caller can do to the others: a light reader and a writer, alone and beside attackers.

``.venv/bin/python bench/one_caller.py [SECONDS]`` starts a server of its own with 600 assets of one team, and 7,002
others, two of which have thousands of edges. It first runs all attacks shortly, by one connection and then by eight,
which fills the bounded caches. Then it runs each for some seconds, and mixed readers at several numbers of connections.
It prints p50 and p99 of the light reader and the writer in milliseconds, with their ratio to the times alone. It also
prints the longest time without a response of ``/health/live``, and the longest callback of the event loop in CPU time.
The memory is compared with that between both short rounds. Nothing is asserted, because times depend on the machine.
"""

import asyncio
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.settings import Settings

WATCHED = Path(__file__).with_name("watched_server.py")
SPAWN = multiprocessing.get_context("spawn")
PORT = 8_765
URL = f"http://127.0.0.1:{PORT}"
TEAM = "mlg://team/catalog/default/ranking"
LIGHT = "{ assets(first: 20) { nodes { id displayName ownerTeam { id } } } }"
LARGEST = (
    "{ assets(first: 200) { nodes { id ownerTeam { id assets(first: 200) { nodes { id displayName kind } } } } } }"
)
WARM_SECONDS = 45
"""Seconds of light calls before the times alone are measured: the jobs end, and the store compiles what they run.

After 20 seconds, the times alone were twice those at the end, and so the ratios half as large.
"""
ALONE_SECONDS = 30
"""Least number of seconds in which the times alone are measured: their p99 is the unit of all ratios."""
HUB = "mlg://dataset/bench/default/"
TYPES = "{ __schema { types { name fields { name type { name fields { args { name } } } } } } }"
MISSPELT = '{ search(text: "custmer chrn modle", first: 50) { hits { nodes { asset { id displayName } } } } }'
COUNTS = "{ " + " ".join(f"a{n}: changes(filter: {{until: {n + 1}}}) {{ totalCount }}" for n in range(19)) + " }"
FILTERS = "query ($f: AssetFilter) { assets(filter: $f, first: 1) { nodes { id } } }"
DOWNSTREAM = "query ($id: ID!) { asset(id: $id) { lineage(direction: DOWNSTREAM) { nodes { totalCount } } } }"
WRITE = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { failed } }"


@dataclass
class Times:
    """Milliseconds of the calls of one kind, and the number of refused ones."""

    wall: list[float] = field(default_factory=list)
    refused: int = 0

    def __str__(self) -> str:
        if not self.wall:
            return "-"
        return f"{statistics.median(self.wall):.0f} / {self.p99:.0f}"

    @property
    def p99(self) -> float:
        """Return the 99th percentile, the largest of fewer than 100 calls."""
        return sorted(self.wall)[int(len(self.wall) * 0.99)] if self.wall else 0.0


@dataclass
class Load:
    """Clients of one server, with the tokens of the personas."""

    tokens: dict[str, str]
    pid: int
    callback_file: Path = Path()
    written: int = 0

    async def send(self, http: httpx2.AsyncClient, who: str, body: dict[str, Any], times: Times | None = None) -> None:
        """Send an operation, and record its time."""
        begin = time.perf_counter()
        response = await http.post(
            f"{URL}/graphql", json=body, headers={"Authorization": f"Bearer {self.tokens[who]}"}, timeout=300
        )
        if times is not None:
            times.wall.append((time.perf_counter() - begin) * 1e3)
            times.refused += response.status_code != httpx2.codes.OK or b'"errors"' in response.content[:12]

    async def write(self, http: httpx2.AsyncClient, times: Times | None = None) -> None:
        """Register one dataset."""
        self.written += 1
        item = {"dataset": {"id": f"mlg://dataset/bench/default/w{self.written}", "owners": [{"owner": TEAM}]}}
        await self.send(http, "ada", {"query": WRITE, "variables": {"input": {"items": [item]}}}, times)

    async def longest_callback(self) -> str:
        """Return the longest callback of the server's event loop since the last call, in milliseconds."""
        self.callback_file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        while not (  # noqa: ASYNC110 - a file of another process
            self.callback_file.exists() and (text := self.callback_file.read_text())
        ):
            await asyncio.sleep(0.05)
        return text

    def memory(self) -> float:
        """Return the resident memory of the server in MB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def repeat(seconds: float, call: Callable[[], Coroutine[Any, Any, None]], pause: float = 0.0) -> None:
    """Repeat a call one after the other for some seconds."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await call()
        await asyncio.sleep(pause)


async def beside(
    load: Load, seconds: float, clients: int, body: dict[str, Any], who: str = "bo"
) -> tuple[Times, Times, Times]:
    """Return the times of the light reader, the writer and the probe while another process runs some clients."""
    light, writer, live = Times(), Times(), Times()
    attacker = SPAWN.Process(target=attack, args=(load.tokens[who], clients, body, seconds))
    attacker.start()
    async with httpx2.AsyncClient() as http:

        async def probe() -> None:
            begin = time.perf_counter()
            await http.get(f"{URL}/health/live", timeout=300)
            live.wall.append((time.perf_counter() - begin) * 1e3)

        await asyncio.gather(
            repeat(seconds, lambda: load.send(http, "cy", {"query": LIGHT}, light), 0.02),
            repeat(seconds, lambda: load.write(http, writer), 0.1),
            repeat(seconds, probe, 0.005),
        )
    await asyncio.to_thread(attacker.join)
    return light, writer, live


def attack(token: str, clients: int, body: dict[str, Any], seconds: float) -> None:
    """Repeat an operation as one caller over some connections, in a process of its own.

    Clients are on other machines, so the process leaves the processors to the server, its store and the light clients.
    """
    os.nice(10)

    async def run() -> None:
        load = Load({"bo": token}, 0)
        async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=300)) as http:
            await asyncio.gather(*(repeat(seconds, lambda: load.send(http, "bo", body)) for _ in range(clients)))

    asyncio.run(run())


ATTACKS: dict[str, dict[str, Any]] = {
    "largest response": {"query": LARGEST},
    "introspection": {"query": TYPES},
    "large variables": {"query": FILTERS, "variables": {"f": {"or": [{}] * 450}}},
    "misspelt searches": {"query": MISSPELT},
    "counts": {"query": COUNTS},
    "lineage of 7,000 edges": {"query": DOWNSTREAM, "variables": {"id": HUB + "hub"}},
    "12 MiB of edges": {"query": DOWNSTREAM, "variables": {"id": HUB + "wide"}},
}
"""The operations that 8 connections of one caller repeat, by name."""


def hub_items() -> list[dict[str, Any]]:
    """Return items for a dataset from which 7,000 derive, and another one with 3,200 edges of 4,000 characters."""
    ends = [f"{HUB}h{number}" for number in range(7_000)]
    items: list[dict[str, Any]] = [{"dataset": {"id": urn}} for urn in (HUB + "hub", HUB + "wide", *ends)]
    items += [{"link": {"relation": "DERIVES", "from": HUB + "hub", "to": urn}} for urn in ends]
    text = [{"key": "text", "value": "x" * 3_900}]
    wide = ({"relation": "DERIVES", "from": HUB + "wide", "to": urn, "properties": text} for urn in ends[:3_200])
    return items + [{"link": each} for each in wide]


def bulk() -> dict[str, Any]:
    """Return a registration of 1,000 datasets, which are unchanged the second time."""
    ids = [f"mlg://dataset/bench/default/b{number}" for number in range(1_000)]
    return {"query": WRITE, "variables": {"input": {"items": [{"dataset": {"id": urn}} for urn in ids]}}}


async def main(seconds: float) -> None:
    """Measure, and print a table."""
    table = Table("beside", "light p50/p99", "x", "write p50/p99", "x", "no response", "callback", "memory MB")
    async with serving() as load:
        async with httpx2.AsyncClient() as http:
            items, times = hub_items(), Times()
            for begin in range(0, len(items), 500):
                variables = {"input": {"items": items[begin : begin + 500]}}
                await load.send(http, "root", {"query": WRITE, "variables": variables}, times)
            if times.refused:
                sys.exit(f"The server has refused {times.refused} registrations of the hubs.")
        await beside(load, 3, 0, {})
        for body in ATTACKS.values():
            await beside(load, 1, 1, body)
        await beside(load, WARM_SECONDS, 0, {})
        new = load.memory()
        for body in ATTACKS.values():
            await beside(load, 1, 8, body)
        await beside(load, WARM_SECONDS, 0, {})
        await load.longest_callback()
        alone = await beside(load, max(seconds, ALONE_SECONDS), 0, {})

        async def row(name: str, found: tuple[Times, Times, Times]) -> None:
            ratios = [f"{each.p99 / was.p99:.1f}" for each, was in zip(found[:2], alone[:2], strict=True)]
            live, callback, memory = f"{max(found[2].wall):.0f}", await load.longest_callback(), f"{load.memory():.0f}"
            table.add_row(name, str(found[0]), ratios[0], str(found[1]), ratios[1], live, callback, memory)

        await row("nothing", alone)
        for name, body in ATTACKS.items():
            await row(name, await beside(load, seconds, 8, body))
        await row("bulk registrations", await beside(load, seconds, 4, bulk(), "root"))
        for number in (1, 8, 32, 128):
            await row(f"{number} light readers", await beside(load, seconds, number, {"query": LIGHT}))
        await asyncio.sleep(60)
        await row("nothing, a minute later", await beside(load, seconds, 0, {}))
    Console().print(table, f"Memory before the attacks: {new:.0f} MB.")


@asynccontextmanager
async def serving(datasets: int = 600, tree: Path | None = None, **settings: str) -> AsyncIterator[Load]:
    """Run a server with some datasets of one team, of a source tree, by default of this one."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"MLG_DATA_DIR": folder, "MLG_PORT": str(PORT), **settings}
        issuer = DevIssuer(Settings.from_env(os.environ | env))
        tokens = {name: issuer.mint(persona(name)) for name in ("ada", "bo", "cy", "root")}
        callback_file = Path(folder) / "callback"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(WATCHED), str(callback_file), "serve"),
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree or Path.cwd())} | env,
            stdout=asyncio.subprocess.DEVNULL,
        )
        load = Load(tokens, process.pid, callback_file)
        try:
            async with httpx2.AsyncClient() as http:
                await ready(http)
                for start in range(0, datasets, 200):
                    ids = [f"mlg://dataset/bench/default/d{number}" for number in range(start, start + 200)]
                    items = [{"dataset": {"id": urn, "owners": [{"owner": TEAM}]}} for urn in ids]
                    await load.send(http, "root", {"query": WRITE, "variables": {"input": {"items": items}}})
            yield load
        finally:
            process.terminate()
            await process.wait()


async def ready(http: httpx2.AsyncClient) -> None:
    """Return when the server answers a query."""
    while True:
        try:
            if (await http.get(f"{URL}/health/ready")).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
