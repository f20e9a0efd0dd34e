"""A disk of a few megabytes that a test fills: a file system in memory."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BALLAST = "ballast"
"""The file that fills the disk."""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of ``size`` bytes at a new folder; skips the test if this user may not mount."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)  # noqa: S603 - no input of others
    if mounted.returncode:
        pytest.skip(f"a disk of its own needs the right to mount: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607 - as above


def fill(disk: Path, free: int = 0) -> None:
    """Fill a disk up to a number of free bytes, or until it takes nothing more."""
    with (disk / BALLAST).open("ab", buffering=0) as ballast:
        try:
            while (left := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - free) > 0:
                ballast.write(bytes(min(left, 1 << 20)))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def empty(disk: Path) -> None:
    """Remove what `fill` wrote."""
    (disk / BALLAST).unlink()
