"""Measures the cost of the policy: a nested query of 1,250 objects, with the shipped rules and with one permit for all.

``.venv/bin/python bench/policy_cost.py [ROUNDS]`` starts a store of its own and prints, per persona, the API's CPU in
milliseconds (median of paired rounds, interleaved) and what the shipped rules add in percent. Both sides return
the same bytes, which is checked; nothing in the response is hidden.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from measured_api import REGISTER, MeasuredApi, measured_api
from rich.console import Console
from rich.table import Table

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from graphql_schema.operation.field_guards import governed_fields
from policies.policy import Policy

ALLOW_ALL = '@id("all") @doc("Is it anything at all?") permit (principal, action, resource);'
PERSONAS = ("ada", "bo", "cy", "root")
QUERY = """{ assets(filter: {kinds: [MODEL]}, first: 50) { nodes { displayName stage ... on Model { versions(first: 4) {
  nodes { version framework digest trainedOn(first: 5) { nodes { displayName description
  owners(includeInherited: false) { ownership owner { ... on Team { name } } } } } } } } } } }"""
WARM = 15


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


@asynccontextmanager
async def loaded_api(folder: Path) -> AsyncIterator[MeasuredApi]:
    """Run an API over a store with the estate."""
    async with measured_api(folder) as api:
        body = {"query": REGISTER, "variables": {"input": {"items": estate()}}}
        response = (await api.http.post("/graphql", json=body, timeout=300)).json()
        if response.get("errors") or response["data"]["registerAssets"]["failed"]:
            raise SystemExit(str(response)[:500])
        yield api


async def cpu(http: httpx2.AsyncClient, token: str) -> tuple[float, object]:
    """Return the milliseconds of CPU of one request, and its data."""
    before = time.process_time()
    response = await http.post("/graphql", json={"query": QUERY}, headers={"Authorization": f"Bearer {token}"})
    return (time.process_time() - before) * 1e3, response.json()["data"]


async def compare(api: MeasuredApi, who: str, rounds: int) -> list[str]:
    """Return one row of the table."""
    contexts, shipped = api.process.opened.contexts, api.process.policy
    allowing = Policy(ALLOW_ALL, shipped.labels, governed_fields(api.process.schema.core))
    token = DevIssuer(api.process.settings).mint(persona(who))
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM + rounds):
        responses = []
        for side, policy in ((0, shipped), (1, allowing)) if number % 2 else ((1, allowing), (0, shipped)):
            contexts.policy = policy
            spent, data = await cpu(api.http, token)
            responses.append(data)
            if number >= WARM:
                times[side].append(spent)
        if responses[0] != responses[1]:
            raise SystemExit(f"{who} gets different data when all is allowed, so the two sides cannot be compared.")
    contexts.policy = shipped
    ratios = [with_rules / without for with_rules, without in zip(*times, strict=True)]
    middle = [statistics.median(side) for side in times]
    return [who, f"{middle[0]:.1f}", f"{middle[1]:.1f}", f"{(statistics.median(ratios) - 1) * 100:+.1f} %"]


async def main(rounds: int) -> None:
    """Measure every persona and print a table."""
    table = Table("persona", "shipped rules", "all allowed", "difference", title="API CPU, ms, 1,250 objects")
    with tempfile.TemporaryDirectory() as folder:
        async with loaded_api(Path(folder)) as api:
            for who in PERSONAS:
                table.add_row(*await compare(api, who, rounds))
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
