"""Bulk registration of model versions with five edges each: create, the same again, and an update, by batch size.

``.venv/bin/python bench/bulk_writes.py [ITEMS]`` starts a store of its own and prints items a second, and the CPU of
the API process and the JVM for each item in milliseconds. Sizes and phases take turns, so load hits all of them. Every
answer is checked for what it says was done. ``--without-audit`` leaves the audit out, to see what it costs.
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
PHASES = {"create": "created", "the same again": "unchanged", "update": "updated"}


@dataclass
class Cost:
    """What one phase at one size took: items, and seconds of wall, API CPU and JVM CPU."""

    items: int = 0
    wall: float = 0.0
    api: float = 0.0
    jvm: float = 0.0

    def row(self) -> list[str]:
        """Items a second, and milliseconds of CPU for each."""
        each = 1_000 / self.items
        return [f"{self.items / self.wall:,.0f}", f"{self.api * each:.2f}", f"{self.jvm * each:.2f}"]


def versions(size: int, start: int, count: int, phase: str) -> list[dict[str, Any]]:
    """Items ``start`` to ``start + count`` of the model of a batch size, with five edges each."""
    stated = "better" if phase == "update" else "good"
    return [
        {
            "modelVersion": {
                "id": f"mlg://model-version/bench/default/m{size}@{number}",
                "displayName": f"m{size} v{number}",
                "description": f"A {stated} model",
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
    """Run an API over a store that holds the data that versions are trained on."""
    async with measured_api(folder) as api:
        models = [{"model": {"id": f"mlg://model/bench/default/m{size}", "owners": OWNERS}} for size in SIZES]
        await register(api.http, [*({"dataset": {"id": urn, "owners": OWNERS}} for urn in DATA), *models], "created")
        yield api


async def register(http: httpx2.AsyncClient, items: Sequence[dict[str, Any]], outcome: str) -> None:
    """Register items; all must come to the outcome."""
    known_response = await http.post(
        "/graphql", json={"query": REGISTER, "variables": {"input": {"items": items}}}, timeout=300
    )
    done = (known_response.json().get("data") or {}).get("registerAssets") or {}
    if done.get(outcome) != len(items):
        raise SystemExit(known_response.text[:500])


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
