"""Measures bulk registration of model versions with five edges each, by batch size: create, unchanged, update.

``.venv/bin/python bench/bulk_writes.py [ITEMS]`` starts a store of its own and prints the items per second, and the
milliseconds of CPU per item of the API process and the JVM. Sizes and phases take turns, so that load on the machine
affects all of them. The outcomes of every response are checked. ``--without-audit`` omits the audit entries, to measure
their cost.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from measured_api import MeasuredApi, measured_api
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import app.graph.writing.batch_planner as planning

SIZES = (1, 10, 50, 250, 1_000)
REGISTER = """mutation ($input: RegisterAssetsInput!) {
  registerAssets(input: $input) { created updated unchanged failed } }"""
DATA = [f"mlg://dataset/bench/default/d{number:03d}" for number in range(200)]
OWNERS = [{"owner": "mlg://team/catalog/default/ranking"}]
PHASES = {"create": "created", "unchanged": "unchanged", "update": "updated"}


@dataclass
class Cost:
    """The cost of one phase at one size: items, and seconds of wall, API CPU and JVM CPU."""

    items: int = 0
    wall: float = 0.0
    api: float = 0.0
    jvm: float = 0.0

    def row(self) -> list[str]:
        """Return the items per second, and the milliseconds of CPU per item."""
        each = 1_000 / self.items
        return [f"{self.items / self.wall:,.0f}", f"{self.api * each:.2f}", f"{self.jvm * each:.2f}"]


def versions(size: int, start: int, count: int, phase: str) -> list[dict[str, Any]]:
    """Return the items ``start`` to ``start + count`` of the model of a batch size, with five edges each."""
    quality = "better" if phase == "update" else "good"
    return [
        {
            "modelVersion": {
                "id": f"mlg://model-version/bench/default/m{size}@{number}",
                "displayName": f"m{size} v{number}",
                "description": f"A {quality} model",
                "framework": "pytorch",
                "params": [{"key": "lr", "value": "0.1"}, {"key": "rounds", "value": str(number)}],
                "metrics": [{"name": "auc", "value": 0.8}],
                "trainedOn": [DATA[(number * 7 + step) % len(DATA)] for step in range(5)],
            }
        }
        for number in range(start, start + count)
    ]


@contextlib.asynccontextmanager
async def loaded_api(folder: Path) -> AsyncIterator[MeasuredApi]:
    """Run an API over a store with the training data and the models."""
    async with measured_api(folder) as api:
        models = [{"model": {"id": f"mlg://model/bench/default/m{size}", "owners": OWNERS}} for size in SIZES]
        await register(api.http, [*({"dataset": {"id": urn, "owners": OWNERS}} for urn in DATA), *models], "created")
        yield api


async def register(http: httpx2.AsyncClient, items: Sequence[dict[str, Any]], outcome: str) -> None:
    """Register items; stop the bench unless all have the outcome."""
    response = await http.post(
        "/graphql", json={"query": REGISTER, "variables": {"input": {"items": items}}}, timeout=300
    )
    done = (response.json().get("data") or {}).get("registerAssets") or {}
    if done.get(outcome) != len(items):
        raise SystemExit(response.text[:500])


async def main(items: int) -> None:
    """Measure every phase at every size, and print a table."""
    table = Table("batch", "phase", "items/s", "API CPU ms/item", "JVM CPU ms/item", title=f"{items} items a row")
    costs = {(size, phase): Cost() for size in SIZES for phase in PHASES}
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        task = progress.add_task("writing", total=len(SIZES) * len(PHASES))
        async with loaded_api(Path(folder)) as api:
            for phase, outcome in PHASES.items():
                for size in SIZES:
                    cost = costs[size, phase]
                    most = min(items, 200 * size)
                    for start in range(0, most, size):
                        batch = versions(size, start, min(size, most - start), phase)
                        jvm, cpu, wall = api.jvm_cpu(), time.process_time(), time.perf_counter()
                        await register(api.http, batch, outcome)
                        cost.wall += time.perf_counter() - wall
                        cost.api += time.process_time() - cpu
                        cost.jvm += api.jvm_cpu() - jvm
                        cost.items += len(batch)
                    progress.advance(task)
    for (size, phase), cost in costs.items():
        table.add_row(f"{size:,}" if phase == "create" else "", phase, *cost.row(), end_section=phase == "update")
    Console().print(table)


if __name__ == "__main__":
    if "--without-audit" in sys.argv:
        sys.argv.remove("--without-audit")
        planning.stage_audit_entries = lambda _draft: None
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
