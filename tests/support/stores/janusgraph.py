"""Real JanusGraph graphs for tests: one JVM for a session, a fresh in-memory graph for a module or a test.

A script that only tests may send opens a graph with the whole schema and its own Lucene folder through
JanusGraphFactory. It registers the graph with JanusGraphManager under a traversal source name; a client reaches it
with `"aliases": {"g": graph.source}`. The settings of the graph are those of the product, save the storage.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path

import aiohttp

from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.schema_stamp import StoreSchema
from app.store.store_endpoint import StoreEndpoint

CONF = Path(__file__).parents[3] / "app" / "store" / "embedded" / "conf" / "graph.properties"
OPEN = """
def conf = new org.apache.commons.configuration2.BaseConfiguration()
settings.each { k, v -> conf.setProperty(k, v) }
def opened = org.janusgraph.core.JanusGraphFactory.open(conf)
def manager = org.janusgraph.graphdb.management.JanusGraphManager.getInstance()
manager.putGraph(source + 'Graph', opened)
manager.putTraversalSource(source, opened.traversal())
true
"""
CLOSE = """
def manager = org.janusgraph.graphdb.management.JanusGraphManager.getInstance()
manager.removeTraversalSource(source)
manager.removeGraph(source + 'Graph').close()
true
"""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class StoreGraph:
    """An isolated, empty graph: the URL of its server, with user info, and the name to alias `g` to."""

    url: str = field(repr=False)
    source: str

    async def run(self, gremlin: str, **bindings: object) -> list[object]:
        """Send one Gremlin text to this graph and return its results as plain JSON values."""
        return await _send(self.url, gremlin, {"g": self.source}, bindings)


def url_with_user_info(endpoint: StoreEndpoint) -> str:
    """Return the URL of a store with the credentials as user info."""
    return endpoint.url.replace("://", f"://{endpoint.user}:{endpoint.password}@")


def store_settings(folder: Path, **more: str) -> Settings:
    """Return settings for a small store in `folder`, on a free port, with the jar cache of the environment."""
    small = {"MLG_DATA_DIR": str(folder), "MLG_STORE_PROFILE": "test", "MLG_STORE_HEAP": "512m"}
    cache = {"MLG_CACHE_DIR": str(Settings.from_env().cache_dir)}
    return Settings.from_env({**small, **cache, **more})


@asynccontextmanager
async def open_graph(store: EmbeddedStore, schema: StoreSchema, folder: Path) -> AsyncIterator[StoreGraph]:
    """Open a fresh graph with the schema inside the store's JVM; `folder` receives its Lucene files."""
    source = f"test{next(_numbers)}"
    home = folder / source
    home.mkdir(parents=True)
    (home / "schema.json").write_bytes(schema.with_self_check())
    url = url_with_user_info(store.endpoint)
    await _send(url, OPEN, {}, {"source": source, "settings": _in_memory(home)})
    try:
        yield StoreGraph(url, source)
    finally:
        await _send(url, CLOSE, {}, {"source": source})
        shutil.rmtree(home)


def _in_memory(home: Path) -> dict[str, str]:
    lines = [line for line in CONF.read_text().splitlines() if line and not line.startswith("#")]
    product = dict(line.split("=", 1) for line in lines)
    kept = {key: value for key, value in product.items() if not key.startswith("storage.")}
    own = {
        "storage.backend": "inmemory",
        "index.search.directory": str(home / "lucene"),
        "schema.init.json.file": str(home / "schema.json"),
        "graph.unique-instance-id": home.name,
    }
    return kept | own


async def _send(url: str, gremlin: str, aliases: dict[str, str], bindings: dict[str, object]) -> list[object]:
    body = {"gremlin": gremlin, "bindings": bindings, "aliases": aliases}
    headers = {"Accept": "application/vnd.gremlin-v3.0+json;types=false"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        found = await response.json(content_type=None)
        assert response.status == HTTPStatus.OK, found
        data: list[object] = found["result"]["data"]
        return data
