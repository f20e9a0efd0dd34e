"""The embedded store: a real JanusGraph on BerkeleyJE and Lucene as a supervised child process on loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Template
from time import monotonic
from types import TracebackType
from typing import Final, Self

import structlog
from rich.console import Console

from app.settings import Settings
from app.store.embedded import index_files as index
from app.store.embedded import java
from app.store.embedded.data_lock import DataLock
from app.store.embedded.jars import fetch_jars
from app.store.embedded.jvm import Child, Launch
from app.store.embedded.port import LOOPBACK, reserve_port
from app.store.errors import StoreStartError
from app.store.schema_stamp import StoreSchema, stamp

FOLDER: Final = "janusgraph"
LOG: Final = "janusgraph.log"
OWNER_ONLY: Final = 0o700
"""Nobody else on the machine reads the folder: the JVM writes every tenant's data in files open to all."""
_CONF: Final = Path(__file__).with_name("conf")
_log = structlog.get_logger(__name__)


class StoreState(StrEnum):
    """What the store is doing; only READY answers queries."""

    STARTING = "STARTING"
    READY = "READY"
    RESTARTING = "RESTARTING"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When to restart a JVM that died, in seconds, and when to give up: `deaths` within `window`."""

    first_pause: float = 0.2
    longest_pause: float = 10.0
    deaths: int = 5
    window: float = 120.0


class EmbeddedStore:
    """One JanusGraph on the data of `settings.data_dir`, from `start` to `stop`; an async context manager.

    `url` holds from the end of `start` and does not change when the JVM is restarted. `state` and `reason` are for
    health checks; `reason` says why the state is FAILED. `reindexing` is for whoever makes the index again: it starts
    with an empty one, which counts as incomplete until `app.store.embedded.index_files.made`, and only where there are
    data.
    """

    def __init__(
        self,
        settings: Settings,
        schema: StoreSchema,
        restarts: RestartPolicy = RestartPolicy(),
        *,
        reindexing: bool = False,
    ) -> None:
        self.state = StoreState.STOPPED
        self.reason = ""
        self.url = ""
        self._settings = settings
        self._schema = schema
        self._restarts = restarts
        self._reindexing = reindexing
        self._folder = settings.data_dir.absolute() / FOLDER
        self._lock = DataLock(self._folder)
        self._port: socket.socket | None = None
        self._child: Child | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def folder(self) -> Path:
        """Where the data, the configuration and the log of the JVM lie."""
        return self._folder

    @property
    def jvm_pid(self) -> int | None:
        """The process id of the running JVM."""
        return self._child.pid if self._child else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Fetch what is missing, open the data and return when the store is ready.

        Raises a ConfigurationError (jars, Java, port, data in use, schema) or StoreStartError; nothing stays behind.
        """
        self.state, self.reason = StoreState.STARTING, ""
        try:
            launch = await self._prepare()
            self._child = await self._launch(launch)
        except BaseException as error:
            await self.stop()
            self.reason = str(error)
            raise
        self.state = StoreState.READY
        self._supervisor = asyncio.create_task(self._supervise(launch, self._child), name="store-supervisor")

    async def stop(self) -> None:
        """Close the store cleanly and give back its lock and port; without effect when it is stopped."""
        if self._supervisor:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        if self._child:
            await self._child.stop()
            self._child = None
        self._lock.release()
        if self._port:
            self._port.close()
            self._port = None
        self.state = StoreState.STOPPED

    async def _prepare(self) -> Launch:
        if self._reindexing:
            index.refuse_without_data(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(OWNER_ONLY)
        await self._lock.acquire()
        stamp(self._folder, self._schema)
        (index.empty if self._reindexing else index.refuse_incomplete)(self._folder)
        self._port = reserve_port(self._settings.store_port)
        port = self._port.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{port}/gremlin"
        jars = await asyncio.to_thread(fetch_jars, self._settings, Console(stderr=True))
        self._configure(port)
        return Launch(java.command(self._settings, jars), self._folder, self._keep_log(), self.url, self._lock.fd)

    def _configure(self, port: int) -> None:
        for name in ("graph.properties", "init.groovy", "logback.xml"):
            shutil.copyfile(_CONF / name, self._folder / name)
        server = Template((_CONF / "gremlin-server.yaml").read_text())
        values = {"port": port, "pool": self._settings.store_in_flight}
        (self._folder / "gremlin-server.yaml").write_text(server.substitute(values))
        (self._folder / "schema.json").write_bytes(self._schema.with_self_check())

    def _keep_log(self) -> Path:
        log = self._folder / LOG
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    async def _launch(self, launch: Launch) -> Child:
        child = await Child.spawn(launch)
        try:
            self._lock.record(child.pid)
            await child.wait_ready()
        except BaseException:
            await child.stop()
            self._lock.record(None)
            raise
        _log.info("store_ready", url=self.url, pid=child.pid)
        return child

    async def _supervise(self, launch: Launch, child: Child) -> None:
        """Restart the JVM when it dies, at once and then ever slower, until it dies too often."""
        deaths: deque[float] = deque(maxlen=self._restarts.deaths)
        reason = f"The JVM of the store ended with code {await child.wait()}."
        while True:
            self.state, self._child = StoreState.RESTARTING, None
            deaths.append(monotonic())
            _log.warning("store_died", reason=reason, log=str(launch.log))
            if len(deaths) == self._restarts.deaths and deaths[-1] - deaths[0] < self._restarts.window:
                break
            await asyncio.sleep(min(self._restarts.first_pause * 2 ** (len(deaths) - 1), self._restarts.longest_pause))
            try:
                self._child = await self._launch(launch)
            except StoreStartError as error:
                reason = str(error)
                continue
            self.state = StoreState.READY
            reason = f"The JVM of the store ended with code {await self._child.wait()}."
        self.state = StoreState.FAILED
        self.reason = f"{reason} It died {len(deaths)} times in a row: see {launch.log}, then start the program again."
        _log.error("store_failed", reason=self.reason)
