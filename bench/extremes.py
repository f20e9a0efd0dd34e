"""Measures the longest callback of the event loop for each argument of the schema and each member of an event.

``make bench-extremes`` starts a server of its own with an asset of each kind, and sends operations one after the other,
each with one extreme value (`tests/support/documents/extremes`). ``VALUES=all`` sends all values instead of a few of
each place, and ``PLACES`` is a regular expression for places. It prints the places with the longest callbacks, in CPU
time, and writes all of them to bench/results. The collection of garbage is part of a callback.
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import httpx2
from graphql import build_schema
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from support.documents.extremes.extreme_events import extreme_events
from support.documents.extremes.extreme_operations import Extremes
from support.estates.known_of_each_kind import known_items

from bench.one_caller import URL, WRITE, Load, serving
from bench.trees import ROOT

SDL: Final = (ROOT / "graphql_schema" / "schema.graphql").read_text()
SHOWN: Final = 40
MAX_BODY: Final = 4 * 1024 * 1024
RESULTS: Final = ROOT / "bench" / "results" / "extremes.jsonl"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request with one extreme value: the place of the value, its name, and the body."""

    path: str
    place: str
    value: str
    body: Any


def requests(extremes: Extremes) -> Iterator[list[Sent]]:
    """Yield the requests of each place."""
    for place in extremes.places():
        if place.owner != "Subscription":
            yield [
                Sent("/graphql", str(place), each.value, {"query": each.text, "variables": each.variables})
                for each in extremes.operations(place)
            ]
    events: dict[str, list[Sent]] = {}
    for event in extreme_events():
        name = f"{event.path} {event.place}"
        events.setdefault(name, []).append(Sent(event.path, name, event.value, event.event))
    yield from events.values()


def chosen(sent: list[Sent], values: int | None) -> list[Sent]:
    """Return some of the requests of a place, the same in each run; all for None."""
    return sent if values is None or len(sent) <= values else Random(sent[0].place).sample(sent, values)


async def measured(load: Load, http: httpx2.AsyncClient, sent: Sent) -> dict[str, Any]:
    """Send a request, and return what it took."""
    content = json.dumps(sent.body).encode()
    if len(content) > MAX_BODY:
        return {}
    await load.longest_callback()
    response = await http.post(
        f"{URL}{sent.path}",
        content=content,
        headers={"Authorization": f"Bearer {load.tokens['root']}", "Content-Type": "application/json"},
        timeout=300,
    )
    longest = int(await load.longest_callback())
    return {"place": sent.place, "value": sent.value, "bytes": len(content), "status": response.status_code,
            "callback": longest}  # fmt: skip


async def main(values: int | None, places: str) -> None:
    """Send the requests, and print a table."""
    extremes = Extremes(build_schema(SDL), [*known_items()])
    groups = [group for group in requests(extremes) if group and re.search(places, group[0].place)]
    rows: list[dict[str, Any]] = []
    async with serving(datasets=0) as load, httpx2.AsyncClient() as http:
        items = {"input": {"items": [*known_items().values()]}}
        await load.send(http, "root", {"query": WRITE, "variables": items})
        with Progress(console=Console(stderr=True)) as progress:
            for group in progress.track(groups, description="places"):
                rows += [row for each in chosen(group, values) if (row := await measured(load, http, each))]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(json.dumps(row) + "\n" for row in rows))
    worst: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: -row["callback"]):
        worst.setdefault(row["place"], row)
    table = Table("place", "value", "bytes", "status", "longest callback, ms CPU")
    for row in [*worst.values()][:SHOWN]:
        table.add_row(row["place"], row["value"], *(str(row[name]) for name in ("bytes", "status", "callback")))
    Console().print(table)
    Console().print(f"{len(rows)} requests to {len(worst)} places; all in {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    given = os.environ.get("VALUES", "8")
    asyncio.run(main(None if given == "all" else int(given), os.environ.get("PLACES", ".")))
