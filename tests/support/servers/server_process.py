"""`mlg serve` as a process of its own on a data folder, to be killed and started again."""

import asyncio
import os
import resource
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
from support.servers.in_process import REGISTER
from support.stores.janusgraph import StoreGraph, store_settings, url_with_user_info
from support.waiting import until

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.store.embedded.data_lock import LOCK_FILE
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.running_store import running_endpoint


def free_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Serving:
    """One API with its JVM on the data in ``folder``; :meth:`start` it again after :meth:`kill_api`.

    ``environment`` has further settings, and ``descriptors`` is its soft limit of open files if not None. ``code`` is
    the folder with its sources, those of the test if None. What it prints is in ``output``.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    descriptors: int | None = None
    code: Path | None = None
    port: int = field(default_factory=free_port)
    store_port: int = field(default_factory=free_port)
    _process: Process | None = None

    @property
    def url(self) -> str:
        """Return the address of the API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Return the id of the process, which runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> Path:
        """Return the file with what the process printed since its last start."""
        return self.folder / "output.log"

    @property
    def graph(self) -> StoreGraph:
        """Return a client of the store that bypasses the API."""
        endpoint = running_endpoint(self.folder / STORE_FOLDER)
        assert endpoint is not None
        return StoreGraph(url_with_user_info(endpoint), "g")

    async def start(self) -> None:
        """Start the process, and return when it is ready."""
        settings = store_settings(self.folder)
        env = {
            "MLG_DATA_DIR": str(self.folder),
            "MLG_CACHE_DIR": str(settings.cache_dir),
            "MLG_STORE_PROFILE": "test",
            "MLG_STORE_HEAP": "512m",
            "MLG_PORT": str(self.port),
            "MLG_STORE_PORT": str(self.store_port),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app", "serve"),
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                cwd=self.code,
                env=os.environ | env | self.environment,
                preexec_fn=self._limit_descriptors,
            )
        await self.ready()

    def _limit_descriptors(self) -> None:
        """Set the soft limit in the child before it becomes the server; its JVM raises its own again."""
        if self.descriptors is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, hard))

    async def ready(self) -> None:
        """Return when the API reports that it is ready; fails when its process has ended."""
        async with httpx2.AsyncClient(trust_env=False) as http:

            async def responses() -> bool:
                assert self._process is not None
                assert self._process.returncode is None, f"the API ended with {self._process.returncode}"
                try:
                    return (await http.get(f"{self.url}/health/ready")).status_code == httpx2.codes.OK
                except httpx2.TransportError:
                    return False

            await until(responses, within=240)

    def kill_api(self) -> None:
        """End the API at once; its JVM detects that and ends, too."""
        assert self._process is not None
        self._process.kill()

    def kill_jvm(self) -> None:
        """End the JVM at once; the API starts another."""
        os.kill(orjson.loads((self.folder / STORE_FOLDER / LOCK_FILE).read_bytes())["jvm"], signal.SIGKILL)

    async def stop(self) -> None:
        """End both processes by the regular shutdown."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def gone(self) -> None:
        """Return when the API's process has ended."""
        assert self._process is not None
        await self._process.wait()

    def headers(self) -> dict[str, str]:
        """Return the result of a request by root."""
        issuer = DevIssuer(store_settings(self.folder, MLG_PORT=str(self.port)))
        return {"Authorization": f"Bearer {issuer.mint(persona('root'))}"}


async def register(http: httpx2.AsyncClient, url: str, items: list[Any], key: str | None) -> list[Any] | None:
    """Return the results of a call; None without a response, or if the store was unavailable."""
    given = {"items": items, **({"idempotencyKey": key} if key else {})}
    try:
        response = await http.post(f"{url}/graphql", json={"query": REGISTER, "variables": {"input": given}})
    except httpx2.TransportError:
        return None
    body = response.json()
    if response.status_code != httpx2.codes.OK or "errors" in body:
        return None
    results: list[Any] = body["data"]["registerAssets"]["results"]
    return results
