"""Servers of a source tree as processes of their own: the API with its embedded store, or a store and an API apart."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import aiohttp

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.settings import Settings
from app.store.embedded.data_lock import LOCK_FILE
from app.store.embedded.embedded_store import STORE_FOLDER
from bench.trees import ROOT, Tree

PATIENT: Final = {"MLG_WALK_SECONDS": "300", "MLG_QUERY_SECONDS": "300", "MLG_MUTATION_SECONDS": "300"}
"""Deadlines that no measured request reaches, so that each response is complete."""

READY_SECONDS: Final = 300
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class ServerFailedError(Exception):
    """A server did not start; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the compared systems: its name, its source tree, and further settings."""

    name: str
    tree: Tree
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A running API: its address, its process and the JVM of its store, and a token of each caller."""

    side: Side
    url: str
    pid: int
    jvm: int
    tokens: Mapping[str, str]

    def cpu(self) -> tuple[float, float]:
        """Return the seconds of CPU so far of the API and of the JVM."""
        return cpu_seconds(self.pid), cpu_seconds(self.jvm)


def cpu_seconds(pid: int) -> float:
    """Return the seconds of CPU of a process so far, with those of its ended threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def free_port() -> int:
    """Return a port of loopback without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(
    side: Side, folder: Path, store_url: str = "", jvm: int = 0, *, port: int | None = None
) -> AsyncIterator[Server]:
    """Run an API over the data in ``folder``; with ``store_url`` over that store, whose JVM is ``jvm``.

    Without ``port`` it is on a free one. Raises ServerFailedError if it does not become ready.
    """
    port = port or free_port()
    settings = {"MLG_DATA_DIR": str(folder), "MLG_PORT": str(port), "MLG_STORE_URL": store_url, **PATIENT}
    output = folder / "output.log"
    with _opened(output) as log:
        process = await _started(side, ["-m", "app", "serve"], settings, log.fileno())
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(process, url, output)
        lock = folder / STORE_FOLDER / LOCK_FILE
        found = jvm or int(json.loads(lock.read_bytes())["jvm"])
        yield Server(side, url, process.pid, found, _tokens(folder, port))
    finally:
        await _stopped(process)


@asynccontextmanager
async def store(side: Side, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """Run a store over the data in ``folder`` without an API; yields its address and the process id of its JVM."""
    script = str(ROOT / "bench" / "store_host.py")
    process = await _started(side, ["-P", script], {"MLG_DATA_DIR": str(folder)}, PIPE)
    try:
        found = json.loads(await asyncio.wait_for(_line_of_json(process), READY_SECONDS))
        yield found["url"], found["jvm"]
    finally:
        await _stopped(process)


async def _started(side: Side, arguments: list[str], settings: Mapping[str, str], output: int) -> Process:
    """Start Python in the tree of a side, with the packages of this environment."""
    given = {key: value for key, value in os.environ.items() if not key.startswith("MLG_") or key == "MLG_CACHE_DIR"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=side.tree.folder,
        env={**given, "PYTHONPATH": str(side.tree.folder), **settings, **dict(side.environment)},
        stdin=DEVNULL,
        stdout=output,
        stderr=None if output == PIPE else STDOUT,
    )


async def _line_of_json(process: Process) -> bytes:
    """Return the first line of a process that is a JSON object; the lines before it are of its log."""
    assert process.stdout is not None  # noqa: S101 - a pipe was requested
    async for line in process.stdout:
        if line.startswith(b"{"):
            return line
    raise ServerFailedError("A store did not start; see its output above.")


async def _stopped(process: Process) -> None:
    """End a process by the regular shutdown, which also ends its JVM."""
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def _ready(process: Process, url: str, output: Path) -> None:
    """Return when the API is ready; raise ServerFailedError if its process ends, or after READY_SECONDS."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(READY_SECONDS):
        while process.returncode is None:
            try:
                async with http.get(f"{url}/health/ready") as response:
                    if response.ok:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)
    raise ServerFailedError(_end_of(output))


def _opened(output: Path) -> BinaryIO:
    output.parent.mkdir(parents=True, exist_ok=True)
    return output.open("wb")


def _end_of(output: Path) -> str:
    return "\n".join(output.read_text(errors="replace").splitlines()[-5:])


def _tokens(folder: Path, port: int) -> dict[str, str]:
    settings = Settings.from_env({"MLG_DATA_DIR": str(folder), "MLG_PORT": str(port)})
    issuer = DevIssuer(settings)
    return {name: issuer.mint(persona(name)) for name in ("ada", "cy", "root")}
