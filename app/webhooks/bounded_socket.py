"""The socket to a receiver: what it receives is read in small parts, and ends after a number of bytes.

asyncio reads what has arrived, up to 256 KiB, and the parser of the HTTP client goes through all of it in one callback.
A receiver that sends thousands of interim responses, headers or chunks would so hold the event loop.
"""

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_PART: Final = 2_048
"""Bytes of a part: up to about a hundred of the smallest messages."""

MAX_RECEIVED: Final = 32 * 1_024
"""Bytes from one request to the next, the handshake of TLS included."""


class TooLongError(OSError):
    """A receiver has sent more than it may."""


class Allowance:
    """The number of bytes that may be received until it is renewed, for all connections of a receiver."""

    def __init__(self) -> None:
        self.left = MAX_RECEIVED

    def renew(self) -> None:
        """Let a whole response be received."""
        self.left = MAX_RECEIVED

    def part(self, size: int) -> int:
        """Return how many bytes may be read at once; raises TooLongError if none."""
        if self.left <= 0:
            raise TooLongError("The receiver sends too much.")
        return min(size or MAX_PART, MAX_PART, self.left)


class BoundedSocket(socket.socket):
    """A socket of asyncio whose reads are bounded by an allowance."""

    allowance: Allowance

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """See :meth:`socket.socket.recv`; raises TooLongError."""
        received = super().recv(self.allowance.part(bufsize), flags)
        self.allowance.left -= len(received)
        return received

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """See :meth:`socket.socket.recv_into`; raises TooLongError."""
        size = nbytes or memoryview(buffer).nbytes
        received = super().recv_into(buffer, self.allowance.part(size), flags)
        self.allowance.left -= received
        return received
