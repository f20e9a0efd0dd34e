"""A text stream that drops what cannot be written, for the log of the process.

structlog raises the error of its stream. A full disk under the log would then fail each request that logs a line, and
the watch that restarts the store.
"""

import io
import sys
from contextlib import suppress
from typing import TextIO


class LossyStream(io.TextIOBase):
    """Passes text on to a stream, unless that is closed; an OSError, such as a full disk, is ignored."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Write a text, as far as possible; return its length."""
        if not self._stream.closed:
            with suppress(OSError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if it can be."""
        if not self._stream.closed:
            with suppress(OSError):
                self._stream.flush()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return true."""
        return True


def drop_lost_output() -> None:
    """Replace the standard output and error of this process by lossy streams."""
    if not isinstance(sys.stdout, LossyStream):
        sys.stdout = LossyStream(sys.stdout)
    if not isinstance(sys.stderr, LossyStream):
        sys.stderr = LossyStream(sys.stderr)
