"""Reads JSON lines: one ``AssetInput`` object a line, such as ``{"dataset": {…}}`` or ``{"link": {…}}``."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from app.ingest.load.batches import ImportItem, ItemResult


def read_files(files: Iterable[Path]) -> Iterator[ImportItem | ItemResult]:
    """Read the files in order, line by line; ``-`` is standard input. A line that is no item comes as its failure."""
    for file in files:
        if str(file) == "-":
            yield from read_lines("-", sys.stdin.buffer)
        else:
            with file.open("rb") as lines:
                yield from read_lines(str(file), lines)


def read_lines(name: str, lines: BinaryIO) -> Iterator[ImportItem | ItemResult]:
    """Read one stream; ``name`` and the line's number say where an item comes from. Blank lines are no items."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _item(f"{name}:{number}", line)


def _item(where: str, line: bytes) -> ImportItem | ItemResult:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return ItemResult(where, "INVALID", (f"not JSON: {error}",))
    if not isinstance(value, dict) or len(value) != 1:
        return ItemResult(where, "INVALID", ('not an item; write an object of one key, such as {"dataset": {…}}',))
    return ImportItem(where, value)
