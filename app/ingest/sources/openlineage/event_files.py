"""Reads files with events: JSON lines, as senders append them, or one JSON list or object per file."""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import orjson

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.source_file import SourceFiles, first_line, is_long, lines_of, long_line
from graphql_schema.ports.record import Json


def read_event_files(files: Iterable[Path]) -> Iterator[ImportItem | ItemResult]:
    """Yield the events of files in order, or an INVALID result where there is none; ``-`` is standard input.

    Raises OSError if a file cannot be read.
    """
    for file in files:
        if str(file) == "-":
            yield from read_events_of("-", sys.stdin.buffer)
        else:
            with file.open("rb") as stream:
                yield from read_events_of(str(file), stream)


def read_events_of(name: str, stream: BinaryIO) -> Iterator[ImportItem | ItemResult]:
    """Yield the events of one stream, located by ``name`` and line, or by their index in a list.

    If the first line is no complete JSON object, the stream is read to its end, as one JSON value if it is one. Blank
    lines are skipped. Raises InvalidError if it is then too large.
    """
    first = first_line(stream)
    if not is_long(first) and isinstance(_decoded(first), dict):
        yield from _of_lines(name, chain((first,), lines_of(stream)))
        return
    text = SourceFiles().read(name, stream, first)
    value = _decoded(text)
    yield from _of_lines(name, text.splitlines()) if value is None else _of_value(name, value)


def _of_lines(name: str, lines: Iterable[bytes | bytearray]) -> Iterator[ImportItem | ItemResult]:
    for number, line in enumerate(lines, start=1):
        location = f"{name}:{number}"
        if is_long(line):
            yield long_line(location)
        elif line.strip():
            value = _decoded(line)
            yield ImportItem(location, value) if isinstance(value, dict) else _invalid(location)


def _of_value(name: str, value: Json) -> Iterator[ImportItem | ItemResult]:
    events = value if isinstance(value, list) else [value]
    for index, each in enumerate(events):
        location = f"{name}#{index}"
        yield ImportItem(location, each) if isinstance(each, dict) else _invalid(location)


def _decoded(text: bytes | bytearray) -> Json:
    """Return the JSON value of a text, None if it is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _invalid(location: str) -> ItemResult:
    return ItemResult(location, "INVALID", ("not an event; write one JSON object per line, or a JSON list of them",))
