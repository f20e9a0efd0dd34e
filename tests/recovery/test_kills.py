"""`kill -9` in the middle of a load, of the API or of its JVM: what was answered is there, and nothing by halves.

`make test-kills ROUNDS=20` kills at other moments in every round; `make test` does a round of each, with fewer items.
"""

import asyncio
import os
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rich.console import Console
from rich.progress import Progress
from support.servers.server_process import Serving, register
from support.stores.writers import Stored, stored

ROUNDS = int(os.environ.get("ROUNDS", "2"))
SEED = int(os.environ.get("SEED", "1"))
ITEMS = int(os.environ.get("ITEMS", "1500"))
CALL = 500
"""Items of a call: two transactions of the store."""

Told = dict[int, list[Any]]
"""What was answered, by the number of the call."""


def urn(number: int) -> str:
    """The id of an item."""
    return f"mlg://dataset/kills/default/d{number}"


def declared(number: int) -> list[int]:
    """What an item derives from: some before it, and one of a later call, which is a stub until then."""
    return sorted({max(number - 1, 0), number // 2, (number + CALL + 7) % ITEMS} - {number})


def calls() -> list[list[dict[str, Any]]]:
    """The load, call by call."""
    items = [{"dataset": {"id": urn(at), "derivedFrom": list(map(urn, declared(at)))}} for at in range(ITEMS)]
    return [items[start : start + CALL] for start in range(0, ITEMS, CALL)]


def check_nothing_half(there: Stored) -> set[str]:
    """What is registered has all edges of its item, what is only referred to has none, and each has its changes."""
    into: dict[str, set[str]] = defaultdict(set)
    for relation, source, target in there.edge_records:
        assert relation == "DERIVES"
        into[target].add(source)
    registered = {name for name, record in there.records.items() if record["hydration"] == "FULL"}
    for number in range(ITEMS):
        assert into[urn(number)] == (set(map(urn, declared(number))) if urn(number) in registered else set())
    history = defaultdict(list)
    for change in there.changes:
        history[change["subject"]].append(change["subjectRevision"])
    for name, record in there.records.items():
        assert history[name] == list(range(1, record["revision"] + 1)), name
    assert history.keys() == there.records.keys()
    return registered


def outcomes(results: list[Any]) -> list[str]:
    """The outcomes of a call."""
    return [each["outcome"] for each in results]


async def check_after(http: httpx2.AsyncClient, serving: Serving, told: Told) -> None:
    """Compare the store with what was answered, then repeat the load, with its keys and without."""
    registered = check_nothing_half(await stored(serving.graph))
    sent = calls()
    for number, results in told.items():
        assert outcomes(results) == ["CREATED"] * len(sent[number])
        assert {item["dataset"]["id"] for item in sent[number]} <= registered
        assert await register(http, serving.url, sent[number], f"load {number}") == results
    broken = len(told)
    if broken < len(sent):  # the call that died: done in part or not at all, its receipts tell
        completed = await register(http, serving.url, sent[broken], f"load {broken}")
        assert completed is not None
        assert outcomes(completed) == ["CREATED"] * len(sent[broken])
        registered |= {item["dataset"]["id"] for item in sent[broken]}
    for items in sent:
        again = await register(http, serving.url, items, None)
        known = ["UNCHANGED" if item["dataset"]["id"] in registered else "CREATED" for item in items]
        assert again is not None
        assert outcomes(again) == known
    assert check_nothing_half(await stored(serving.graph)) == set(map(urn, range(ITEMS)))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_load_that_is_killed(tmp_path: Path, number: int) -> None:
    """Every answered item is there with its change and its receipt; the load again completes the rest."""
    chance = random.Random(SEED * 1_000 + number)
    serving = Serving(tmp_path)
    kill, name = (serving.kill_api, "the API") if number % 2 == 0 else (serving.kill_jvm, "the JVM")
    await serving.start()
    try:
        headers = serving.headers()
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(f"round {number + 1} of {ROUNDS}, {name} dies", total=ITEMS)
            async with httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http:
                moment = chance.randrange(len(calls())), chance.uniform(0, 0.8)
                told = await load_until(http, serving, moment, kill, lambda count: bar.advance(task, count))
        if name == "the API":
            await serving.gone()
            await serving.start()
        await serving.ready()
        async with httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http:
            await check_after(http, serving, told)
    finally:
        await serving.stop()


async def load_until(
    http: httpx2.AsyncClient, serving: Serving, moment: tuple[int, float], kill: Any, progress: Any
) -> Told:
    """Load, and kill so many seconds after a call was sent; at the latest when all is loaded."""
    loop, killing = asyncio.get_running_loop(), None
    told: Told = {}
    for number, items in enumerate(calls()):
        if number == moment[0]:
            killing = loop.call_later(moment[1], kill)
        results = await register(http, serving.url, items, f"load {number}")
        if results is None:
            assert killing is not None
            assert killing.when() <= loop.time()
            break
        told[number] = results
        progress(len(items))
    else:
        assert killing is not None
        if killing.when() > loop.time():
            killing.cancel()
            kill()
    return told
