"""A log that cannot be written is dropped, and nothing else is."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from app.telemetry.lossy_stream import LossyStream, drop_lost_output


@contextmanager
def written_to(path: str) -> Iterator[None]:
    """Let the output of this process go to a file; restore it at the end."""
    before = sys.stdout, sys.stderr
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT), "wb", buffering=0) as file:
        sys.stdout = sys.stderr = io.TextIOWrapper(file, write_through=True)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def test_without_it_a_full_disk_fails_what_logs() -> None:
    """The device /dev/full refuses each byte, as a full disk does; structlog raises that."""
    with written_to("/dev/full"), pytest.raises(OSError, match="No space left"):
        structlog.get_logger("x").info("line")


def test_a_line_on_a_full_disk_is_dropped() -> None:
    """Neither the line, nor a printed text, nor a second replacement raises."""
    with written_to("/dev/full"):
        drop_lost_output()
        drop_lost_output()
        structlog.get_logger("x").info("line")
        print("text", file=sys.stderr, flush=True)  # noqa: T201 - the output is what is tested


def test_a_line_for_a_closed_stream_is_dropped(tmp_path: Path) -> None:
    """A thread that exports traces logs that it failed, perhaps after the command has ended."""
    with (tmp_path / "log").open("w") as file:
        stream = LossyStream(file)
    stream.write("line")
    stream.flush()


def test_a_line_that_can_be_written_is(tmp_path: Path) -> None:
    """The stream passes everything on, and is no terminal."""
    path = tmp_path / "log"
    with written_to(str(path)):
        drop_lost_output()
        assert isinstance(sys.stdout, LossyStream)
        assert (sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.fileno() > 2) == (False, True, True)
        structlog.get_logger("x").info("a_line", number=7)
    assert "a_line" in path.read_text()
