"""Nested reads through the API beside a hand-written traversal for the same answer, on one store in one run.

``.venv/bin/python bench/nested_reads.py [ROUNDS]`` starts a store of its own, loads 60 models with four versions each,
and prints p50 wall and CPU (API process, JVM) in milliseconds, and the ratio. Nothing here is asserted: times depend on
the machine, and the two sides are interleaved so that load hits both.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.factory import create_app
from app.graph.admin.store_schema import store_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id
from app.runtime.process import Process
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore

OPEN = "has('validTo', gt(now))"
OWNERS = f"__.outE('OWNED_BY').{OPEN}.inV().values('record').fold()"
DATA = f"__.inE('FEEDS').{OPEN}.outV().project('r', 'o').by('record').by({OWNERS}).fold()"
VERSIONS = f"__.inE('VERSION_OF').{OPEN}.outV().project('r', 'd').by('record').by({DATA}).fold()"

WARM = 80
"""Rounds that are not counted: the JVM compiles a path after some hundred requests."""

REGISTER = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { failed } }"
PAIRS: dict[str, tuple[str, PreparedStatement]] = {
    "one model, its versions, data and owners": (
        """{ asset(id: "mlg://model/bench/default/m007") { displayName ... on Model { versions { nodes { version
        trainedOn { nodes { displayName owners(includeInherited: false) { owner { ... on Team { name } } }
        } } } } } } }""",
        PreparedStatement.of(f"g.V(x).project('r', 'v').by('record').by({VERSIONS})", "x", "now"),
    ),
    "50 models, their versions, data and owners": (
        """{ assets(filter: {kinds: [MODEL]}, first: 50) { nodes { displayName ... on Model { versions { nodes { version
        trainedOn { nodes { displayName owners(includeInherited: false) { owner { ... on Team { name } } }
        } } } } } } } }""",
        PreparedStatement.of(
            "g.V().has('tenant', tenant).has('kind', 'MODEL').order().by('urn', asc).limit(50)"
            f".project('r', 'v').by('record').by({VERSIONS})",
            "tenant",
            "now",
        ),
    ),
    "100 datasets and their owners": (
        """{ assets(filter: {kinds: [DATASET]}, first: 100) { nodes { displayName description
        owners(includeInherited: false) { owner { ... on Team { name } } } } } }""",
        PreparedStatement.of(
            "g.V().has('tenant', tenant).has('kind', 'DATASET').order().by('urn', asc).limit(100)"
            f".project('r', 'o').by('record').by({OWNERS})",
            "tenant",
            "now",
        ),
    ),
}


@dataclass
class Cost:
    """What one side took, a sample a round, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    api: list[float] = field(default_factory=list)
    jvm: list[float] = field(default_factory=list)

    def row(self) -> list[str]:
        """The medians of wall, and the means of CPU, whose clock ticks in 10 ms."""
        return [
            f"{statistics.median(self.wall):.1f}",
            f"{statistics.mean(self.api):.1f}",
            f"{statistics.mean(self.jvm):.1f}",
        ]


class BenchServices(Process):
    """The services of the bench, whose store is in reach for its process id."""

    store: EmbeddedStore

    async def reach_store(self, stack: contextlib.AsyncExitStack) -> GremlinClient:
        """Start the store."""
        self.store = await stack.enter_async_context(EmbeddedStore(self.settings, store_schema()))
        return GremlinClient(self.store.url)


def estate() -> list[dict[str, Any]]:
    """60 models of three teams, four versions each, trained on 5 of 120 datasets."""
    random = Random(3)
    owners = [[{"owner": f"mlg://team/catalog/default/{name}"}] for name in ("ranking", "ads", "growth")]
    data = [f"mlg://dataset/bench/default/d{number:03d}" for number in range(120)]
    items: list[dict[str, Any]] = [
        {"dataset": {"id": urn, "owners": random.choice(owners), "description": "Rows of something"}} for urn in data
    ]
    for number in range(60):
        items.append({"model": {"id": f"mlg://model/bench/default/m{number:03d}", "owners": random.choice(owners)}})
        items += [
            {
                "modelVersion": {
                    "id": f"mlg://model-version/bench/default/m{number:03d}@{version}",
                    "trainedOn": random.sample(data, 5),
                    "params": [{"key": "lr", "value": "0.1"}],
                }
            }
            for version in range(4)
        ]
    return items


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, BenchServices]]:
    """An API over a store of its own, loaded."""
    services = BenchServices(Settings.from_env({"MLG_DATA_DIR": str(folder)}))
    app = create_app(services)
    headers = {"Authorization": f"Bearer {DevIssuer(services.settings).mint(persona('root'))}"}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api", headers=headers) as http,
    ):
        body = {"query": REGISTER, "variables": {"input": {"items": estate()}}}
        answer = (await http.post("/graphql", json=body, timeout=300)).json()
        if answer.get("errors") or answer["data"]["registerAssets"]["failed"]:
            raise SystemExit(str(answer)[:500])
        yield http, services


def jvm_cpu(pid: int | None) -> float:
    """CPU seconds of the JVM so far, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def measure(cost: Cost | None, pid: int | None, call: Callable[[], Awaitable[object]]) -> None:
    """Run one side once; a cost of None is a warm-up."""
    jvm, cpu, wall = jvm_cpu(pid), time.process_time(), time.perf_counter()
    await call()
    if cost is not None:
        cost.wall.append((time.perf_counter() - wall) * 1e3)
        cost.api.append((time.process_time() - cpu) * 1e3)
        cost.jvm.append((jvm_cpu(pid) - jvm) * 1e3)


async def main(rounds: int) -> None:
    """Measure every pair and print a table."""
    table = Table("query", "side", "wall p50", "API CPU", "JVM CPU", title="milliseconds")
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as (http, services):
            values: dict[str, Any] = {"x": vertex_id("default", "mlg://model/bench/default/m007"), "tenant": "default"}
            for name, (query, by_hand) in PAIRS.items():
                bindings = {key: values.get(key) for key in by_hand.parameters} | {"now": time.time_ns() // 1_000_000}

                async def through_api(query: str = query) -> None:
                    answer = await http.post("/graphql", json={"query": query})
                    if "errors" in answer.json():
                        raise SystemExit(answer.text[:500])

                async def directly(by_hand: PreparedStatement = by_hand, bindings: Any = bindings) -> None:  # noqa: ANN401
                    await services.client.submit(by_hand, bindings)

                api, hand = Cost(), Cost()
                for number in range(rounds + WARM):
                    warm = number < WARM
                    await measure(None if warm else api, services.store.jvm_pid, through_api)
                    await measure(None if warm else hand, services.store.jvm_pid, directly)
                ratio = statistics.median(api.wall) / statistics.median(hand.wall)
                table.add_row(name, "API", *api.row())
                table.add_row("", f"by hand (API / hand = {ratio:.1f})", *hand.row(), end_section=True)
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
