"""SIGKILL to the API or its JVM during a load: confirmed items are stored, and every transaction is complete or absent.

`make test-kills ROUNDS=20` kills at another moment in every round; `make test` runs two rounds with fewer items.
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
from support.waiting import until

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("ROUNDS", "2"))
SEED = int(os.environ.get("SEED", "1"))
ITEMS = int(os.environ.get("ITEMS", "1000"))
CALL = 500
"""Items of a call: two transactions of the store."""

Confirmed = dict[int, list[Any]]
"""The results that were returned, by the number of the call."""


def urn(number: int) -> str:
    """Return the id of an item."""
    return f"mlg://dataset/kills/default/d{number}"


def declared(number: int) -> list[int]:
    """Return the items that an item derives from: earlier ones, and one of a later call, which is a stub until then."""
    return sorted({max(number - 1, 0), number // 2, (number + CALL + 7) % ITEMS} - {number})


def calls() -> list[list[dict[str, Any]]]:
    """Return the items of the load, call by call."""
    items = [{"dataset": {"id": urn(at), "derivedFrom": list(map(urn, declared(at)))}} for at in range(ITEMS)]
    return [items[start : start + CALL] for start in range(0, ITEMS, CALL)]


def check_complete(there: Stored) -> set[str]:
    """Check that registered assets have all their edges, stubs none, and all their changes; return the registered."""
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
    """Return the outcomes of a call."""
    return [each["outcome"] for each in results]


async def repeated(http: httpx2.AsyncClient, serving: Serving, items: list[Any], key: str) -> list[Any]:
    """Send a call under its key until it has results, as clients do while the store is unavailable."""
    results: list[Any] = []

    async def sent() -> bool:
        results.extend(await register(http, serving.url, items, key) or [])
        return bool(results)

    await until(sent)
    return results


async def check_after(http: httpx2.AsyncClient, serving: Serving, confirmed: Confirmed) -> None:
    """Compare the store with the confirmed results, then repeat the load with and without its idempotency keys."""
    registered = check_complete(await stored(serving.graph))
    sent = calls()
    for number, results in confirmed.items():
        assert outcomes(results) == ["CREATED"] * len(sent[number])
        assert {item["dataset"]["id"] for item in sent[number]} <= registered
        assert await repeated(http, serving, sent[number], f"load {number}") == results
    broken = len(confirmed)
    if broken < len(sent):  # the call that was interrupted: some of its transactions may be stored, with receipts
        completed = await repeated(http, serving, sent[broken], f"load {broken}")
        assert outcomes(completed) == ["CREATED"] * len(sent[broken])
        registered |= {item["dataset"]["id"] for item in sent[broken]}
    for items in sent:
        again = await register(http, serving.url, items, None)
        expected = ["UNCHANGED" if item["dataset"]["id"] in registered else "CREATED" for item in items]
        assert again is not None
        assert outcomes(again) == expected
    assert check_complete(await stored(serving.graph)) == set(map(urn, range(ITEMS)))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_killed_load_can_be_repeated(tmp_path: Path, number: int) -> None:
    """Every confirmed item is stored with its change and receipt, and the same load again completes the others."""
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
                confirmed = await load_until(http, serving, moment, kill, lambda count: bar.advance(task, count))
        if name == "the API":
            await serving.gone()
            await serving.start()
        await serving.ready()
        async with httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http:
            await check_after(http, serving, confirmed)
    finally:
        await serving.stop()


async def load_until(
    http: httpx2.AsyncClient, serving: Serving, moment: tuple[int, float], kill: Any, progress: Any
) -> Confirmed:
    """Load and kill at ``moment``, a call and the seconds after it was sent, or at the end; return the results."""
    loop, killing = asyncio.get_running_loop(), None
    confirmed: Confirmed = {}
    for number, items in enumerate(calls()):
        if number == moment[0]:
            killing = loop.call_later(moment[1], kill)
        results = await register(http, serving.url, items, f"load {number}")
        if results is None:
            assert killing is not None
            assert killing.when() <= loop.time()
            break
        confirmed[number] = results
        progress(len(items))
    else:
        assert killing is not None
        if killing.when() > loop.time():
            killing.cancel()
            kill()
    return confirmed
