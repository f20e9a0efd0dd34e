"""Concurrent writes of the same assets: no duplicates, no lost updates, and correct outcomes for every client."""

import asyncio
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Stored, stored

CLIENTS, IDS, CALL = 16, 200, 50
READ = "query ($id: ID!) { asset(id: $id) { revision description } }"
WRITE = """mutation ($input: DatasetInput!) { registerDataset(input: $input) {
  outcome revision errors { code currentRevision } } }"""

Reply = tuple[str, str, int]
"""The result of an item: its id, outcome and revision."""


def items(names: list[str], client: int) -> list[dict[str, Any]]:
    """Return the items of a client: edges equal for all clients; every fourth client sets its own description."""
    stated = {} if client % 4 else {"description": f"as client {client} has it"}
    return [
        {"dataset": {"id": name, "derivedFrom": [names[at - 1], names[at - 7]], **stated}}
        for at, name in enumerate(names)
    ]


async def send(api: Api, names: list[str], client: int, order: random.Random) -> list[Reply]:
    """Register all ids in calls of ``CALL`` items, in a random order, and return the replies."""
    mine = items(names, client)
    order.shuffle(mine)
    replies = []
    for start in range(0, IDS, CALL):
        part = mine[start : start + CALL]
        payload = await api.register("root", *part)
        for item, result in zip(part, payload["results"], strict=True):
            assert result["errors"] == []
            replies.append((item["dataset"]["id"], result["outcome"], result["revision"]))
    return replies


def check_store(there: Stored, names: list[str]) -> None:
    """Check that each id is one vertex with the edges of its item, and one audit entry per revision."""
    assert {key for key in there.edge_records if key[2] in names} == {
        ("DERIVES", names[at - back], name) for at, name in enumerate(names) for back in (1, 7)
    }
    for name in names:
        record = there.records[name]
        assert record["hydration"] == "FULL"
        revisions = [change["subjectRevision"] for change in there.history(name)]
        assert revisions == list(range(1, record["revision"] + 1))


def check_replies(there: Stored, names: list[str], replies: list[Reply]) -> None:
    """Check that one client created each id, and that every changed outcome has a revision of its own."""
    made: dict[str, list[int]] = defaultdict(list)
    created = Counter(name for name, outcome, _ in replies if outcome == "CREATED")
    assert created == Counter(names)
    for name, outcome, revision in replies:
        assert 1 <= revision <= there.records[name]["revision"]
        if outcome != "UNCHANGED":
            made[name].append(revision)
    for name in names:
        stubs = 0 if there.history(name)[0]["fields"] else 1
        assert sorted(made[name]) == list(range(1 + stubs, there.records[name]["revision"] + 1))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_many_clients_register_the_same_new_ids(graph: StoreGraph, tmp_path: Path, seed: int) -> None:
    """Sixteen concurrent clients register 200 new ids in random orders: each id is stored and created once."""
    names = [f"mlg://dataset/many/default/d{number}" for number in range(IDS)]
    async with open_api(graph, tmp_path) as api:
        sent = [send(api, names, client, random.Random(seed * CLIENTS + client)) for client in range(CLIENTS)]
        replies = [reply for each in await asyncio.gather(*sent) for reply in each]
        page = await api.ask("root", "{ assets(first: 500) { totalCount nodes { id } } }")
    there = await stored(graph)
    assert sorted(there.records) == sorted(names)
    assert page["assets"]["totalCount"] == IDS
    assert sorted(node["id"] for node in page["assets"]["nodes"]) == sorted(names)
    check_store(there, names)
    check_replies(there, names, replies)


async def test_one_of_many_clients_with_the_same_expected_revision_wins(graph: StoreGraph, tmp_path: Path) -> None:
    """Of clients with the same `expectedRevision` one writes; the others get CONFLICT with the current revision."""
    name = "mlg://dataset/many/default/contested"
    async with open_api(graph, tmp_path) as api:
        await api.load({"dataset": {"id": name}})
        for expected in range(1, 11):
            sent = [write(api, name, f"round {expected}, client {client}", expected) for client in range(CLIENTS)]
            done = await asyncio.gather(*sent)
            won = [client for client, one in enumerate(done) if one["outcome"] == "UPDATED"]
            lost = [one["errors"] for one in done if one["outcome"] != "UPDATED"]
            assert lost == [[{"code": "CONFLICT", "currentRevision": expected + 1}]] * (CLIENTS - 1)
            found = (await api.ask("root", READ, id=name))["asset"]
            assert found == {"revision": expected + 1, "description": f"round {expected}, client {won[0]}"}


async def test_no_update_is_lost(graph: StoreGraph, tmp_path: Path) -> None:
    """Clients that increment a counter with `expectedRevision`, and retry on CONFLICT, reach the exact sum."""
    name, times = "mlg://dataset/many/default/counter", 4
    async with open_api(graph, tmp_path) as api:
        await api.load({"dataset": {"id": name, "description": "0"}})

        async def count() -> None:
            left = times
            while left:
                observed = (await api.ask("root", READ, id=name))["asset"]
                done = await write(api, name, str(int(observed["description"]) + 1), observed["revision"])
                left -= done["outcome"] == "UPDATED"

        await asyncio.gather(*(count() for _ in range(8)))
    there = await stored(graph)
    assert there.records[name]["description"] == str(8 * times)
    reported = [
        (one["field"], one["before"], one["after"]) for change in there.history(name)[1:] for one in change["fields"]
    ]
    assert reported == [("description", str(number), str(number + 1)) for number in range(8 * times)]


async def write(api: Api, name: str, stated: str, expected: int) -> dict[str, Any]:
    """Write a description with an expected revision, and return the payload."""
    data = await api.ask("root", WRITE, input={"id": name, "description": stated, "expectedRevision": expected})
    payload: dict[str, Any] = data["registerDataset"]
    return payload
