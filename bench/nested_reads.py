"""Measures nested reads through the API beside hand-written traversals with the same result, in one run.

``.venv/bin/python bench/nested_reads.py [ROUNDS]`` starts a store of its own, loads 60 models with four versions each,
and prints p50 wall and CPU (API process, JVM) in milliseconds, and the ratio. Nothing is asserted, because times depend
on the machine. The two sides are interleaved, so that load on the machine affects both.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

from measured_api import REGISTER, Cost, MeasuredApi, measured_api
from rich.console import Console
from rich.table import Table

from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id

OPEN = "has('validTo', gt(now))"
OWNERS = f"__.outE('OWNED_BY').{OPEN}.inV().values('record').fold()"
DATA = f"__.inE('FEEDS').{OPEN}.outV().project('r', 'o').by('record').by({OWNERS}).fold()"
VERSIONS = f"__.inE('VERSION_OF').{OPEN}.outV().project('r', 'd').by('record').by({DATA}).fold()"

WARM = 80
"""Rounds that are not counted, because the JVM compiles a code path after some hundred requests."""

PAIRS: dict[str, tuple[str, PreparedStatement]] = {
    "one model, its versions, data and owners": (
        """{ asset(id: "mlg://model/bench/default/m007") { displayName ... on Model { versions(first: 4) { nodes {
        version trainedOn(first: 5) { nodes { displayName
        owners(includeInherited: false) { owner { ... on Team { name } } }
        } } } } } } }""",
        PreparedStatement.of(f"g.V(x).project('r', 'v').by('record').by({VERSIONS})", "x", "now"),
    ),
    "50 models, their versions, data and owners": (
        """{ assets(filter: {kinds: [MODEL]}, first: 50) { nodes { displayName ... on Model { versions(first: 4) {
        nodes { version trainedOn(first: 5) { nodes { displayName
        owners(includeInherited: false) { owner { ... on Team { name } } }
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


def estate() -> list[dict[str, Any]]:
    """Return the items of 60 models of three teams, with four versions each that were trained on 5 of 120 datasets."""
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
async def loaded_api(folder: Path) -> AsyncIterator[MeasuredApi]:
    """Run an API over a store with the estate."""
    async with measured_api(folder) as api:
        body = {"query": REGISTER, "variables": {"input": {"items": estate()}}}
        response = (await api.http.post("/graphql", json=body, timeout=300)).json()
        if response.get("errors") or response["data"]["registerAssets"]["failed"]:
            raise SystemExit(str(response)[:500])
        yield api


async def main(rounds: int) -> None:
    """Measure every pair and print a table."""
    table = Table("query", "side", "wall p50", "API CPU", "JVM CPU", title="milliseconds")
    with tempfile.TemporaryDirectory() as folder:
        async with loaded_api(Path(folder)) as api:
            values: dict[str, Any] = {"x": vertex_id("default", "mlg://model/bench/default/m007"), "tenant": "default"}
            for name, (query, by_hand) in PAIRS.items():
                bindings = {key: values.get(key) for key in by_hand.parameters} | {"now": time.time_ns() // 1_000_000}

                async def through_api(query: str = query) -> None:
                    response = await api.http.post("/graphql", json={"query": query})
                    if "errors" in response.json():
                        raise SystemExit(response.text[:500])

                async def directly(by_hand: PreparedStatement = by_hand, bindings: Any = bindings) -> None:  # noqa: ANN401
                    await api.process.opened.client.submit(by_hand, bindings)

                through, hand = Cost(), Cost()
                for number in range(rounds + WARM):
                    warm = number < WARM
                    await api.measure(None if warm else through, through_api)
                    await api.measure(None if warm else hand, directly)
                ratio = statistics.median(through.wall) / statistics.median(hand.wall)
                table.add_row(name, "API", *through.row())
                table.add_row("", f"by hand (API / hand = {ratio:.1f})", *hand.row(), end_section=True)
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
