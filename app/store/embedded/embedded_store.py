"""The embedded store: a JanusGraph on BerkeleyJE and Lucene as a supervised child process, on loopback only."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
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
from app.store.embedded.index_files import IndexKeeper
from app.store.embedded.jars import fetch_jars
from app.store.embedded.jvm import JvmProcess, LaunchOptions
from app.store.embedded.port import LOOPBACK, reserve_port
from app.store.embedded.secret_file import remove_secret, write_secret
from app.store.errors import IndexIncompleteError, StoreReason
from app.store.growing_pauses import GrowingPauses, PausePolicy
from app.store.schema_stamp import SchemaKeeper, StoreSchema, accept_stamp, write_stamp
from app.store.store_endpoint import StoreEndpoint

STORE_FOLDER: Final = "janusgraph"
LOG_FILE: Final = "janusgraph.log"
OWNER_ONLY: Final = 0o700
"""Mode of the store's folder. The JVM creates files that every user may read, with the data of all tenants."""
STORE_USER: Final = "mlgraph"
"""The user of the credentials, of which only the password is secret."""
_SECRET_BYTES: Final = 32
_INVALID_STOP_SECONDS: Final = 1.0
"""Seconds for a JVM to end whose storage is invalid: it saves nothing any more, and does not end by itself."""
_CONF: Final = Path(__file__).with_name("conf")
_CONF_FILES: Final = ("graph.properties", "init.groovy", "channel_guard.groovy", "logback.xml")
_log = structlog.get_logger(__name__)


class StoreState(StrEnum):
    """The state of the embedded store; requests are served in READY only."""

    STARTING = "STARTING"
    READY = "READY"
    REBUILDING = "REBUILDING"
    RESTARTING = "RESTARTING"
    STOPPED = "STOPPED"


class EmbeddedStore:
    """One JanusGraph on the data in `MLG_DATA_DIR`, from `start` to `stop`; an async context manager.

    ``endpoint`` is the Gremlin URL with the credentials of this start, valid after `start`; a restart of the JVM does
    not change it. With ``index``, each start of the JVM rebuilds the index if its mark is missing, or if a comparison
    with the data shows that it lacks some. With ``keeper``, data with an older schema are upgraded. If ``reindexing``
    is true, the first start rebuilds the index in any case, and the data must exist. With ``recorded_classes``, the JVM
    writes the names of the classes that it loads to this file.

    The store is a `app.store.store_host.StoreHost`; ``starts`` is described there.
    """

    def __init__(  # noqa: PLR0913 - the parts of a store
        self,
        settings: Settings,
        schema: StoreSchema,
        *,
        index: IndexKeeper | None = None,
        keeper: SchemaKeeper | None = None,
        restarts: PausePolicy | None = None,
        reindexing: bool = False,
        recorded_classes: Path | None = None,
    ) -> None:
        self.state = StoreState.STOPPED
        self.starts = 0
        self.endpoint = StoreEndpoint("")
        self._settings = settings
        self._schema = schema
        self._index = index
        self._keeper = keeper
        self._pauses = GrowingPauses(restarts)
        self._reindexing = reindexing
        self._recorded_classes = recorded_classes
        self._older = False
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

    def outage(self) -> StoreReason | None:
        """Return why no request may be sent now, such as a lost mark of the index; None if requests are served."""
        if self.state is StoreState.READY:
            lost = self._index is not None and not index_files.is_complete(self._folder)
            return StoreReason.INDEX if lost else None
        return StoreReason.INDEX if self.state is StoreState.REBUILDING else StoreReason.STARTING

    def free_bytes(self) -> int:
        """Return the free bytes of the disk with the data."""
        return shutil.disk_usage(self._folder).free

    def has_space(self) -> bool:
        """Return whether the disk with the data has the free space that the settings demand for writes."""
        return self.free_bytes() >= self._settings.store_free_bytes

    async def restart(self, reason: StoreReason) -> None:
        """Stop the JVM, which is then started again; no effect while the store is not ready.

        A JVM with the ``reason`` STORAGE gets less time to end, because it does not end by itself.
        """
        if self.state is StoreState.READY and self._jvm:
            _log.warning("store_restarting", reason=str(reason), log=str(self._folder / LOG_FILE))
            self.state = StoreState.RESTARTING
            if reason is StoreReason.STORAGE:
                await self._jvm.stop(_INVALID_STOP_SECONDS)
            else:
                await self._jvm.stop()

    async def start(self) -> None:
        """Download missing jars, open the data, and return when the store is ready.

        Raises a `ConfigurationError` of `app.store.errors`, `StoreStartError`, or the CodedError of a failed upgrade of
        the schema or rebuild of the index. JVM, lock and port are released then.
        """
        self.state = StoreState.STARTING
        try:
            launch = await self._prepare()
            self._jvm = await self._launch(launch)
        except BaseException:
            await self.stop()
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
        commanded = self._keeper is not None and self._keeper.commanded
        self._older = not accept_stamp(self._folder, self._schema, upgrading=commanded)
        (index_files.begin_rebuild if self._reindexing else index_files.begin_without_data)(self._folder)
        self._port = reserve_port(self._settings.store_port)
        port = self._port.getsockname()[1]
        self.endpoint = StoreEndpoint(
            f"http://{LOOPBACK}:{port}/gremlin", STORE_USER, secrets.token_urlsafe(_SECRET_BYTES)
        )
        write_secret(self._folder, self.endpoint.password)
        jars = await asyncio.to_thread(fetch_jars, self._settings, Console(stderr=True))
        self._configure(port)
        command = java.command(self._settings, jars, self._recorded_classes)
        return LaunchOptions(command, self._folder, self._rotate_log(), self.endpoint, self._lock.fd)

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
        """Return a JVM that is ready and, if there is an index keeper, has a complete index.

        An older schema is changed in a JVM that ends before the index is used. In the JVM that changes it, Lucene would
        not know the new keys, or even forget the others (docs/design/janusgraph.md).
        """
        if self._older and self._keeper is not None:
            self._jvm = await self._start_jvm(launch, self._keeper.change)
            await self._jvm.stop()
            self._lock.record(None)
            self._jvm, self._older = None, False
        if self._index is None:
            return await self._start_jvm(launch, self._upgrade)
        if index_files.is_complete(self._folder):
            try:
                return await self._start_jvm(launch, self._upgrade, self._index.check)
            except IndexIncompleteError as error:
                _log.warning("store_index_incomplete", reason=str(error))
        self.state = StoreState.REBUILDING
        _log.warning("store_index_rebuilding", folder=str(self._folder))
        index_files.begin_rebuild(self._folder)
        jvm = await self._start_jvm(launch, self._upgrade, self._index.rebuild, self._index.check)
        index_files.finish_rebuild(self._folder)
        return jvm

    async def _upgrade(self, endpoint: StoreEndpoint) -> None:
        """Bring the schema of the data to that of the program, and record that in the stamp."""
        if self._keeper is not None:
            await self._keeper.upgrade(endpoint)
            write_stamp(self._folder, self._schema)

    async def _start_jvm(self, launch: LaunchOptions, *steps: Callable[[StoreEndpoint], Awaitable[None]]) -> JvmProcess:
        """Start a JVM, wait until it is ready, and run ``steps``; the JVM is ended if one of them fails."""
        jvm = await JvmProcess.spawn(launch)
        try:
            self._lock.record(jvm.pid)
            await jvm.wait_ready()
            for step in steps:
                await step(self.endpoint)
        except BaseException:
            await jvm.stop()
            self._lock.record(None)
            raise
        self.starts += 1
        _log.info("store_ready", url=self.endpoint.url, pid=jvm.pid)
        return jvm

    async def _supervise(self, launch: LaunchOptions, jvm: JvmProcess) -> None:
        """Restart the JVM each time it ends, until cancelled."""
        while True:
            ready = monotonic()
            code = await jvm.wait()
            reason = f"The JVM of the store ended with code {code}."
            jvm = self._jvm = await self._relaunch(launch, reason, monotonic() - ready)
            self.state = StoreState.READY

    async def _relaunch(self, launch: LaunchOptions, reason: str, uptime: float) -> JvmProcess:
        """Start the JVM, as often as it takes, with the pauses of the `PausePolicy`."""
        while True:
            self.state, self._jvm = StoreState.RESTARTING, None
            pause = self._pauses.after(uptime)
            _log.warning("store_down", reason=reason, seconds_to_restart=pause, log=str(launch.log))
            await asyncio.sleep(pause)
            try:
                return await self._launch(launch)
            except Exception as error:  # noqa: BLE001 - the job boundary: whatever fails may succeed later
                reason, uptime = f"The start failed: {error or type(error).__name__}", 0.0
