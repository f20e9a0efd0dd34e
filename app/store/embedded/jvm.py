"""The JVM of the store as a child process: start, wait until ready, stop."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import aiohttp
import structlog

from app.store import self_check
from app.store.errors import DiskSpaceError, StoreStartError
from app.store.store_endpoint import StoreEndpoint

_READY_SECONDS: Final = 600.0
"""Limit of a start in seconds. A start takes 2 to 17 s, about 10 s more if the schema has a new index, still empty."""
_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_LOG_TAIL_BYTES: Final = 16_384
"""Size of the end of the log in which `last_error` searches."""
_ERROR_LINE: Final = re.compile(r"^Caused by:| ERROR |Exception: ")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """The command line of the JVM, its working folder, log file and endpoint, and the lock that the JVM inherits."""

    command: Sequence[str]
    folder: Path
    log: Path
    endpoint: StoreEndpoint
    lock_fd: int


class JvmProcess:
    """One running JVM. The pipe to its stdin closes when the API process ends, and the JVM then ends too."""

    def __init__(self, process: Process, launch: LaunchOptions) -> None:
        self._process = process
        self._launch = launch

    @classmethod
    async def spawn(cls, launch: LaunchOptions) -> Self:
        """Start the JVM and return without waiting for readiness.

        The first line on its stdin is the authorization that the JVM demands of every request, because other users can
        read command lines. The JVM gets a session of its own: otherwise Ctrl-C would end the JVM before the API process
        stops using it.
        """
        with launch.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *launch.command,
                stdin=PIPE,
                stdout=log,
                stderr=log,
                cwd=launch.folder,
                pass_fds=(launch.lock_fd,),
                start_new_session=True,
            )
        assert process.stdin  # noqa: S101 - a pipe, as requested above
        process.stdin.write(f"{launch.endpoint.authorization}\n".encode())
        return cls(process, launch)

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        return self._process.pid

    async def wait_ready(self) -> None:
        """Return when the store is ready, at least for reads: on a disk without space it refuses writes.

        Raises `StoreStartError`, with a line of the log, if the JVM ends, the store fails its self-check, or
        `_READY_SECONDS` are over.
        """
        try:
            async with asyncio.timeout(_READY_SECONDS), self._session() as session:
                await self._wait_listening(session)
                await self_check.verify_write(session, self._launch.endpoint.url)
        except DiskSpaceError as error:
            _log.warning("store_without_disk_space", reason=str(error))
        except (StoreStartError, TimeoutError, aiohttp.ClientError) as error:
            raise StoreStartError(self._with_log_excerpt(error)) from error

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(headers=self._launch.endpoint.headers)

    async def _wait_listening(self, session: aiohttp.ClientSession) -> None:
        while not await self_check.is_listening(session, self._launch.endpoint.url):
            if self._process.returncode is not None:
                raise StoreStartError(f"The JVM ended while starting, with code {self._process.returncode}.")
            await asyncio.sleep(_POLL_SECONDS)

    async def wait(self) -> int:
        """Wait for the end of the JVM and return its exit code; the code -9 means that signal 9 ended the JVM."""
        return await self._process.wait()

    async def stop(self, seconds: float = _STOP_SECONDS) -> None:
        """End the JVM by SIGTERM, and by SIGKILL after ``seconds``; no effect if the JVM has ended."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(seconds):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        await self._process.wait()

    def _with_log_excerpt(self, error: Exception) -> str:
        message = str(error) or f"The store did not become ready within {_READY_SECONDS:.0f} s."
        return f"{message} Last error in the log {self._launch.log}: {last_error(self._launch.log)}"


def last_error(log: Path) -> str:
    """Return the last line with an error in the last `_LOG_TAIL_BYTES` of a JVM log.

    Without such a line, return the first two lines of that part, or "none" if the log is empty.
    """
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR_LINE.search(line)]
    return errors[-1] if errors else " ".join(lines[:2]) or "none"
