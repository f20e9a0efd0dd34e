"""The memory of a tree of processes over time, from /proc."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECONDS: Final = 10.0
"""Seconds between two samples."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass
class MemorySamples:
    """Resident megabytes of the processes of the API, and those of its JVM if it has one, by time.

    ``root`` is the process id of the server; the processes below it count, too.
    """

    root: int
    api: list[float] = field(default_factory=list)
    jvm: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.sample()
            await asyncio.sleep(SECONDS)

    def sample(self) -> None:
        """Take one sample."""
        api = jvm = 0.0
        for pid in processes(self.root):
            megabytes = resident_megabytes(pid)
            if _name(pid) == "java":
                jvm += megabytes
            else:
                api += megabytes
        self.api.append(api)
        self.jvm.append(jvm)


def processes(root: int) -> Iterator[int]:
    """Yield a process id and those of all processes below it."""
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # the thread has ended
            continue
        for child in children:
            yield from processes(int(child))


def resident_megabytes(pid: int) -> float:
    """Return the resident megabytes of a process, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6
    except OSError:
        return 0.0


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:  # as above
        return ""
