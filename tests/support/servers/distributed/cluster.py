"""The distributed store on this machine: Cassandra, Elasticsearch and two JanusGraph servers as child processes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.servers.distributed.cassandra_node import CassandraNode, cassandra_node
from support.servers.distributed.component import Component, report
from support.servers.distributed.elasticsearch_node import elasticsearch_node
from support.servers.distributed.janusgraph_server import Backends, janusgraph_server

from app.settings import Settings
from app.store.schema_stamp import StoreSchema

SERVERS: Final = ("janusgraph1", "janusgraph2")
_SEARCHABLE: Final = 0o711
"""The mode of the folder: Elasticsearch runs as another user below."""


@dataclass(frozen=True)
class Cluster:
    """The running components; ``urls`` are the Gremlin URLs of the JanusGraph servers, in their order."""

    node: CassandraNode
    elasticsearch: Component
    janusgraphs: Sequence[Component]
    urls: Sequence[str]
    backends: Backends

    @property
    def cassandra(self) -> Component:
        """Return the process of Cassandra."""
        return self.node.component

    @property
    def components(self) -> list[Component]:
        """Return all components, in the order of their start."""
        return [self.cassandra, self.elasticsearch, *self.janusgraphs]

    def properties(self, source: str, home: Path) -> list[dict[str, str]]:
        """Return the properties of a fresh graph for each server; ``home`` holds `schema.json`."""
        return [self.backends.graph(f"{source}-{name}", source, home / "schema.json") for name in SERVERS]


@asynccontextmanager
async def running_cluster(settings: Settings, schema: StoreSchema) -> AsyncIterator[Cluster]:
    """Run a cluster with the schema on free ports of loopback; its processes and files are removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mlg-cluster-"))
    try:
        cluster = await asyncio.to_thread(_prepared, settings, folder, schema)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(cluster.cassandra.start())
                group.create_task(cluster.elasticsearch.start())
            for server in cluster.janusgraphs:
                await server.start()
            report(f"cluster: {sum(each.resident_mib() for each in cluster.components)} MiB in {folder}")
            yield cluster
        finally:
            for component in reversed(cluster.components):
                await component.stop()
    finally:
        shutil.rmtree(folder)


def _prepared(settings: Settings, folder: Path, schema: StoreSchema) -> Cluster:
    """Fetch the artifacts and write all files."""
    folder.chmod(_SEARCHABLE)
    node = cassandra_node(settings, folder / "cassandra")
    elasticsearch, http = elasticsearch_node(settings, folder / "elasticsearch")
    backends = Backends(node.cql, http)
    servers = [janusgraph_server(settings, folder / name, name, backends, schema) for name in SERVERS]
    return Cluster(node, elasticsearch, [each for each, _ in servers], [url for _, url in servers], backends)
