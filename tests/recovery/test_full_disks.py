"""Full disks, real ones: under the access log and under the store, each with what clients see and what remains."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from recovery.fault_load import loaded, result_of
from recovery.small_disk import empty, fill, small_disk
from support.servers.in_process import REGISTER
from support.servers.server_process import Serving
from support.stores.janusgraph import store_settings

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona

pytestmark = pytest.mark.long

LOG_BYTES = 1 << 16
STORE_BYTES = 256 << 20
BOUND = 64 << 20
"""MLG_STORE_FREE_BYTES."""

MODEL = "mlg://model/disks/default/ranker"
VERSION = f"{MODEL.replace('model', 'model-version', 1)}@1"
ITEMS: list[dict[str, Any]] = [
    {"team": {"name": "ranking"}},
    {"model": {"id": MODEL, "owners": [{"owner": "mlg://team/catalog/default/ranking"}]}},
    {"modelVersion": {"id": VERSION, "artifactUri": "s3://canary/weights"}},
]
RESTRICTED = f'{{ asset(id: "{VERSION}") {{ id ... on ModelVersion {{ artifactUri }} }} }}'
OPEN = f'{{ asset(id: "{VERSION}") {{ id }} }}'
WITHHELD = "503 ACCESS_LOG_UNAVAILABLE"


@pytest.fixture(scope="module")
def log_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a small disk for the access log."""
    with small_disk(tmp_path_factory.mktemp("disks") / "log", LOG_BYTES) as disk:
        yield disk


@pytest.fixture(scope="module")
def store_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a disk for the store, its logs and the output of the process."""
    with small_disk(tmp_path_factory.mktemp("disks") / "store", STORE_BYTES) as disk:
        yield disk


@pytest.fixture(scope="module")
async def serving(log_disk: Path, store_disk: Path) -> AsyncIterator[Serving]:
    """Run the server on both disks."""
    access_log = str(log_disk / "access.jsonl")
    environment = {"MLG_ACCESS_LOG": access_log, "MLG_STORE_FREE_BYTES": str(BOUND)}
    serving = Serving(store_disk / "data", environment)
    await serving.start()
    try:
        yield serving
    finally:
        await serving.stop()


class Callers:
    """Sends operations as personas, and keeps the request ids of responses that had data."""

    def __init__(self, http: httpx2.AsyncClient, serving: Serving) -> None:
        self._http = http
        self._issuer = DevIssuer(store_settings(serving.folder, MLG_PORT=str(serving.port)))
        self.served: list[str] = []

    async def send(self, who: str, query: str, reason: str | None = None, **variables: Any) -> str:
        """Return the result of an operation, with break-glass if there is a reason."""
        token = self._issuer.mint(persona(who), break_glass=reason)
        headers = {"Authorization": f"Bearer {token}"}
        body = {"query": query, "variables": variables}
        response = await self._http.post("/graphql", json=body, headers=headers)
        assert "data" not in response.json() or result_of(response) == "OK"
        if result_of(response) == "OK":
            self.served.append(response.headers["x-request-id"])
        return result_of(response)


async def test_a_full_disk_under_the_access_log(serving: Serving, log_disk: Path) -> None:
    """Responses that belong in the log are withheld, all others are served; each served one has whole lines.

    With space again the log goes on, and no part of a line is left.
    """
    log = log_disk / "access.jsonl"
    async with httpx2.AsyncClient(base_url=serving.url, timeout=60, trust_env=False) as http:
        callers = Callers(http, serving)
        assert await callers.send("root", REGISTER, input={"items": ITEMS}) == "OK"
        callers.served.clear()
        before = log.read_bytes() if log.exists() else b""
        for _ in range(3):  # they take a part of a block, so that the next lines still fit, and one only in part
            assert await callers.send("ada", RESTRICTED) == "OK"
        fill(log_disk)
        results = [await callers.send("ada", RESTRICTED) for _ in range(40)]
        assert set(results) == {"OK", WITHHELD}
        assert results == sorted(results, reverse=True), "what did not fit once fits later"
        assert await callers.send("root", OPEN, "incident 4711: the log is full") == WITHHELD
        logged = log.read_bytes().removeprefix(before)
        assert [json.loads(line)["requestId"] for line in logged.splitlines()] == callers.served
        assert logged.endswith(b"\n")
        assert await callers.send("ada", OPEN) == "OK"
        callers.served.pop()
        empty(log_disk)
        assert await callers.send("ada", RESTRICTED) == "OK"
        logged = log.read_bytes().removeprefix(before)
        assert [json.loads(line)["requestId"] for line in logged.splitlines()] == callers.served


async def test_a_store_disk_below_its_bound(serving: Serving, store_disk: Path) -> None:
    """Below MLG_STORE_FREE_BYTES writes are refused with the reason and reads go on; with space, writes go on."""
    async with loaded(serving, "bound") as load:
        fill(store_disk, BOUND // 2)
        await load.sees("503 STORE_UNAVAILABLE DISK_SPACE")
        empty(store_disk)
    assert set(load.reads) == {"OK"}
    assert set(load.writes) == {"OK", "503 STORE_UNAVAILABLE DISK_SPACE"}


async def refused_tokens(serving: Serving, count: int) -> set[int]:
    """Return the statuses of requests that write a line to the log of the process, which is on the same disk."""
    async with httpx2.AsyncClient(base_url=serving.url, timeout=60, trust_env=False) as http:
        headers = {"Authorization": "Bearer x.y.z"}
        return {(await http.post("/graphql", json={}, headers=headers)).status_code for _ in range(count)}


async def test_a_store_disk_without_a_byte(serving: Serving, store_disk: Path) -> None:
    """Without a bound, the disk fills under storage, index, and the logs of API and JVM; with space all recovers."""
    await serving.stop()
    restarted = replace(serving, environment={**serving.environment, "MLG_STORE_FREE_BYTES": "0"})
    await restarted.start()
    try:
        async with loaded(restarted, "full") as load:
            fill(store_disk)
            async with asyncio.timeout(120):
                while set(load.writes) == {"OK"}:
                    fill(store_disk)
                    await asyncio.sleep(0)
            assert await refused_tokens(restarted, 60) == {401}
            empty(store_disk)
        assert all(
            result == "OK" or result.startswith("503 STORE_UNAVAILABLE") for result in {**load.writes, **load.reads}
        )
    finally:
        await restarted.stop()
