"""Runs in the order of their cost, while a sensitivity floor hides the cost or the run before a job has stored it."""

from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.writing.effects import raise_sensitivity
from app.runtime.background_jobs import background_jobs

PAGE = """query ($after: Cursor, $first: Int!, $direction: OrderDirection!) {
  assets(filter: {kinds: [RUN]}, orderBy: {field: COST, direction: $direction}, first: $first, after: $after) {
    nodes { name ... on Run { costUsd } } pageInfo { hasNextPage endCursor } } }"""
OPEN = {"open-b": 4.0, "open-a": 2.0, "open-c": 6.0}
OWN = {"own-b": 5.0, "own-a": 3.0, "own-c": 7.0}
"""Runs of bo's team below the raised source: RESTRICTED, they are no longer readable for a reader of the team."""
OTHER = {"other-a": 1.0, "other-b": 4.5}
"""Runs of another team below the raised source: RESTRICTED, they are hidden from bo."""


def runs(costs: dict[str, float], team: str, **values: Any) -> list[dict[str, Any]]:
    """Return the items of runs with their costs, owned by a team."""
    owners = [{"owner": f"mlg://team/catalog/default/{team}"}]
    given = {"owners": owners, "state": "COMPLETE", **values}
    return [{"run": {"id": f"mlg://run/test/default/{name}", "costUsd": costs[name], **given}} for name in costs]


def source(**values: Any) -> dict[str, Any]:
    """Return the item of the data set that some of the runs read."""
    return {"dataset": {"id": "mlg://dataset/test/default/source", **values}}


async def listed(api: Api, who: str, direction: str, first: int) -> list[tuple[str, float | None]]:
    """Return the names and costs on all pages of the runs; every page but the last one is full."""
    found, after = list[tuple[str, float | None]](), None
    while True:
        page = (await api.ask(who, PAGE, after=after, first=first, direction=direction))["assets"]
        found += [(node["name"], node["costUsd"]) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        assert len(page["nodes"]) == first
        after = page["pageInfo"]["endCursor"]


async def in_every_order(api: Api, who: str) -> dict[str, list[tuple[str, float | None]]]:
    """Return the runs in both directions, which are the same on pages of every size."""
    found = {}
    for direction in ("ASC", "DESC"):
        pages = [await listed(api, who, direction, first) for first in (1, 2, 100)]
        assert pages[0] == pages[1] == pages[2]
        found[direction] = pages[0]
    return found


def by_cost(*costs: dict[str, float], last: tuple[str, ...] = ()) -> dict[str, list[tuple[str, float | None]]]:
    """Return runs in both orders of their costs, followed by the names of those that hide them."""
    shown = sorted(chain(*(each.items() for each in costs)), key=lambda run: run[1])
    hidden = [(name, None) for name in last]
    return {"ASC": [*shown, *hidden], "DESC": [*reversed(shown), *hidden]}


async def test_the_order_discloses_no_cost_that_a_floor_hides(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the floor the raised runs are in no place of the list; after the job the own ones are last, by id.

    The index still has their costs in between. A caller to whom the raise changes nothing finds all of them in order.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    below = {"inputs": [source()["dataset"]["id"]]}
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}}, source())
        await api.load(*runs(OPEN, "ads"), *runs(OWN, "ads", **below), *runs(OTHER, "ranking", **below))
        everything = by_cost(OPEN, OWN, OTHER)
        assert await in_every_order(api, "bo") == await in_every_order(api, "root") == everything
        await api.load(source(sensitivity="RESTRICTED"))
        assert api.coordinator.outbox.floors.active
        assert await in_every_order(api, "bo") == by_cost(OPEN)
        assert await in_every_order(api, "root") == everything
        await stack.enter_async_context(background_jobs(api.client, api.coordinator))
        await api.wait_for_jobs()
        assert api.coordinator.outbox.floors.active == {}
        assert await in_every_order(api, "bo") == by_cost(OPEN, last=tuple(sorted(OWN)))
        assert await in_every_order(api, "root") == everything
