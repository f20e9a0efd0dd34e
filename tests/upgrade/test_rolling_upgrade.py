"""A rolling upgrade under load: two processes of the release before are replaced one after another by the present one.

They share a JanusGraph. Clients repeat requests as docs/backup.md says, and see no other failure.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.servers.earlier_release import earlier_reference, earlier_release
from support.servers.failover_client import FailoverClient
from support.servers.server_process import Serving
from support.servers.store_commands import succeeded
from support.source_tree import ROOT
from support.stores.janusgraph import store_settings, url_with_user_info
from support.waiting import until

from app.graph.admin.store_schema import store_schema
from app.store.embedded.embedded_store import EmbeddedStore

pytestmark = [pytest.mark.upgrade, pytest.mark.timeout(3600)]

CALLERS = 3
CALLS = 25
"""Requests with a result between two steps of the upgrade."""
READ = """query ($id: ID!) { node(id: $id) { ... on Dataset {
  id revision derivedFrom { nodes { id } } history { nodes { action } } } } }"""


def urn(caller: int, number: int) -> str:
    """Return the id of an item."""
    return f"mlg://dataset/upgrades/default/d{caller}-{number}"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """Run a JanusGraph that the processes share."""
    async with EmbeddedStore(store_settings(tmp_path / "store"), store_schema()) as running:
        yield running


async def _read(client: FailoverClient, caller: int, number: int) -> Any:
    data = await client.send(READ, id=urn(caller, number))
    return data["node"]


def _expected(caller: int, number: int) -> Any:
    before = [{"id": urn(caller, number - 1)}] if number else []
    return {
        "id": urn(caller, number),
        "revision": 1,
        "derivedFrom": {"nodes": before},
        "history": {"nodes": [{"action": "REGISTERED"}]},
    }


async def test_no_request_fails_while_processes_are_replaced(store: EmbeddedStore, tmp_path: Path) -> None:
    """Each write is executed once and read back by whichever release; nothing that was confirmed is lost."""
    old = earlier_release(tmp_path / "old release")
    url = url_with_user_info(store.endpoint)
    shared = {"MLG_STORE_URL": url, "MLG_SECRET": "0123456789abcdef" * 4}
    processes = [Serving(tmp_path / name, dict(shared), code=old) for name in ("a", "b")]
    client, ended = FailoverClient(processes), asyncio.Event()
    confirmed: dict[int, int] = {}

    async def caller(each: int) -> None:
        while not ended.is_set():
            number = confirmed.get(each, 0)
            derived = {"derivedFrom": [urn(each, number - 1)]} if number else {}
            item = {"dataset": {"id": urn(each, number), **derived}}
            (result,) = await client.register([item], f"{each}-{number}")
            assert result["outcome"] == "CREATED", result
            confirmed[each] = number + 1
            assert await _read(client, each, number) == _expected(each, number)

    async def more() -> None:
        before = client.done
        await until(lambda: client.done >= before + CALLS or bool(client.failures), within=300)

    for serving in processes:
        await serving.start()
    async with asyncio.TaskGroup() as group:
        for each in range(CALLERS):
            group.create_task(caller(each))
        await more()
        for serving in processes:
            await serving.stop()
            await more()
            serving.code = ROOT
            await serving.start()
            await more()
        await succeeded(tmp_path / "command", "upgrade", MLG_STORE_URL=url)
        await more()
        ended.set()
    print(f"from {earlier_reference()}: {client.done} requests, {client.repeated} repeated")  # noqa: T201 - the report
    assert client.failures == []
    for each, count in confirmed.items():
        for number in range(count):
            assert await _read(client, each, number) == _expected(each, number)
    for serving in processes:
        await serving.stop()
