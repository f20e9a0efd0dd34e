"""The lock of a data folder: one API process and its JVM use the data at a time.

The lock is an `flock` whose descriptor the JVM inherits, so it is held until both processes have ended. If the API was
killed, its JVM is an orphan, which ends by itself because its stdin closes. An orphan that does not end in time is
killed by the next start.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from pathlib import Path
from typing import Final, TypedDict

import orjson
import structlog

from app.store.errors import DataInUseError

LOCK_FILE: Final = "owner.json"
_ORPHAN_SECONDS: Final = 10.0
"""Seconds for which a start waits for an orphaned JVM to end by itself, and again after the JVM was killed."""
_POLL_SECONDS: Final = 0.1
_log = structlog.get_logger(__name__)


class LockHolders(TypedDict):
    """The process ids of an API and of its JVM; ``jvm`` is None while no JVM runs."""

    owner: int
    jvm: int | None


class DataLock:
    """The lock of one data folder; its file names the processes that hold it: `{"owner": pid, "jvm": pid}`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._fd = -1

    @property
    def fd(self) -> int:
        """The file descriptor of the lock, which the JVM must inherit; -1 while the lock is not held."""
        return self._fd

    async def acquire(self) -> None:
        """Take the lock; wait for an orphaned JVM to end, and kill it if it does not.

        Raises `DataInUseError` if a running API holds the lock, the lock file names no JVM that does, or the orphan
        does not end after it was killed.
        """
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not self._try_lock():
                await self._take_over()
        except BaseException:
            self.release()
            raise
        self.record(jvm=None)

    def record(self, jvm: int | None) -> None:
        """Write the process ids of this process and of ``jvm``, None for no JVM, into the lock file.

        A later start reads them for its error message, or to kill an orphaned JVM.
        """
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, orjson.dumps({"owner": os.getpid(), "jvm": jvm}), 0)

    def release(self) -> None:
        """Release the lock; no effect if the lock is not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def _take_over(self) -> None:
        orphan = self._orphan()
        _log.warning("orphaned_store_found", pid=orphan, folder=str(self._path.parent))
        if await self._locked_within(_ORPHAN_SECONDS):
            return
        os.kill(self._orphan(), signal.SIGKILL)
        if not await self._locked_within(_ORPHAN_SECONDS):
            raise DataInUseError(
                f"The JVM {orphan} of an earlier run still uses {self._path.parent}, {_ORPHAN_SECONDS:g} s after "
                "it was killed. Wait until the process has ended, then start again."
            )

    def _orphan(self) -> int:
        """Return the process id of the JVM that holds the lock alone.

        Raises `DataInUseError` if its API is running, or if the lock file names no JVM.
        """
        holders = read_holders(self._path)
        if holders is None or holders["jvm"] is None or is_alive(holders["owner"]):
            owner = f"process {holders['owner']}" if holders else "another process"
            raise DataInUseError(
                f"The store in {self._path.parent} is in use by {owner}. "
                "Stop that process, or set MLG_DATA_DIR to another folder."
            )
        return holders["jvm"]

    async def _locked_within(self, seconds: float) -> bool:
        for _ in range(round(seconds / _POLL_SECONDS)):
            if self._try_lock():
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False


def read_holders(path: Path) -> LockHolders | None:
    """Return the content of a lock file, None if there is no file or its content is not complete JSON."""
    try:
        holders: LockHolders = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return holders


def is_alive(pid: int) -> bool:
    """Return whether a process with the id ``pid`` exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
