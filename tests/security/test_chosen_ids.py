"""A caller chooses URNs, and so hashes: no choice occupies a vertex id that the store needs later."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import no_jobs, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.commits.write_log import WriteLog
from app.graph.records import vertex_id

OCCUPIED = "mlg://dataset/test/default/searched-for"
WRITES = 8


async def test_no_caller_occupies_the_next_entry_of_the_write_log(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engineer registers a URN with the hash of an entry of the write log that is due in a moment: writes go on.

    The search for such a URN takes some billion hashes, so the hash is replaced for this URN.
    """
    number = 0

    def colliding(text: bytes, *, digest_size: int) -> Any:
        wanted = text if not text.endswith(OCCUPIED.encode()) else f"write log\0entry {number}".encode()
        return blake2b(wanted, digest_size=digest_size)

    monkeypatch.setattr(vertex_id, "blake2b", colliding)
    async with open_api(graph, tmp_path, no_jobs, shared=True) as api:
        log = api.client.write_order
        assert isinstance(log, WriteLog)
        number = log.known + WRITES // 2
        assert vertex_id.vertex_id("default", OCCUPIED) == vertex_id.vertex_id("write log", f"entry {number}")
        items = [OCCUPIED, *(f"mlg://dataset/test/default/after{each}" for each in range(WRITES))]
        outcomes = [(await api.register("ada", {"dataset": {"id": each}}))["results"][0] for each in items]
        assert [each["outcome"] for each in outcomes] == ["CREATED"] * (WRITES + 1)
        assert log.known > number
