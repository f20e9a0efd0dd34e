"""Scratch copies of the packages and tests, and runs of checks in them.

Each run is a process of its own, forked from one that has imported the libraries, which takes most of the time.
"""

import os
import runpy
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns

import pytest
from support.source_tree import PACKAGES, ROOT

COPIED = (*PACKAGES, "tests", "bench", "audit", "manual")
FILES = ("README.md", "pyproject.toml")
LEFT_OUT = ignore_patterns("*.pyc.*", "data", "node_modules", "results")
"""Compiled files are copied, except those that another process is writing."""

LIBRARIES = (
    "aiohttp", "cedarpy", "graphql", "gremlin_python.process.graph_traversal", "hypothesis", "orjson", "pytest",
    "pytest_asyncio", "starlette.applications", "strawberry", "structlog",
)  # fmt: skip

QUIETLY = ("-q", "-p", "no:cacheprovider", "--no-header", "--tb=short", "--disable-warnings")
"""Options of the checks: messages alone, and nothing written."""

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload([*LIBRARIES])


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a run: whether it passed, and what it printed."""

    passed: bool
    output: str


def scratch_copy(folder: Path) -> Path:
    """Return a copy of the packages and tests in a new folder."""
    folder.mkdir()
    for name in COPIED:
        copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in FILES:
        copy2(ROOT / name, folder / name)
    return folder


def run(tree: Path, commands: Iterable[str] = (), checks: Iterable[str] = (), code: str = "") -> Run:
    """Run Python files or modules in a copy, then a text of Python, then tests; a failure ends the run."""
    log = tree / "run.log"
    process = _FORKS.Process(target=_run_in_child, args=(tree, log, (*commands,), code, (*checks,)))
    process.start()
    process.join()
    return Run(process.exitcode == 0, log.read_text())


def _run_in_child(tree: Path, log: Path, commands: tuple[str, ...], code: str, checks: tuple[str, ...]) -> None:
    _enter(tree, log)
    for command in commands:
        module = command.removeprefix("-m ")
        if module == command:
            runpy.run_path(command, run_name="__main__")
        else:
            runpy.run_module(module, run_name="__main__")
    exec(code, {})  # noqa: S102 - our own code
    sys.stdout.flush()
    if checks:
        sys.exit(pytest.main([*QUIETLY, *checks]))


def _enter(tree: Path, log: Path) -> None:
    """Import the packages from the copy, and print into the log."""
    target = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.chdir(tree)
    ours = {*PACKAGES, "support", "contract"}
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(path for path in sys.path if not path.startswith(str(ROOT)) or "site-packages" in path)]
