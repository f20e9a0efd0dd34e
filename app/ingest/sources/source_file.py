"""Reads files of a source within limits, because who writes them may be another party than who imports them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from app.ingest.load.batches import ItemResult
from graphql_schema.ports.record import Json
from policies.errors import InvalidError

MAX_BYTES: Final = 1 << 30
"""Maximal number of bytes of the files of one import that are in memory together, where objects take a multiple."""

MAX_LINE: Final = 16 << 20
"""Maximal number of bytes of a line; the API accepts no item of that size."""

MALFORMED: Final = (AttributeError, LookupError, TypeError, ValueError)
"""Errors of the mapping of content in which a value has another type, or a key is absent."""

_CHUNK: Final = 1 << 20


@dataclass(slots=True)
class SourceFiles:
    """The files of one import; ``left`` is the number of bytes that the next ones may have together."""

    left: int = field(default_factory=lambda: MAX_BYTES)

    def read_json(self, file: Path, advice: str) -> Json:
        """Return the JSON value in a file; ``advice`` is a clause about how to write the file.

        Raises InvalidError, which names the file, if it is not JSON or too large, and OSError if it cannot be read.
        """
        with file.open("rb") as stream:
            content = self.read(str(file), stream)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise InvalidError(f"{file} is not JSON: {error}; {advice}.") from error

    def read(self, name: str, stream: BinaryIO, begin: bytes = b"") -> bytearray:
        """Return all bytes of a stream, of which ``begin`` is read already.

        Raises InvalidError, which has the ``name`` of the stream, if these are too many.
        """
        content = bytearray(begin)
        while chunk := stream.read(_CHUNK):
            content += chunk
            if len(content) > self.left:
                raise InvalidError(
                    f"{name} is too large: the files of one import may have {MAX_BYTES} bytes together. Import parts "
                    "of the source one after the other."
                )
        self.left -= len(content)
        return content


def first_line(stream: BinaryIO) -> bytes:
    """Return the next line of a stream, or its begin if it is long."""
    return stream.readline(MAX_LINE + 1)


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream; one with more than MAX_LINE bytes is cut after one byte more."""
    while line := first_line(stream):
        yield line
        rest = line if is_long(line) else b""
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(_CHUNK)


def is_long(line: bytes | bytearray) -> bool:
    """Return whether a line has more bytes than it may."""
    return len(line) > MAX_LINE


def long_line(location: str) -> ItemResult:
    """Return the result of a line that is too long."""
    reason = f"the line is too long; a line has at most {MAX_LINE} bytes, so write shorter values"
    return ItemResult(location, "INVALID", (reason,))
