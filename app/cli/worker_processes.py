"""The processes of `mlg serve` with MLG_WORKERS: each is a complete server, and all listen on one port.

The kernel spreads connections over them (SO_REUSEPORT). They share the store and the data folder. A worker that ends
is started again, after a pause that doubles while workers end early.
"""

import asyncio
import os
import signal
import sys
import threading
from time import monotonic, sleep
from typing import Final

import structlog

from policies.errors import ConfigurationError

EARLY_SECONDS: Final = 30.0
"""A worker that ends within so many seconds of its start has ended early."""

MIN_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 30.0
"""Shortest and longest pause, in seconds, before a worker is started again."""

STOP_SECONDS: Final = 30.0
"""Seconds for which workers may complete their requests after SIGTERM; then they are killed."""

WORKER: Final = (sys.executable, "-m", "app", "serve", "--worker")
"""The command of a worker, without its number; it inherits the environment."""

_log = structlog.get_logger(__name__)


def end_with_parent() -> None:
    """Let this process get SIGTERM within a second after the end of its parent."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


class WorkerProcesses:
    """Runs ``count`` workers until SIGINT or SIGTERM."""

    def __init__(self, count: int, command: tuple[str, ...] = WORKER) -> None:
        self._count = count
        self._command = command
        self._stopping = asyncio.Event()
        self._running: set[asyncio.subprocess.Process] = set()

    async def run(self) -> None:
        """Return when all workers have ended after a signal.

        Raises ConfigurationError if a worker ends early at its first start with an error of its own: none can serve.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        workers = [asyncio.create_task(self._keep_running(number)) for number in range(self._count)]
        signalled = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([*workers, signalled], return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        await self._stop()
        await asyncio.wait(workers)
        for worker in workers:
            worker.result()

    async def _keep_running(self, number: int) -> None:
        """Start the worker with a number, and another one whenever it ends, until all are stopped."""
        pause, first = MIN_PAUSE_SECONDS, True
        while not self._stopping.is_set():
            started = monotonic()
            worker = await asyncio.create_subprocess_exec(*self._command, str(number), start_new_session=True)
            self._running.add(worker)
            if self._stopping.is_set():  # since the start of the worker
                worker.terminate()
            status = await worker.wait()
            self._running.discard(worker)
            if self._stopping.is_set():
                return
            early = monotonic() - started < EARLY_SECONDS
            if early and first and status > 0:
                raise ConfigurationError(f"A worker ended with status {status} at its start; see its message above.")
            first = False
            pause = min(2 * pause, MAX_PAUSE_SECONDS) if early else MIN_PAUSE_SECONDS
            _log.warning("worker_ended", pid=worker.pid, status=status, pause=pause)
            await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        """Return after some seconds, or when the workers are to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _stop(self) -> None:
        """End all workers: by SIGTERM, and by SIGKILL after STOP_SECONDS."""
        for worker in self._running:
            worker.terminate()
        ends = [asyncio.create_task(worker.wait()) for worker in self._running]
        if ends:
            await asyncio.wait(ends, timeout=STOP_SECONDS)
        for worker in self._running:
            worker.kill()
