"""The supervisor of worker processes: restarts those that end, stops all at a signal, gives up if none can start."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from support.waiting import until

from app.cli import worker_processes
from app.cli.worker_processes import WorkerProcesses
from policies.errors import ConfigurationError

SLEEP = "import os, sys, time; open(sys.argv[1] + '/' + str(os.getpid()), 'w').close(); time.sleep(600)"


def pids(folder: Path) -> set[int]:
    """Return the ids of all processes that were started."""
    return {int(each.name) for each in folder.iterdir()}


def is_running(pid: int) -> bool:
    """Return whether a process exists."""
    return Path(f"/proc/{pid}").exists()


async def test_a_killed_worker_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGKILL to one of two workers there are two again; SIGTERM to the supervisor ends both."""
    monkeypatch.setattr(worker_processes, "MIN_PAUSE_SECONDS", 0.01)
    running = asyncio.create_task(WorkerProcesses(2, (sys.executable, "-c", SLEEP, str(tmp_path))).run())
    await until(lambda: len(pids(tmp_path)) == 2)
    killed = min(pids(tmp_path))
    os.kill(killed, signal.SIGKILL)
    await until(lambda: len(pids(tmp_path)) == 3)
    assert not is_running(killed)
    os.kill(os.getpid(), signal.SIGTERM)
    await running
    assert not any(map(is_running, pids(tmp_path)))


async def test_a_worker_that_ignores_the_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After STOP_SECONDS a worker that has not ended is killed."""
    monkeypatch.setattr(worker_processes, "STOP_SECONDS", 0.2)
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    running = asyncio.create_task(WorkerProcesses(1, (sys.executable, "-c", stubborn, str(tmp_path))).run())
    await until(lambda: len(pids(tmp_path)) == 1)
    os.kill(os.getpid(), signal.SIGINT)
    await running
    assert not any(map(is_running, pids(tmp_path)))


async def test_an_error_at_the_start_ends_all(tmp_path: Path) -> None:
    """A worker that refuses its configuration would always do so: the others are stopped."""
    starts = "import os, sys; " + SLEEP.replace(
        "time.sleep(600)", "sys.exit(3) if len(os.listdir(sys.argv[1])) > 1 else time.sleep(600)"
    )
    with pytest.raises(ConfigurationError, match="status 3"):
        await WorkerProcesses(2, (sys.executable, "-c", starts, str(tmp_path))).run()
    assert not any(map(is_running, pids(tmp_path)))
