"""Measures callers who each register a model version with five edges, call after call: 1 and 8 at a time.

``.venv/bin/python bench/concurrent_writers.py [SECONDS] [TREE ...]`` starts a server of each source tree, by default of
this one, each over a store of its own. The trees take turns, so that load on the machine affects all of them. It prints
the registrations a second, p50 and p99 in milliseconds, and the milliseconds of CPU of the API and the JVM for each
registration. With ``--same``, all callers are one principal. Every outcome is
checked.
"""

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.settings import Settings

CALLERS = (1, 8)
ROUNDS = 3
TEAM = [{"owner": "mlg://team/catalog/default/ranking"}]
DATA = [f"mlg://dataset/bench/default/d{number:03d}" for number in range(200)]
BULK = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { created failed } }"
ONE = """mutation ($input: ModelVersionInput!) { registerModelVersion(input: $input) {
  outcome asset { id } errors { code message } } }"""


@dataclass
class Cost:
    """The calls of one tree with one number of callers: seconds of each, and of wall, API CPU and JVM CPU of all."""

    calls: list[float] = field(default_factory=list)
    wall: float = 0.0
    api: float = 0.0
    jvm: float = 0.0

    def row(self) -> list[str]:
        """Return calls per second, p50, p99, and milliseconds of CPU of API and JVM per call."""
        times, number = sorted(self.calls), len(self.calls)
        p50, p99 = statistics.median(times) * 1e3, times[int(number * 0.99)] * 1e3
        cpu = (self.api * 1e3 / number, self.jvm * 1e3 / number)
        return [f"{number / self.wall:.0f}", f"{p50:.0f}", f"{p99:.0f}", *(f"{each:.1f}" for each in cpu)]


@dataclass
class Server:
    """A server of one tree. ``http`` sends as root; ``tokens`` are of the callers who take turns."""

    tree: Path
    pid: int
    http: httpx2.AsyncClient
    tokens: list[str]
    numbers: count = field(default_factory=count)  # type: ignore[type-arg]

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds of API and JVM so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return _cpu(self.pid), sum(_cpu(int(child)) for child in children)

    async def send(self, token: str, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send a mutation, and return its payload."""
        body, headers = {"query": query, "variables": {"input": given}}, {"Authorization": f"Bearer {token}"}
        response = await self.http.post("/graphql", json=body, headers=headers, timeout=300)
        payload: dict[str, Any] = next(iter((response.json().get("data") or {}).values()), None) or {}
        return payload or sys.exit(response.text[:500])

    async def load(self) -> None:
        """Register the models and the data sets that the versions name."""
        items: list[dict[str, Any]] = [{"dataset": {"id": urn, "owners": TEAM}} for urn in DATA]
        items += [{"model": {"id": f"mlg://model/bench/default/m{number}", "owners": TEAM}} for number in range(50)]
        done = await self.send(self.tokens[0], BULK, {"items": items})
        if done["created"] != len(items):
            sys.exit(str(done))

    async def register(self, token: str) -> None:
        """Register the next version."""
        number = next(self.numbers)
        item = {
            "id": f"mlg://model-version/bench/default/m{number % 50}@{number}",
            "description": "A good model",
            "framework": "pytorch",
            "params": [{"key": "lr", "value": "0.1"}],
            "metrics": [{"name": "auc", "value": 0.8}],
            "trainedOn": [DATA[(number * 7 + step) % len(DATA)] for step in range(5)],
        }
        done = await self.send(token, ONE, item)
        if done["outcome"] != "CREATED":
            sys.exit(str(done))

    async def run(self, callers: int, seconds: float, cost: Cost) -> None:
        """Let callers register versions for some seconds."""
        begin, (api, jvm) = time.perf_counter(), self.cpu()

        async def caller(token: str) -> None:
            while (sent := time.perf_counter()) < begin + seconds:
                await self.register(token)
                cost.calls.append(time.perf_counter() - sent)

        await asyncio.gather(*(caller(self.tokens[number % len(self.tokens)]) for number in range(callers)))
        after = self.cpu()
        cost.wall += time.perf_counter() - begin
        cost.api, cost.jvm = cost.api + after[0] - api, cost.jvm + after[1] - jvm


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serving(tree: Path, port: int, *, same: bool) -> AsyncIterator[Server]:
    """Run a server of a tree, with the assets that the versions name."""
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"MLG_DATA_DIR": folder, "MLG_PORT": str(port)}
        issuer = DevIssuer(Settings.from_env(env))
        tokens = [issuer.mint(persona(name)) for name in (("root",) if same else ("root", "ada", "ci-ranking"))]
        process = await asyncio.create_subprocess_exec(
            str(tree / ".venv/bin/mlg"), "serve", cwd=tree, env=env, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with httpx2.AsyncClient(base_url=url, limits=httpx2.Limits(max_connections=100)) as http:
                while not await _is_ready(http):  # noqa: ASYNC110 - a server of another process
                    await asyncio.sleep(0.3)
                server = Server(tree, process.pid, http, tokens)
                await server.load()
                yield server
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _is_ready(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


async def main(seconds: float, trees: list[Path], *, same: bool) -> None:
    """Measure every tree with every number of callers, and print a table."""
    costs = {(tree, callers): Cost() for callers in CALLERS for tree in trees}
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serving(tree, 8_771 + place, same=same)) for place, tree in enumerate(trees)
        ]
        for server in servers:
            await server.run(8, 5, Cost())
        for _ in range(ROUNDS):
            for callers in CALLERS:
                for server in servers:
                    await server.run(callers, seconds, costs[server.tree, callers])
    table = Table("callers", "tree", "calls/s", "p50 ms", "p99 ms", "API CPU ms/call", "JVM CPU ms/call")
    for (tree, callers), cost in costs.items():
        table.add_row(str(callers), tree.name, *cost.row(), end_section=tree == trees[-1])
    Console().print(table)


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--same"]
    given = [Path(each).resolve() for each in arguments[1:]] or [Path(__file__).parents[1]]
    asyncio.run(main(float(arguments[0]) if arguments else 5.0, given, same="--same" in sys.argv))
