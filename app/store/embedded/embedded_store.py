"""The embedded store: a JanusGraph on BerkeleyJE and Lucene as a supervised child process, on loopback only."""

from __future__ import annotations

import asyncio
import secrets
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
from app.store.embedded import index_files, java
from app.store.embedded.data_lock import DataLock
from app.store.embedded.jars import fetch_jars
from app.store.embedded.jvm import JvmProcess, LaunchOptions
from app.store.embedded.port import LOOPBACK, reserve_port
from app.store.embedded.secret_file import remove_secret, write_secret
from app.store.errors import StoreStartError
from app.store.schema_stamp import StoreSchema, write_stamp
from app.store.store_endpoint import StoreEndpoint

STORE_FOLDER: Final = "janusgraph"
LOG_FILE: Final = "janusgraph.log"
OWNER_ONLY: Final = 0o700
"""Mode of the store's folder. The JVM creates files that every user may read, with the data of all tenants."""
STORE_USER: Final = "mlgraph"
"""The user of the credentials, of which only the password is secret."""
_SECRET_BYTES: Final = 32
_CONF: Final = Path(__file__).with_name("conf")
_CONF_FILES: Final = ("graph.properties", "init.groovy", "channel_guard.groovy", "logback.xml")
_log = structlog.get_logger(__name__)


class StoreState(StrEnum):
    """The state of the embedded store; requests succeed only in READY. FAILED is final until the program restarts."""

    STARTING = "STARTING"
    READY = "READY"
    RESTARTING = "RESTARTING"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Pauses before a restart of an ended JVM, and the limit of restarts. All times are in seconds.

    The pause starts at ``first_pause`` and doubles with each of the first ``max_exits`` exits, but is never longer than
    ``max_pause``. After ``max_exits`` exits or failed starts within ``window`` the store is not restarted any more.
    """

    first_pause: float = 0.2
    max_pause: float = 10.0
    max_exits: int = 5
    window: float = 120.0


class EmbeddedStore:
    """One JanusGraph on the data in `MLG_DATA_DIR`, from `start` to `stop`; an async context manager.

    ``endpoint`` is the Gremlin URL with the credentials of this start, valid after `start`; a restart of the JVM does
    not change it. ``reason`` is the cause of the state FAILED or of a failed start. If ``reindexing`` is true, the
    store starts with an empty index, and the data must exist. The index is then marked incomplete until
    `app.store.embedded.index_files.finish_rebuild`.
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
        self.endpoint = StoreEndpoint("")
        self._settings = settings
        self._schema = schema
        self._restarts = restarts
        self._reindexing = reindexing
        self._folder = settings.data_dir.absolute() / STORE_FOLDER
        self._lock = DataLock(self._folder)
        self._port: socket.socket | None = None
        self._jvm: JvmProcess | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def folder(self) -> Path:
        """The folder with the data, the configuration and the log of the JVM."""
        return self._folder

    @property
    def jvm_pid(self) -> int | None:
        """The process id of the running JVM, None if no JVM runs."""
        return self._jvm.pid if self._jvm else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Download missing jars, open the data, and return when the store is ready.

        Raises a `ConfigurationError` of `app.store.errors`, or `StoreStartError`. JVM, lock and port are released then.
        """
        self.state, self.reason = StoreState.STARTING, ""
        try:
            launch = await self._prepare()
            self._jvm = await self._launch(launch)
        except BaseException as error:
            await self.stop()
            self.reason = str(error)
            raise
        self.state = StoreState.READY
        self._supervisor = asyncio.create_task(self._supervise(launch, self._jvm), name="store-supervisor")

    async def stop(self) -> None:
        """Stop the JVM, which closes the data, and release lock and port; no effect if the store is stopped."""
        if self._supervisor:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        if self._jvm:
            await self._jvm.stop()
            self._jvm = None
        if self._lock.fd >= 0:
            remove_secret(self._folder)
        self._lock.release()
        if self._port:
            self._port.close()
            self._port = None
        self.state = StoreState.STOPPED

    async def _prepare(self) -> LaunchOptions:
        if self._reindexing:
            index_files.refuse_without_data(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(OWNER_ONLY)
        await self._lock.acquire()
        write_stamp(self._folder, self._schema)
        (index_files.begin_rebuild if self._reindexing else index_files.refuse_incomplete)(self._folder)
        self._port = reserve_port(self._settings.store_port)
        port = self._port.getsockname()[1]
        self.endpoint = StoreEndpoint(
            f"http://{LOOPBACK}:{port}/gremlin", STORE_USER, secrets.token_urlsafe(_SECRET_BYTES)
        )
        write_secret(self._folder, self.endpoint.password)
        jars = await asyncio.to_thread(fetch_jars, self._settings, Console(stderr=True))
        self._configure(port)
        return LaunchOptions(
            java.command(self._settings, jars), self._folder, self._rotate_log(), self.endpoint, self._lock.fd
        )

    def _configure(self, port: int) -> None:
        for name in _CONF_FILES:
            shutil.copyfile(_CONF / name, self._folder / name)
        server = Template((_CONF / "gremlin-server.yaml").read_text())
        values = {"port": port, "pool": self._settings.store_in_flight}
        (self._folder / "gremlin-server.yaml").write_text(server.substitute(values))
        (self._folder / "schema.json").write_bytes(self._schema.with_self_check())

    def _rotate_log(self) -> Path:
        log = self._folder / LOG_FILE
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return log

    async def _launch(self, launch: LaunchOptions) -> JvmProcess:
        jvm = await JvmProcess.spawn(launch)
        try:
            self._lock.record(jvm.pid)
            await jvm.wait_ready()
        except BaseException:
            await jvm.stop()
            self._lock.record(None)
            raise
        _log.info("store_ready", url=self.endpoint.url, pid=jvm.pid)
        return jvm

    async def _supervise(self, launch: LaunchOptions, jvm: JvmProcess) -> None:
        """Restart the JVM each time it ends, with growing pauses, until the limit of `RestartPolicy` is reached."""
        exits: deque[float] = deque(maxlen=self._restarts.max_exits)
        reason = f"The JVM of the store ended with code {await jvm.wait()}."
        while True:
            self.state, self._jvm = StoreState.RESTARTING, None
            exits.append(monotonic())
            _log.warning("store_died", reason=reason, log=str(launch.log))
            if len(exits) == self._restarts.max_exits and exits[-1] - exits[0] < self._restarts.window:
                break
            await asyncio.sleep(min(self._restarts.first_pause * 2 ** (len(exits) - 1), self._restarts.max_pause))
            try:
                self._jvm = await self._launch(launch)
            except StoreStartError as error:
                reason = str(error)
                continue
            self.state = StoreState.READY
            reason = f"The JVM of the store ended with code {await self._jvm.wait()}."
        self.state = StoreState.FAILED
        self.reason = (
            f"The JVM of the store ended or failed to start {len(exits)} times within {self._restarts.window:g} s. "
            f"Look for the cause in {launch.log}, then start the program again. Last reason: {reason}"
        )
        _log.error("store_failed", reason=self.reason)
