"""Backups while clients write: each restores to a complete store that has everything confirmed before it began."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.server_process import Serving, register
from support.servers.store_commands import succeeded
from support.stores.writers import Stored, stored

pytestmark = [pytest.mark.upgrade, pytest.mark.timeout(3600)]

BACKUPS = int(os.environ.get("BACKUPS", "3"))
WRITERS = 3
ITEMS = 40
"""Items of a call, which are one transaction."""

REPEATED = 5
"""Calls of a backup that are repeated, and return their stored results."""

Calls = set[tuple[int, int]]
"""Calls by writer and number."""


def urn(writer: int, call: int, number: int) -> str:
    """Return the id of an item."""
    return f"mlg://dataset/loads/default/d{writer}-{call}-{number}"


def items(writer: int, call: int) -> list[dict[str, Any]]:
    """Return the items of a call, each derived from the one before."""
    ids = [urn(writer, call, number) for number in range(ITEMS)]
    return [
        {"dataset": {"id": own, "derivedFrom": [before] if before else []}}
        for before, own in zip([None, *ids], ids, strict=False)
    ]


def check(found: Stored, confirmed: dict[tuple[int, int], int], begun: int) -> Calls:
    """Return the calls in a store, which has all confirmed before a backup began, and others completely or not."""
    calls = {(int(text[0]), int(text[1])) for text in (name.rsplit("/d", 1)[1].split("-") for name in found.records)}
    assert {call for call, at in confirmed.items() if at < begun} <= calls
    expected = {urn(*call, number) for call in calls for number in range(ITEMS)}
    assert found.records.keys() == expected
    assert {record["hydration"] for record in found.records.values()} == {"FULL"}
    links = {("DERIVES", urn(*call, number - 1), urn(*call, number)) for call in calls for number in range(1, ITEMS)}
    assert found.edge_records.keys() == links
    assert sorted(change["subject"] for change in found.changes) == sorted(expected)
    return calls


async def test_each_backup_under_load_is_a_complete_store(tmp_path: Path) -> None:
    """While writers go on, backups are taken; each is restored, and the restored store accepts the repeated calls."""
    serving, backups = Serving(tmp_path / "api"), tmp_path / "backups"
    await serving.start()
    confirmed: dict[tuple[int, int], int] = {}
    ended = asyncio.Event()

    async def writer(own: int, http: httpx2.AsyncClient) -> None:
        call = 0
        while not ended.is_set():
            assert await register(http, serving.url, items(own, call), f"{own}-{call}") is not None
            confirmed[own, call] = len(confirmed)
            call += 1

    begun: dict[str, int] = {}
    indexes = 0
    http = httpx2.AsyncClient(headers=serving.headers(), timeout=120, trust_env=False)
    async with http, asyncio.TaskGroup() as group:
        for own in range(WRITERS):
            group.create_task(writer(own, http))
        for _ in range(BACKUPS):
            count = len(confirmed)
            output = await succeeded(serving.folder, "backup", backups)
            begun[output.split(":")[0].split()[1]] = count
            indexes += "with its index" in output
        ended.set()
    await serving.stop()
    print(f"{len(confirmed)} calls, {indexes} of {BACKUPS} backups with their index")  # noqa: T201 - the report
    for number, (name, count) in enumerate(begun.items()):
        restored = Serving(tmp_path / f"restored{number}")
        await succeeded(restored.folder, "restore", backups, "--backup", name)
        await restored.start()
        try:
            there = check(await stored(restored.graph), confirmed, count)
            async with httpx2.AsyncClient(headers=restored.headers(), timeout=120, trust_env=False) as http:
                for own, call in [*(confirmed.keys() - there), *sorted(there)[:REPEATED]]:
                    results = await register(http, restored.url, items(own, call), f"{own}-{call}")
                    assert {each["outcome"] for each in results or []} == {"CREATED"}
            assert check(await stored(restored.graph), confirmed, len(confirmed)) == confirmed.keys()
        finally:
            await restored.stop()
