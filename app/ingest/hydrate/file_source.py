"""What is read from files that their source writes again: read anew only after one of the files has changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from policies.errors import Code, CodedError

T = TypeVar("T")


@dataclass(slots=True)
class FileSource(Generic[T]):
    """The content of ``files``, as ``read`` returns it; a file may be absent."""

    files: Sequence[Path]
    read: Callable[[], T]
    _states: list[object] = field(default_factory=list, init=False)
    _content: list[T] = field(default_factory=list, init=False)

    def content(self) -> T:
        """Return the present content; raises the errors of ``read``, an OSError as STORE_UNAVAILABLE."""
        states = [_state_of(file) for file in self.files]
        if not self._content or states != self._states:
            try:
                self._content = [self.read()]
            except OSError as error:
                raise CodedError(f"{error}; the event is tried again later.", Code.STORE_UNAVAILABLE) from error
            self._states = states
        return self._content[0]


def _state_of(file: Path) -> object:
    """Return a value that changes when the file is written; None if it is absent."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
