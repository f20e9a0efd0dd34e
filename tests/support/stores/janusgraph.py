"""Real JanusGraph graphs for tests: one host for a session, a fresh graph for a module or a test.

A script that only tests may send opens a graph with the whole schema and its own storage through JanusGraphFactory. It
registers the graph with JanusGraphManager under a traversal source name; a client reaches it with
`"aliases": {"g": graph.source}`. The settings of the graph are those of the product, save the storage.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Protocol

import aiohttp

from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.schema_stamp import StoreSchema
from app.store.store_endpoint import StoreEndpoint

CONF = Path(__file__).parents[3] / "app" / "store" / "embedded" / "conf" / "graph.properties"
OPEN = """
def patient = { g.with('evaluationTimeout', 600000L) }
def conf = new org.apache.commons.configuration2.BaseConfiguration()
settings.each { k, v -> conf.setProperty(k, v) }
def opened = org.janusgraph.core.JanusGraphFactory.open(conf)
def manager = org.janusgraph.graphdb.management.JanusGraphManager.getInstance()
manager.putGraph(source + 'Graph', opened)
manager.putTraversalSource(source, opened.traversal())
true
"""
CLOSE = """
def patient = { g.with('evaluationTimeout', 600000L) }
def manager = org.janusgraph.graphdb.management.JanusGraphManager.getInstance()
manager.removeTraversalSource(source)
def removed = manager.removeGraph(source + 'Graph')
removed.close()
if (drop) org.janusgraph.core.JanusGraphFactory.drop(removed)
true
"""
"""The first line of both is never run: the server reads the time limit of a request from its text."""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class StoreGraph:
    """An isolated, empty graph: the URL of its server, with user info, and the name to alias `g` to.

    ``others`` are the URLs of further servers that have opened the same graph under the same name.
    """

    url: str = field(repr=False)
    source: str
    others: tuple[str, ...] = ()

    async def run(self, gremlin: str, **bindings: object) -> list[object]:
        """Send one Gremlin text to this graph and return its results as plain JSON values."""
        return await _send(self.url, gremlin, {"g": self.source}, bindings)


class GraphHost(Protocol):
    """One or several servers in which tests open graphs; several servers share their storage."""

    @property
    def urls(self) -> Sequence[str]:
        """Return the Gremlin URLs of the servers, with user info."""

    def properties(self, source: str, home: Path) -> list[dict[str, str]]:
        """Return the properties of a graph for each server; the folder ``home`` has the schema and is for its files."""


@dataclass(frozen=True, slots=True)
class EmbeddedHost:
    """The JVM of an embedded store, in which graphs are in memory, with Lucene."""

    store: EmbeddedStore

    @property
    def urls(self) -> Sequence[str]:
        """See :class:`GraphHost`."""
        return [url_with_user_info(self.store.endpoint)]

    def properties(self, source: str, home: Path) -> list[dict[str, str]]:
        """See :class:`GraphHost`."""
        kept = {key: value for key, value in properties(CONF).items() if not key.startswith("storage.")}
        own = {
            "storage.backend": "inmemory",
            "index.search.directory": str(home / "lucene"),
            "schema.init.json.file": str(home / "schema.json"),
            "graph.unique-instance-id": source,
        }
        return [kept | own]


def properties(path: Path) -> dict[str, str]:
    """Return the lines `key=value` of a properties file."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def url_with_user_info(endpoint: StoreEndpoint) -> str:
    """Return the URL of a store with the credentials as user info."""
    return endpoint.url.replace("://", f"://{endpoint.user}:{endpoint.password}@")


def store_settings(folder: Path, **more: str) -> Settings:
    """Return settings for a small store in `folder`, on a free port, with the jar cache of the environment."""
    small = {"MLG_DATA_DIR": str(folder), "MLG_STORE_PROFILE": "test", "MLG_STORE_HEAP": "512m"}
    cache = {"MLG_CACHE_DIR": str(Settings.from_env().cache_dir)}
    return Settings.from_env({**small, **cache, **more})


@asynccontextmanager
async def open_graph(host: GraphHost, schema: StoreSchema, folder: Path) -> AsyncIterator[StoreGraph]:
    """Open a fresh graph with the schema in all servers of the host; `folder` receives its files."""
    source = f"test{next(_numbers)}"
    home = folder / source
    home.mkdir(parents=True)
    (home / "schema.json").write_bytes(schema.with_self_check())
    opened: list[str] = []
    try:
        # One after the other: the first server creates the schema.
        for url, settings in zip(host.urls, host.properties(source, home), strict=True):
            await _send(url, OPEN, {}, {"source": source, "settings": settings})
            opened.append(url)
        first, *others = opened
        yield StoreGraph(first, source, tuple(others))
    finally:
        for url in opened:
            shared = len(opened) > 1
            await _send(url, CLOSE, {}, {"source": source, "drop": shared and url == opened[-1]})
        shutil.rmtree(home)


async def _send(url: str, gremlin: str, aliases: dict[str, str], bindings: dict[str, object]) -> list[object]:
    body = {"gremlin": gremlin, "bindings": bindings, "aliases": aliases}
    headers = {"Accept": "application/vnd.gremlin-v3.0+json;types=false"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        found = await response.json(content_type=None)
        assert response.status == HTTPStatus.OK, found
        data: list[object] = found["result"]["data"]
        return data
