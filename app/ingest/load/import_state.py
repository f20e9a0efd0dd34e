"""The state of an import in a local file: the registered assets of a source, with a digest of each.

The next import with the file leaves out what has not changed, continues after an interruption, and finds registered
assets that the source no longer has. The file has digests and ids, no values. Because a reader can test guesses of
values with it, a new file is readable by its owner only.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.ingest.shown_address import without_credentials
from policies.errors import Code, CodedError

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, foreign_id TEXT NOT NULL, digest BLOB NOT NULL,
  round INTEGER NOT NULL, retired INTEGER NOT NULL
) WITHOUT ROWID;
"""


_PAGE: Final = 500


class ImportStateError(CodedError):
    """The file of the state cannot be used: the message says why, and what to do."""

    code = Code.INVALID


@dataclass(frozen=True, slots=True)
class StateEntry:
    """A registered asset: its id and kind, its id in the source, and whether an import retired it.

    The entry of an alias that was set has the key of the alias as id, and the kind `alias`.
    """

    id: str
    kind: str
    foreign_id: str
    retired: bool


class ImportState:
    """The state of one import; use it as a context manager. Without a file it is deleted at the end.

    ``source`` is the address of the source, ``as`` and the namespace, and ``target`` is the address of the API. A file
    is valid for one pair of them. They are stored and shown without credentials.
    """

    def __init__(self, file: Path | None, source: str, target: str) -> None:
        self._file = file
        self._about = {"format": "1", **_shown(source, target)}
        self._round = 1

    def __enter__(self) -> Self:
        """Open or create the file; raises OSError if that is not permitted.

        Raises ImportStateError if the file is of another source or target, in use by a running import, or no state.
        """
        try:
            self._open()
        except sqlite3.Error as error:
            raise ImportStateError(
                f"{self._file} cannot be used ({error}). If another import runs with it, wait; else give another file."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    def digests(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Return the stored digest of each id that has an entry."""
        select = "SELECT id, digest FROM entries WHERE id = ?"
        return {urn: digest for each in ids for urn, digest in self._store.execute(select, (each,))}

    def entry(self, urn: str) -> StateEntry | None:
        """Return the entry of an id, None without one."""
        return next(self._entries("WHERE id = ?", urn), None)

    def record(self, entries: Iterable[tuple[StateEntry, bytes]]) -> None:
        """Store or replace entries with their digests, as seen by this import, in one transaction."""
        rows = [(e.id, e.kind, e.foreign_id, digest, self._round, int(e.retired)) for e, digest in entries]
        with self._store:
            self._store.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)

    def forget(self, urn: str) -> None:
        """Delete the entry of an id."""
        with self._store:
            self._store.execute("DELETE FROM entries WHERE id = ?", (urn,))

    def see(self, ids: Iterable[str]) -> None:
        """Mark the entries of ids as seen by this import; an id without an entry is ignored."""
        with self._store:
            self._store.executemany("UPDATE entries SET round = ? WHERE id = ?", [(self._round, each) for each in ids])

    def unseen(self) -> Iterator[StateEntry]:
        """Yield the entries that this import has not seen, ordered by id; entries may be recorded in between."""
        last = ""
        where = f"WHERE round < ? AND id > ? ORDER BY id LIMIT {_PAGE}"
        while page := [*self._entries(where, self._round, last)]:
            yield from page
            last = page[-1].id

    def _open(self) -> None:
        if self._file is not None:
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
        self._store = sqlite3.connect("" if self._file is None else self._file, timeout=0)
        self._store.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._store.execute("PRAGMA secure_delete = ON")  # a replaced credential would stay in the file otherwise
        self._store.executescript(_TABLES)
        stored: dict[str, str] = dict(self._store.execute("SELECT key, value FROM about"))
        self._round = int(stored.pop("round", "0")) + 1
        stored |= _shown(stored["source"], stored["target"]) if stored else {}  # older releases stored some credentials
        if stored and stored != self._about:
            self._store.close()
            raise ImportStateError(
                f"{self._file} is the state of an import from {stored.get('source')} to {stored.get('target')}; give "
                "another file for another source, namespace or target."
            )
        with self._store:
            about = {**self._about, "round": str(self._round)}
            self._store.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())

    def _entries(self, where: str, *values: object) -> Iterator[StateEntry]:
        select = f"SELECT id, kind, foreign_id, retired FROM entries {where}"  # noqa: S608 - of constants
        for urn, kind, foreign_id, retired in self._store.execute(select, values):
            yield StateEntry(urn, kind, foreign_id, bool(retired))


def _shown(source: str, target: str) -> dict[str, str]:
    """Return source and target as they are stored, without credentials."""
    address, separator, namespace = source.rpartition(" as ")
    shown = f"{without_credentials(address)}{separator}{namespace}" if separator else source
    return {"source": shown, "target": without_credentials(target)}
