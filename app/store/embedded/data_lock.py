"""One process at a time on the data: a lock that the API and its JVM hold together.

The lock is an `flock` whose descriptor the JVM inherits, so it is held as long as either of them lives. A holder
that is only a JVM, because its API was killed, is on its way out (it watches its stdin); when it is not gone
after a while it is ended here.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from app.store.errors import DataInUseError

LOCK_FILE: Final = "owner.json"
_GRACE: Final = 10.0
"""Seconds that an orphaned JVM gets to close its files by itself."""
_PAUSE: Final = 0.1
_log = structlog.get_logger(__name__)


class DataLock:
    """The lock of one data folder; the file names the processes that hold it: `{"owner": pid, "jvm": pid}`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._fd = -1

    @property
    def fd(self) -> int:
        """The descriptor to hand to the JVM."""
        return self._fd

    async def acquire(self) -> None:
        """Take the lock, waiting for an orphaned JVM to end; raises DataInUseError when a living API holds it."""
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not self._try_lock():
                await self._take_over()
        except BaseException:
            self.release()
            raise
        self.record(jvm=None)

    def record(self, jvm: int | None) -> None:
        """Write who holds the lock, for the message and the take-over of a later start."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, orjson.dumps({"owner": os.getpid(), "jvm": jvm}), 0)

    def release(self) -> None:
        """Let go; without effect when the lock is not held."""
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
        if await self._locked_within(_GRACE):
            return
        os.kill(self._orphan(), signal.SIGKILL)
        if not await self._locked_within(_GRACE):
            raise DataInUseError(
                f"The JVM {orphan} of an earlier run still holds {self._path.parent} and cannot be ended. "
                f"End it (`kill -9 {orphan}`) and start again."
            )

    def _orphan(self) -> int:
        """Return the JVM that holds the lock after its API died; raises DataInUseError when the API lives."""
        holders = read_holders(self._path)
        if holders is None or holders["jvm"] is None or is_alive(holders["owner"]):
            owner = f"process {holders['owner']}" if holders else "another process"
            raise DataInUseError(
                f"The store in {self._path.parent} is in use by {owner}. "
                "Stop that process, or set MLG_DATA_DIR to another folder."
            )
        return int(holders["jvm"])

    async def _locked_within(self, seconds: float) -> bool:
        for _ in range(round(seconds / _PAUSE)):
            if self._try_lock():
                return True
            await asyncio.sleep(_PAUSE)
        return False


def read_holders(path: Path) -> dict[str, Any] | None:
    """Return who wrote the lock file last, or None when nobody could."""
    try:
        return dict(orjson.loads(path.read_bytes()))
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None


def is_alive(pid: int) -> bool:
    """Tell whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
