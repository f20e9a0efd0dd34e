"""Measures lineage, health and search while the graph around one neighbourhood grows.

``.venv/bin/python bench/walks.py [SIZE …]`` (2000 20000 200000) starts a store of its own, registers one
neighbourhood, and runs the same queries at each size. The rest of the graph is datasets that derive from one another.
It prints wall p50 and p95 and CPU (API process, JVM) in milliseconds, and the number of requests to the store. The
responses must be equal at all sizes.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from measured_api import REGISTER, Cost, MeasuredApi, measured_api
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.graph.driver.gremlin_client import RequestReport

SIZES = (2_000, 20_000, 200_000)
WARM, ROUNDS = 25, 25
FAN, LEVELS = 3, 5
LAYERS, WIDTH = 12, 10
CHAIN = 20
DATA, VERSIONS = 20, 100
TEAMS = tuple(f"mlg://team/catalog/default/{name}" for name in ("ranking", "ads", "growth"))


def urn(kind: str, name: str) -> str:
    """Return an id of the neighbourhood."""
    return f"mlg://{kind}/bench/default/{name}"


def tree() -> Iterator[dict[str, Any]]:
    """Yield a tree of 364 datasets: three derive from each, over five levels."""
    yield {"dataset": {"id": urn("dataset", "root")}}
    level = ["root"]
    for _ in range(LEVELS):
        further = [f"{name}-{number}" for name in level for number in range(FAN)]
        for name in further:
            yield {"dataset": {"id": urn("dataset", name), "derivedFrom": [urn("dataset", name[:-2])]}}
        level = further


def chain() -> Iterator[dict[str, Any]]:
    """Yield twenty steps of three datasets, which derive from all datasets of the step before, and a service."""
    steps = [[urn("dataset", f"step{number:02d}{letter}") for letter in "abc"] for number in range(CHAIN)]
    for before, step in zip([[], *steps[:-1]], steps, strict=True):
        yield from ({"dataset": {"id": each, "derivedFrom": before}} for each in step)
    yield {"service": {"id": urn("service", "end")}}
    yield {"link": {"relation": "FEEDS", "from": steps[-1][0], "to": urn("service", "end")}}


def layers() -> Iterator[dict[str, Any]]:
    """Yield twelve layers of ten datasets, which derive from all datasets of the layer before: 10^12 paths."""
    before = [urn("dataset", "source")]
    yield {"dataset": {"id": before[0]}}
    for layer in range(LAYERS):
        here = [urn("dataset", f"layer{layer:02d}{number}") for number in range(WIDTH)]
        yield from ({"dataset": {"id": each, "derivedFrom": before}} for each in here)
        before = here
    yield {"dataset": {"id": urn("dataset", "sink"), "derivedFrom": before}}


def versions() -> Iterator[dict[str, Any]]:
    """Yield a hundred model versions, each trained on five of twenty datasets."""
    data = [urn("dataset", f"orders_{number:02d}") for number in range(DATA)]
    for number, each in enumerate(data):
        yield {"dataset": {"id": each, "description": "Orders of a day", "owners": [{"owner": TEAMS[number % 3]}]}}
    for number in range(VERSIONS):
        trained = [data[(number * 7 + step) % DATA] for step in range(5)]
        yield {"modelVersion": {"id": urn("model-version", f"scorer-{number:03d}@1"), "trainedOn": trained}}


def filler(begin: int, end: int) -> Iterator[dict[str, Any]]:
    """Yield the rest of the graph."""
    for number in range(begin, end):
        derived = [urn("dataset", f"other{number // 2:06d}")] if number else []
        owners = [{"owner": TEAMS[number % 3]}]
        yield {"dataset": {"id": urn("dataset", f"other{number:06d}"), "derivedFrom": derived, "owners": owners}}


PLACES = "completeness { state reason visited depthReached }"
VERSION_IDS = orjson.dumps([urn("model-version", f"scorer-{number:03d}@1") for number in range(VERSIONS)]).decode()
ROOT, STEP, END = urn("dataset", "root"), urn("dataset", "step00a"), urn("dataset", "sink")
QUESTIONS = {
    "lineage, depth 5, 364 nodes": f"""{{ lineage(roots: ["{ROOT}"], direction: DOWNSTREAM, first: 500) {{
        nodes {{ nodes {{ depth asset {{ id displayName }} }} }} countsByKind {{ kind count }} {PLACES} }} }}""",
    "impact, depth 20, counts and services": f"""{{ impact(roots: ["{STEP}"]) {{ total countsByKind {{ kind count }}
        countsByDepth services {{ nodes {{ asset {{ id }} depth via }} }} {PLACES} }} }}""",
    "paths, 5 of 10^12": f"""{{ paths(from: "{urn("dataset", "source")}", to: "{END}", maxLength: 13) {{
        paths {{ length nodes {{ id }} }} {PLACES} }} }}""",
    "health of 100 model versions": f"""{{ nodes(ids: {VERSION_IDS}) {{ id ... on ModelVersion {{
        health {{ status causes {{ depth asset {{ id }} check {{ name }} }} }} }} }} }}""",
    "search with 3 facets": """{ search(text: "orders", facets: [KIND, OWNER_TEAM, STAGE], first: 20) {
        hits { nodes { asset { id displayName } highlights { field text } } } facets { facet values { value count } }
        } }""",
}
REPORT = """mutation ($input: ReportCheckInput!) { reportCheck(input: $input) { errors { code message } } }"""


@dataclass
class Requests:
    """Counts the requests to the store."""

    count: int = 0

    def exchanged(self, _exchange: RequestReport) -> None:
        """Count a finished request."""
        self.count += 1


@dataclass
class Bench:
    """A running API, and the first response to each query; later responses must be equal."""

    api: MeasuredApi
    responses: dict[str, Any] = field(default_factory=dict)

    async def ask(self, query: str, **variables: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the data of a response; stop the bench on an error."""
        body = {"query": query, "variables": variables}
        found = (await self.api.http.post("/graphql", json=body, timeout=300)).json()
        if "errors" in found:
            raise SystemExit(str(found["errors"])[:500])
        return found["data"]

    async def load(self, items: list[dict[str, Any]], progress: Progress, title: str) -> None:
        """Register items, a thousand per call."""
        task = progress.add_task(title, total=len(items))
        for start in range(0, len(items), 1_000):
            chunk = items[start : start + 1_000]
            if (await self.ask(REGISTER, input={"items": chunk}))["registerAssets"]["failed"]:
                raise SystemExit(f"{title}: some items failed")
            progress.advance(task, len(chunk))

    async def plant(self, progress: Progress) -> None:
        """Register the neighbourhood, and report a check on every second dataset; half of the checks fail."""
        teams = [{"team": {"name": team.rsplit("/", 1)[1]}} for team in TEAMS]
        await self.load([*teams, *tree(), *chain(), *layers(), *versions()], progress, "neighbourhood")
        for number in range(0, DATA, 2):
            given = {"asset": urn("dataset", f"orders_{number:02d}"), "check": "fresh", "checkKind": "FRESHNESS"}
            await self.ask(REPORT, input={**given, "status": "FAIL" if number % 4 == 0 else "PASS"})

    async def row(self, name: str, query: str) -> list[str]:
        """Measure one query."""
        cost, requests = Cost(), Requests()
        found = await self.ask(query)
        if self.responses.setdefault(name, found) != found:
            raise SystemExit(f"{name}: the answer is another than at the first size")
        observers = self.api.process.opened.client.observers
        observers.append(requests)
        await self.ask(query)
        observers.remove(requests)
        for number in range(WARM + ROUNDS):
            await self.api.measure(None if number < WARM else cost, lambda: self.ask(query))
        p95 = sorted(cost.wall)[int(len(cost.wall) * 0.95)]
        return [cost.row()[0], f"{p95:.1f}", *cost.row()[1:], str(requests.count)]


async def main(sizes: tuple[int, ...]) -> None:
    """Measure every query at every size and print a table."""
    console = Console()
    table = Table("question", "assets", "p50", "p95", "API CPU", "JVM CPU", "requests", title="milliseconds")
    with tempfile.TemporaryDirectory() as folder:
        async with measured_api(Path(folder)) as api:
            bench, there = Bench(api), 0
            rows: dict[str, list[list[str]]] = {name: [] for name in QUESTIONS}
            with Progress(console=console) as progress:
                await bench.plant(progress)
                for size in sizes:
                    await bench.load([*filler(there, size)], progress, f"{size:,} assets")
                    there = size
                    for name, query in QUESTIONS.items():
                        rows[name].append([f"{size:,}", *await bench.row(name, query)])
                        console.print(name, rows[name][-1])
            for name, measured in rows.items():
                for number, row in enumerate(measured):
                    table.add_row(name if number == 0 else "", *row, end_section=number == len(measured) - 1)
    console.print(table)


if __name__ == "__main__":
    asyncio.run(main(tuple(int(size) for size in sys.argv[1:]) or SIZES))
