"""A connection to Cassandra that executes statements as text, in version 4 of its native protocol.

The jars of the tests have neither cqlsh nor a driver for Python. Only results of text are read.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"
_VERSION: Final = 4
_ERROR: Final = 0
_STARTUP: Final = 1
_QUERY: Final = 7
_ROWS: Final = 2
_GLOBAL_TABLE: Final = 1
"""The flag of a result whose columns are all of one table, which is named once."""
_HEADER: Final = struct.Struct(">BBhBi")
_ONE: Final = 1


class StatementFailedError(Exception):
    """Cassandra refused a statement; the message is that of Cassandra."""


@dataclass(frozen=True, slots=True)
class CqlConnection:
    """An open connection; one statement at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def execute(self, statement: str) -> list[list[str]]:
        """Return the rows of a statement, empty if it has none; raises StatementFailedError."""
        text = statement.encode()
        body = await self._exchange(_QUERY, struct.pack(">i", len(text)) + text + struct.pack(">HB", _ONE, 0))
        return _rows(_Fields(body))

    async def start(self) -> None:
        """Begin the session, before the first statement."""
        option = b"CQL_VERSION", b"3.0.0"
        await self._exchange(_STARTUP, struct.pack(">H", 1) + b"".join(map(_short_text, option)))

    async def _exchange(self, code: int, body: bytes) -> bytes:
        """Send one frame and return the body of the frame that answers it."""
        self.writer.write(_HEADER.pack(_VERSION, 0, 0, code, len(body)) + body)
        _, _, _, answer, size = _HEADER.unpack(await self.reader.readexactly(_HEADER.size))
        found = await self.reader.readexactly(size)
        if answer == _ERROR:
            fields = _Fields(found)
            fields.integer()
            raise StatementFailedError(fields.short_text())
        return found


@asynccontextmanager
async def cql_connection(port: int) -> AsyncIterator[CqlConnection]:
    """Open a connection to a node on loopback; raises OSError or IncompleteReadError if it does not respond."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        connection = CqlConnection(reader, writer)
        await connection.start()
        yield connection
    finally:
        writer.close()


@dataclass(slots=True)
class _Fields:
    """The body of a frame, read from the front."""

    body: bytes
    at: int = 0

    def integer(self) -> int:
        """Return the next four bytes."""
        return int.from_bytes(self._next(4), "big", signed=True)

    def short_text(self) -> str:
        """Return the next text with a length of two bytes."""
        return self._next(int.from_bytes(self._next(2), "big")).decode()

    def short(self) -> int:
        """Return the next two bytes."""
        return int.from_bytes(self._next(2), "big")

    def value(self) -> str:
        """Return the next value of a row, empty for null."""
        return self._next(max(0, self.integer())).decode()

    def _next(self, count: int) -> bytes:
        found = self.body[self.at : self.at + count]
        self.at += count
        return found


def _rows(fields: _Fields) -> list[list[str]]:
    """Return the rows of a result; its columns must be text."""
    if fields.integer() != _ROWS:
        return []
    flags, columns = fields.integer(), fields.integer()
    names = [fields.short_text() for _ in range(2 * (flags & _GLOBAL_TABLE))]
    for _ in range(columns):
        names += [fields.short_text() for _ in range(1 if flags & _GLOBAL_TABLE else 3)]
        fields.short()  # the type
    return [[fields.value() for _ in range(columns)] for _ in range(fields.integer())]


def _short_text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
