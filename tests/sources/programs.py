"""The programs of the sources, as their authors ship them, from the environment that `make test-sources` installs."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from support.servers.server_process import free_port
from support.waiting import until

BIN = Path(os.environ.get("SOURCES", ".venv-sources/bin")).absolute()
"""The folder of the programs."""

WITHOUT_REPORTS = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "FEAST_USAGE": "False",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Settings with which no program reports its use to its authors."""

READY_WITHIN = 600.0
"""Seconds. The tracking server of MLflow starts in ten on an idle machine."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of a program whose files of its own are in ``home``."""
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), **WITHOUT_REPORTS, **more}


async def run(folder: Path, *command: str, accepted: Collection[int] = (0,), **variables: str) -> str:
    """Run a program in a folder; return what it prints, if its exit code is one of those that are accepted."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment(folder, **variables), stdout=PIPE, stderr=STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode in accepted, f"{command} ended with {process.returncode}:\n{printed.decode()[-4_000:]}"
    return printed.decode()


@asynccontextmanager
async def tracking_server(database: Path) -> AsyncIterator[str]:
    """Run the tracking server of MLflow over a database on a free port of loopback, and yield its address."""
    port, log = free_port(), database.with_suffix(".log")
    given = ("--backend-store-uri", f"sqlite:///{database}", "--host", "127.0.0.1", "--port", str(port))
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(BIN / "mlflow", "server", *given, "--workers", "1"),
            cwd=database.parent,
            env=environment(database.parent),
            stdout=output,
            stderr=STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient(trust_env=False) as http:

            async def ready() -> bool:
                assert process.returncode is None, log.read_text()[-4_000:]
                try:
                    return (await http.get(f"{url}/health")).is_success
                except httpx2.TransportError:
                    return False

            await until(ready, within=READY_WITHIN)
        yield url
    finally:
        os.killpg(process.pid, 15)
        await process.wait()
