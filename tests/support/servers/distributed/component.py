"""One component of the cluster: its processes are started, queried until they respond, killed and started again."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from support.waiting import until

READY_WITHIN: Final = 240.0
"""Seconds until a component must answer; on two idle cores each one takes 5 to 15 s."""
_STOP_WITHIN: Final = 30.0
_PARENT_DEATH_SIGNAL: Final = 1
"""The option of Linux' prctl: the signal that a process gets when its parent ends."""


@dataclass
class Component:
    """A command in a folder of its own; ``answers`` returns whether a question to the component is answered.

    Like a service of compose.yaml, it is started again if it ends before it answers, here once.

    ``user`` is the id of the user that runs the command, None for the user of the tests. ``start_seconds`` are the
    seconds of each start so far.
    """

    name: str
    command: Sequence[str]
    folder: Path
    answers: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    start_seconds: list[float] = field(default_factory=list)
    _process: Process | None = None
    _restarts: int = 0

    @property
    def log(self) -> Path:
        """Return the file with the output of all starts."""
        return self.folder / "output.log"

    async def start(self) -> None:
        """Start the processes, and return when the component answers; fails if it ends twice, with its log."""
        begun = monotonic()
        self._restarts = 1
        await self._begin()
        try:
            await until(self._ready, READY_WITHIN)
        except BaseException:
            await self.kill()
            raise
        self.start_seconds.append(monotonic() - begun)
        report(f"{self.name}: ready after {self.start_seconds[-1]:.1f} s, {self.resident_mib()} MiB")

    async def _begin(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | self.environment,
                start_new_session=True,
                preexec_fn=self._prepare,
            )

    async def kill(self) -> None:
        """End all processes at once; :meth:`start` starts them again on the same data and ports."""
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop all processes without ending them: they accept connections and return nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue all processes after :meth:`pause`."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> None:
        """End all processes by SIGTERM, and after a while by SIGKILL; no effect if none runs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN):
                await self._end(signal.SIGTERM)
        await self.kill()

    def resident_mib(self) -> int:
        """Return the memory that the processes of the component occupy, in MiB; 0 on systems without /proc."""
        pages = sum(int((path / "statm").read_text().split()[1]) for path in self._processes())
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20

    async def _ready(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None and self._restarts:
            self._restarts -= 1
            report(f"{self.name}: ended with {self._process.returncode}, is started again")
            await self._begin()
        assert self._process.returncode is None, f"{self.name} ended: {self.log.read_text(errors='replace')[-4_000:]}"
        return await self.answers()

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        await self._process.wait()
        await until(lambda: not self._processes())

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _processes(self) -> list[Path]:
        """Return the folders below /proc of the processes in the session that the command leads."""
        leader = self._process.pid if self._process else 0
        return [path for path in Path("/proc").glob("[0-9]*") if _session(path) == leader]

    def _prepare(self) -> None:
        """In the child: become the user, and end when the tests end, even if they are killed."""
        if self.user is not None:
            os.setgroups([])
            os.setgid(self.user)
            os.setuid(self.user)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def report(line: str) -> None:
    """Print a line of progress, which pytest shows at once with ``--capture=sys``."""
    console = sys.__stderr__
    if console:
        console.write(f"{line}\n")
        console.flush()


def _session(path: Path) -> int:
    """Return the session of a process that runs, 0 if it has ended."""
    try:
        state, _parent, _group, session = (path / "stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return 0
    return 0 if state == "Z" else int(session)
