"""Reads JSON lines: one ``AssetInput`` object per line, such as ``{"dataset": {…}}`` or ``{"link": {…}}``."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.source_file import is_long, lines_of, long_line


def read_files(files: Iterable[Path]) -> Iterator[ImportItem | ItemResult]:
    """Yield the items of files in order, or an INVALID result for a line without an item; ``-`` is standard input.

    Raises OSError if a file cannot be read.
    """
    for file in files:
        if str(file) == "-":
            yield from read_lines("-", sys.stdin.buffer)
        else:
            with file.open("rb") as lines:
                yield from read_lines(str(file), lines)


def read_lines(name: str, lines: BinaryIO) -> Iterator[ImportItem | ItemResult]:
    """Yield the items of one stream, located by ``name`` and line number; blank lines are skipped."""
    for number, line in enumerate(lines_of(lines), start=1):
        location = f"{name}:{number}"
        if is_long(line):
            yield long_line(location)
        elif line.strip():
            yield _item(location, line)


def _item(location: str, line: bytes) -> ImportItem | ItemResult:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return ItemResult(
            location, "INVALID", (f"not JSON: {error}; write one JSON object per line, with finite numbers",)
        )
    if not isinstance(value, dict) or len(value) != 1:
        return ItemResult(location, "INVALID", ('not an item; write an object of one key, such as {"dataset": {…}}',))
    return ImportItem(location, value)
