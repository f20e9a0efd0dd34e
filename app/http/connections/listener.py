"""The listening socket: a bounded number of accepts per turn of the event loop, also without free descriptors."""

import errno
import os
import socket
from typing import Any, Final

from app.settings import MAX_PORT
from policies.errors import ConfigurationError

ACCEPTS_PER_TURN: Final = 16
"""Maximum of connections that the event loop accepts in one turn; the next turn counts them, or refuses them."""

_QUEUE: Final = 2048
_NO_DESCRIPTOR: Final = {errno.EMFILE, errno.ENFILE}


class Listener(socket.socket):
    """A listening TCP socket that disconnects the next client when the process has no free descriptor.

    asyncio would log the error for each accept of a turn, and try again a second later. A spare descriptor is given up
    for as long as it takes to accept the connection and to close it, so that the queue of the kernel becomes shorter.
    ``shared``, a flag: other processes may bind to the same port.
    """

    def __init__(self, family: socket.AddressFamily = socket.AF_INET, *, shared: bool = False) -> None:
        # asyncio sets TCP_NODELAY on sockets of this protocol only; without it a body waits 40 ms for an ACK
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:  # otherwise the address would include those of IPv4
            self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self._spare: int | None = _spare()

    def listen(self, _backlog: int = _QUEUE, /) -> None:
        """Listen with a queue of `_QUEUE` connections; the argument, asyncio's accepts per turn, is ignored."""
        super().listen(_QUEUE)

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection and its address.

        Raises BlockingIOError if there is none, or if it was closed because there is no descriptor for it.
        """
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _NO_DESCRIPTOR or self._spare is None:
                raise
        self._drop_next()
        raise BlockingIOError(errno.EAGAIN, "no free descriptor")

    def close(self) -> None:
        """Close the socket and its spare descriptor."""
        super().close()
        spare, self._spare = self._spare, None
        if spare is not None:
            os.close(spare)

    def _drop_next(self) -> None:
        """Accept the next connection with the spare descriptor, and close it."""
        assert self._spare is not None  # noqa: S101 - checked by the caller
        os.close(self._spare)
        self._spare = None
        try:
            super().accept()[0].close()
        finally:
            self._spare = _spare()


def _spare() -> int | None:
    """Return a descriptor of the null device; None if there is none."""
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def bound_listener(host: str, port: int, *, shared: bool = False) -> Listener:
    """Return a listener that is bound to ``host``, over IPv4 if it has such an address, and to ``port``.

    If ``shared``, other processes may bind to the port with the same flag; the kernel spreads connections over them.

    Raises ConfigurationError if the host or the port cannot be used.
    """
    listener: Listener | None = None
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listener = Listener(family, shared=shared)
        listener.bind(address)
    except OSError as error:
        if listener is not None:
            listener.close()
        other = port + 1 if port < MAX_PORT else port - 1
        raise ConfigurationError(
            f"Port {port} of {host} cannot be used ({error.strerror}). Stop the process that uses the port, choose "
            f"another port such as MLG_PORT={other}, or correct MLG_HOST."
        ) from None
    return listener
