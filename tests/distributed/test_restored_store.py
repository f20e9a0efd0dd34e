"""Cassandra restored from a snapshot into an empty node, and a lost index, by the commands of docs/backup.md.

The commands of the page are run as they are, with the variables that it names. The restored store has a Cassandra and a
JanusGraph of its own, beside those of the session.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest
from support.estates.demo_estate import load_demo_estate
from support.page_blocks import page_blocks
from support.servers.distributed.cassandra_node import CassandraNode, cassandra_node
from support.servers.distributed.cluster import Cluster
from support.servers.distributed.component import report
from support.servers.distributed.configuration import ROOT
from support.servers.distributed.janusgraph_server import Backends, janusgraph_server
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph, store_settings

from app.store.schema_stamp import StoreSchema

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(900)]

LISTING = """{ assets(first: 300, orderBy: {field: NAME, direction: ASC}) { totalCount nodes {
  id revision history(first: 3) { nodes { id action } } } } }"""
SEARCH = '{ search(text: "churn", first: 50) { hits { totalCount nodes { asset { id } } } } }'
NEW = "mlg://dataset/restored/default/after-the-restore"
ONE = """{ assets(first: 1, filter: {kinds: [DATASET], hydration: FULL}, orderBy: {field: NAME, direction: ASC}) {
  nodes { id revision history(first: 50) { nodes { id action } } } } }"""
LISTED = '{ assets(first: 5, filter: {name: {prefix: "after-the-restore"}}) { nodes { id } } }'


def commands_of(begin: str) -> str:
    """Return the block of the page that begins with a text."""
    (found,) = (block.text for block in page_blocks("docs/backup.md") if block.text.startswith(begin))
    return found


class Shell:
    """Runs blocks of the page with its variables."""

    def __init__(self, node: CassandraNode, elasticsearch: int, store_url: str, folder: Path) -> None:
        self._folder = folder
        path = [node.commands, folder / "bin", os.environ["PATH"]]
        self._environment = os.environ | {
            "PATH": os.pathsep.join(map(str, path)),
            "PYTHONPATH": str(ROOT),
            "CASSANDRA_DATA": str(node.data),
            "BACKUP": str(folder / "backup"),
            "ELASTICSEARCH": f"http://127.0.0.1:{elasticsearch}",
            "MLG_STORE_URL": store_url,
            "MLG_DATA_DIR": str(folder / "data"),
        }
        mlg = folder / "bin" / "mlg"
        mlg.parent.mkdir(exist_ok=True)
        mlg.write_text(f'#!/bin/sh\nexec {sys.executable} -m app "$@"\n')
        mlg.chmod(0o755)

    async def run(self, begin: str) -> str:
        """Run the block that begins with a text, and return what it prints; each of its commands must succeed."""
        begun = monotonic()
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", f"set -o pipefail\n{commands_of(begin)}"),
            cwd=self._folder,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await process.communicate()
        report(f"{begin}: {monotonic() - begun:.1f} s")
        assert process.returncode == 0, f"{printed.decode()}\n{errors.decode()}"
        return printed.decode()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder for the files of a restored store."""
    with tempfile.TemporaryDirectory(prefix="mlg-restored-") as name:
        yield Path(name)


@asynccontextmanager
async def empty_node(folder: Path) -> AsyncIterator[CassandraNode]:
    """Run a Cassandra without data."""
    node = cassandra_node(store_settings(folder), folder / "cassandra")
    await node.component.start()
    try:
        yield node
    finally:
        await node.component.stop()


async def answers(api: Api) -> list[Any]:
    """Return responses that depend on records, on history, and on both ways in which the index is used."""
    return [await api.ask(who, query) for who in ("root", "ada") for query in (LISTING, SEARCH)]


async def check_writes(api: Api) -> None:
    """Check that a new asset is registered and listed, and that a stored one gets its next revision and entry."""
    (stored,) = (await api.ask("root", ONE))["assets"]["nodes"]
    item = {"id": stored["id"], "description": "Changed after the restore", "expectedRevision": stored["revision"]}
    await api.load({"dataset": {"id": NEW}}, {"dataset": item})
    (changed,) = (await api.ask("root", ONE))["assets"]["nodes"]
    assert changed["revision"] == stored["revision"] + 1
    assert changed["history"]["nodes"][1:] == stored["history"]["nodes"]
    assert (await api.ask("root", LISTED))["assets"]["nodes"] == [{"id": NEW}]


async def check_lost_index(api: Api, index: str) -> None:
    """Check that without an index a list is an error instead of a short list, and that no write makes an index."""
    async with aiohttp.ClientSession() as session:
        async with session.delete(index) as response:
            assert response.status == HTTPStatus.OK
        await api.load({"dataset": {"id": f"{NEW}-without-index"}})
        listed = await api.send("root", LISTED)
        assert listed["data"] is None
        assert [error["extensions"]["code"] for error in listed["errors"]] == ["STORE_FAILED"]
        async with session.head(index) as response:
            assert response.status == HTTPStatus.NOT_FOUND


async def test_a_snapshot_is_restored_into_an_empty_cassandra(
    cluster: Cluster, store_schema: StoreSchema, folder: Path
) -> None:
    """The restored store has the digest and the responses of the original one, and accepts writes.

    Then the index, which the restored store shares with the original one, is lost and rebuilt.
    """
    (folder / "backup").mkdir()
    port = cluster.backends.elasticsearch
    original = StoreGraph(cluster.urls[0], "g", tuple(cluster.urls[1:]))
    async with open_api(original, folder / "api") as api:
        await load_demo_estate(api, folder / "api")
        await api.wait_for_jobs()
        before = await answers(api)
    shell = Shell(cluster.node, port, ",".join(cluster.urls), folder)
    try:
        await shell.run("nodetool snapshot")
        async with empty_node(folder) as node:
            settings, backends = store_settings(folder), Backends(node.cql, port)
            server, url = janusgraph_server(settings, folder / "janusgraph1", "janusgraph1", backends, store_schema)
            restored = Shell(node, port, url, folder)
            await restored.run("cqlsh --file")
            await server.start()
            try:
                report(await restored.run("mlg store repair"))
                async with open_api(StoreGraph(url, "g"), folder / "api", shared=True) as api:
                    assert await answers(api) == before
                    await check_writes(api)
                    await check_lost_index(api, f"http://127.0.0.1:{port}/mlgraph_nodes")
            finally:
                await server.stop()
    finally:
        report(await shell.run("curl -fsS -X DELETE"))
    async with open_api(original, folder / "api") as api:
        assert await answers(api) == before
