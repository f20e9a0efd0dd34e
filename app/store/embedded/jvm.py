"""The JVM as a child process: launched, waited for until it keeps what is written, and stopped."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import aiohttp

from app.store import self_check as selfcheck
from app.store.errors import StoreStartError

_READY_WITHIN: Final = 600.0
"""Seconds; a start takes 2 to 17, and first builds the indexes that are new in the schema, 10 s for an empty one."""
_STOP_WITHIN: Final = 20.0
_PAUSE: Final = 0.05
_LAST: Final = 16_384
"""Bytes of the log to look for the cause in."""
_TELLING: Final = re.compile(r"^Caused by:| ERROR |Exception: ")


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start the JVM: its arguments, the folder it runs in, its log, its address, the lock it inherits."""

    command: Sequence[str]
    folder: Path
    log: Path
    url: str
    lock_fd: int


class Child:
    """One running JVM. Its stdin stays open as long as this process lives; the JVM ends when it closes."""

    def __init__(self, process: Process, launch: Launch) -> None:
        self._process = process
        self._launch = launch

    @classmethod
    async def spawn(cls, launch: Launch) -> Self:
        """Start the process in a session of its own, so that Ctrl-C reaches it through us and not before us."""
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
        return cls(process, launch)

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        return self._process.pid

    async def wait_ready(self) -> None:
        """Return when the store is ready; raises StoreStartError when it ends, answers nonsense or takes too long."""
        try:
            async with asyncio.timeout(_READY_WITHIN), aiohttp.ClientSession() as session:
                await self._wait_listening(session)
                await selfcheck.verify(session, self._launch.url)
        except (StoreStartError, TimeoutError, aiohttp.ClientError) as error:
            raise StoreStartError(self._explain(error)) from error

    async def _wait_listening(self, session: aiohttp.ClientSession) -> None:
        while not await selfcheck.listens(session, self._launch.url):
            if self._process.returncode is not None:
                raise StoreStartError(f"The JVM ended while starting, with code {self._process.returncode}.")
            await asyncio.sleep(_PAUSE)

    async def wait(self) -> int:
        """Return the exit code when the process ends; negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End the process cleanly, and by force when it does not end in time; without effect when it has ended."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(_STOP_WITHIN):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        await self._process.wait()

    def _explain(self, error: Exception) -> str:
        what = str(error) or f"The store did not become ready within {_READY_WITHIN:.0f} s."
        return f"{what} Its log, {self._launch.log}, says: {last_error(self._launch.log)}"


def last_error(log: Path) -> str:
    """Return the last cause or ERROR line near the end of a JVM log, else the first two lines there."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LAST))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return telling[-1] if telling else " ".join(lines[:2]) or "nothing."
