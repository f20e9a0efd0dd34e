"""The subscription `changes` delivers each change that is visible to the subscriber exactly once, in order."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.servers.in_process import Api
from support.servers.websocket_client import connected, serving
from support.source_tree import code_blocks

TEAM = "mlg://team/catalog/default/ranking"
FOLLOW = """subscription ($after: Cursor, $filter: ChangeFilter) { changes(after: $after, filter: $filter) {
  id subjectId action cursor fields { field after } subject { id description } } }"""
LISTED = "query ($after: Cursor) { changes(first: 100, after: $after) { nodes { id } pageInfo { endCursor } } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a graph with one team."""
    await api.load({"team": {"name": "ranking"}})
    return api


@pytest.fixture(scope="module")
async def address(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield address


def urn(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


def shut(name: str, **fields: Any) -> dict[str, Any]:
    """Return the item of a dataset that is visible to its team only."""
    return {"dataset": {"id": urn(name), "owners": [{"owner": TEAM}], "visibility": "TEAM", **fields}}


async def listed(api: Api, who: str) -> list[str]:
    """Return the ids of all changes that are visible to a persona, the oldest first."""
    found: list[str] = []
    after = None
    while True:
        page = (await api.ask(who, LISTED, after=after))["changes"]
        found += [node["id"] for node in page["nodes"]]
        if not page["nodes"]:
            return found[::-1]
        after = page["pageInfo"]["endCursor"]


async def last_cursor(api: Api, who: str) -> str | None:
    """Return the cursor of the newest change that is visible to a persona."""
    nodes = (await api.ask(who, "{ changes(first: 1) { nodes { cursor } } }"))["changes"]["nodes"]
    return nodes[0]["cursor"] if nodes else None


async def follow(address: str, token: str, last: str, chance: random.Random) -> list[dict[str, Any]]:
    """Return the changes up to the first of the subject ``last``, over connections that break at random."""
    got: list[dict[str, Any]] = []
    after = None
    while True:
        async with connected(address, token) as talk:
            await talk.subscribe(FOLLOW, after=after)
            for _ in range(chance.randint(1, 40)):
                change = (await talk.event())["changes"]
                got.append(change)
                if change["subjectId"] == last:
                    return got
                after = change["cursor"]


async def write(api: Api, chance: random.Random, count: int) -> None:
    """Write public and team-only datasets in calls of different sizes, each dataset several times."""
    for number in range(count):
        items = [
            shut(f"h{index}", description=f"{number}") if chance.random() < 0.4
            else {"dataset": {"id": urn(f"o{index}"), "description": f"{number}"}}
            for index in chance.sample(range(30), chance.choice((1, 1, 2, 12)))
        ]  # fmt: skip
        await api.load(*items)


async def test_each_change_is_delivered_once_and_in_order(api: Api, address: str) -> None:
    """Over connections that break at random, each persona receives the changes of the list once each, in order."""
    chance, ends = random.Random(1), urn("end")
    people = ("root", "ada", "bo")
    following = [
        asyncio.create_task(follow(address, api.tokens[who], ends, random.Random(number)))
        for number, who in enumerate(people)
    ]
    # Each subscription starts at a random moment of the load, so the comparison starts at its first change.
    await write(api, chance, 75)
    while not all(task.done() for task in following):
        await api.load({"dataset": {"id": ends, "description": str(chance.random())}})
        await asyncio.wait(following, timeout=0.2)
    for who, task in zip(people, following, strict=True):
        got = [change["id"] for change in task.result()]
        everything = await listed(api, who)
        start = everything.index(got[0])
        assert got == everything[start : start + len(got)]
        assert len(got) > 50


async def test_a_subscription_without_cursor_starts_now(api: Api, address: str) -> None:
    """Without a cursor, earlier changes are not delivered, and later changes are."""
    urns = {urn(f"now-{number}") for number in range(100)}
    await api.load({"dataset": {"id": urn("before")}})
    async with connected(address, api.tokens["bo"]) as talk:
        await talk.subscribe(FOLLOW)
        reported = asyncio.create_task(talk.event())
        for each in sorted(urns):
            if not reported.done():
                await api.load({"dataset": {"id": each}})
        assert (await reported)["changes"]["subjectId"] in urns


async def test_batches_of_hidden_changes_are_skipped(api: Api, address: str) -> None:
    """After several batches of changes hidden from the subscriber, the next visible change is delivered."""
    async with connected(address, api.tokens["bo"]) as talk:
        await talk.subscribe(FOLLOW, after=await last_cursor(api, "bo"))
        for number in range(2):
            await api.load(*(shut(f"crowd-{each}", description=f"{number}") for each in range(250)))
        await api.load({"dataset": {"id": urn("after-the-crowd")}})
        assert (await talk.event())["changes"]["subjectId"] == urn("after-the-crowd")


async def test_the_documented_client_receives_changes(api: Api, address: str) -> None:
    """The Python client of docs/http.md prints a change that is written while the client runs."""
    (client,) = code_blocks("docs/http.md", "python")
    reported = {**os.environ, "URL": f"ws://{address}", "TOKEN": api.tokens["ada"]}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", client, env=reported, stdout=subprocess.PIPE)
    assert process.stdout is not None
    line = asyncio.create_task(process.stdout.readline())
    number = 0
    while not line.done():
        number += 1
        await api.load({"dataset": {"id": urn("manual"), "description": str(number)}})
    process.kill()
    await process.wait()
    assert line.result().decode().split()[1:] in (
        ["root", "REGISTERED", urn("manual")],
        ["root", "UPDATED", urn("manual")],
    )
