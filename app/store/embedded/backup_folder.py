"""A folder with backups of the embedded store: a manifest for each, and the files that they share.

```
DIR/mlg-backups.json         marks the folder, with the version of its form
DIR/20261127T004500.123Z.json  a manifest: the files of one backup, by their path in the store
DIR/files/9f86d0…            the files, named by their SHA-256
```

The files of the store are unchangeable, so a backup copies only those that no earlier manifest has. A file counts as
the same if its path, its size, and its first and last bytes are equal. These contain the instant at which the file
was begun. A manifest is written last, so an interrupted backup does not exist.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

import orjson

from app.store.embedded.backup_manifest import FORMAT, OTHER_FORM, Backup, BackupFile
from app.store.errors import BackupError
from app.store.schema_stamp import DATA_FOLDER

MARKER: Final = "mlg-backups.json"
FILES: Final = "files"
OWNER_ONLY: Final = 0o700
"""Mode of the folder, which contains the data of all tenants."""
_CHUNK: Final = 1 << 20
_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{3}Z", re.ASCII)
_END: Final = 4096
"""Bytes at both ends of a file that identify it."""


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A new backup, and how much of it was copied: number of files and bytes."""

    backup: Backup
    copied: int
    copied_bytes: int


class BackupFolder:
    """The backups in one folder; made with `create` or `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return an existing folder of backups; raises `BackupError` if it is none, damaged, or of another form."""
        marker = path / MARKER
        try:
            found = orjson.loads(marker.read_bytes())["format"]
        except (FileNotFoundError, NotADirectoryError):
            raise BackupError(
                f"{path} contains no backups: it has no file {MARKER}. Name the folder that was given to "
                "`mlg store backup`."
            ) from None
        except (orjson.JSONDecodeError, KeyError, TypeError, IsADirectoryError) as error:
            raise BackupError(
                f"The file {marker} is damaged. Restore it from a copy, or use another backup."
            ) from error
        if found != FORMAT:
            raise BackupError(OTHER_FORM.format(path=path, found=found, known=FORMAT))
        return cls(path)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Return the folder, and make it if it is absent or empty.

        Raises `BackupError` if its content is not that of a folder of backups, and as `open`.
        """
        if (path / MARKER).exists():
            return cls.open(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise BackupError(
                f"{path} is not a folder of backups, and is not empty. Name an empty folder, a new one, or the folder "
                "of earlier backups."
            )
        (path / FILES).mkdir(parents=True)
        path.chmod(OWNER_ONLY)
        _write(path / MARKER, orjson.dumps({"format": FORMAT}))
        return cls(path)

    def backups(self) -> list[Backup]:
        """Return all backups, the oldest first; raises `BackupError` if a manifest is damaged or of another form."""
        return [Backup.of(path) for path in sorted(self.path.glob("*.json")) if path.name != MARKER]

    def named(self, name: str = "") -> Backup:
        """Return the backup with a name, the newest one without a name.

        Raises `BackupError` if there is none, or if any manifest in the folder is damaged or of another form.
        """
        found = [each for each in self.backups() if not name or each.name == name]
        if not found:
            there = ", ".join(each.name for each in self.backups()) or "none"
            missing = f"no backup {name}" if name else "no complete backup"
            raise BackupError(f"{self.path} contains {missing}; it has: {there}.")
        return found[-1]

    def next_name(self, now: datetime) -> str:
        """Return the name of a new backup, which is greater than all names of backups in the folder.

        It is the instant ``now``, or one millisecond after the newest name if the clock was ahead then.
        """
        newest = max((path.stem for path in self.path.glob("*.json") if _is_name(path.stem)), default="")
        name = _name_at(now)
        return name if name > newest else _name_at(instant_of(newest) + timedelta(milliseconds=1))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder; raises `BackupError` if another process writes a backup there."""
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"Another process writes a backup to {self.path}; wait until it has ended.") from None
            yield

    def missing(self, sources: Mapping[str, Path]) -> dict[str, Path]:
        """Return those of the files ``sources``, by their path in the store, that no earlier backup has."""
        known = self._known()
        return {name: path for name, path in sources.items() if _identity(name, path) not in known}

    def add(self, about: Backup, sources: Mapping[str, Path], report: Callable[[int], None]) -> BackupResult:
        """Copy what is missing of ``sources``, write the manifest, and return the backup with the amounts copied.

        ``about`` has the values of the manifest except its files. ``report`` gets the bytes of each part that was
        copied. Raises `BackupError` if the disk is full.
        """
        known, files, copied = self._known(), dict[str, BackupFile](), 0
        missing = self.missing(sources)
        self._require_space(sum(path.stat().st_size for path in missing.values()))
        for name, path in sources.items():
            same = known.get(_identity(name, path))
            if same is None:
                copied += path.stat().st_size
            files[name] = same or self._copy(path, report)
        backup = replace(about, files=files)
        self.write(backup)
        return BackupResult(backup, len(missing), copied)

    def write(self, backup: Backup) -> None:
        """Write or replace a manifest."""
        with _disk_errors(self.path):
            _write(self.path / f"{backup.name}.json", backup.stored())

    def keep(self, count: int) -> int:
        """Delete all but the newest ``count`` backups, and all files that none of these has.

        Return the number of deleted backups. ``count`` is at least 1.
        """
        old = self.backups()[:-count]
        for backup in old:
            (self.path / f"{backup.name}.json").unlink()
        used = {file.digest for backup in self.backups() for file in backup.files.values()}
        for path in (self.path / FILES).iterdir():
            if path.name not in used:
                path.unlink()
        return len(old)

    def extract(self, backup: Backup, target: Path, report: Callable[[int], None]) -> None:
        """Copy the files of a backup into ``target``, and compare each with its size and its SHA-256.

        ``report`` gets the bytes of each part. Raises `BackupError` if there are no data, a file is absent or damaged,
        or the disk is full.
        """
        if not any(name.startswith(f"{DATA_FOLDER}/") for name in backup.files):
            raise BackupError(f"The backup {backup.name} has no data; use another backup.")
        for name, file in backup.files.items():
            source, copy = self.path / FILES / file.digest, target / name
            if not source.is_file():
                raise BackupError(f"The file {source} of the backup {backup.name} is absent; use another backup.")
            if source.stat().st_size != file.size:
                raise BackupError(_DAMAGED.format(source=source, name=backup.name))
            with _disk_errors(target):
                copy.parent.mkdir(parents=True, exist_ok=True)
                digest = _copied(source, copy, report)
            if digest != file.digest:
                raise BackupError(_DAMAGED.format(source=source, name=backup.name))

    def _known(self) -> dict[tuple[str, int, str], BackupFile]:
        """Return the files of all backups, of those that still exist, by path, size and ends."""
        return {
            (name, file.size, file.ends): file
            for backup in self.backups()
            for name, file in backup.files.items()
            if (self.path / FILES / file.digest).is_file()
        }

    def _copy(self, source: Path, report: Callable[[int], None]) -> BackupFile:
        part = self.path / FILES / f"{source.name}.part"
        with _disk_errors(self.path):
            try:
                digest = _copied(source, part, report)
                part.replace(self.path / FILES / digest)
            finally:
                part.unlink(missing_ok=True)
        return BackupFile(digest, source.stat().st_size, _ends(source))

    def _require_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise BackupError(
                f"The disk of {self.path} has too little free space: {needed:,} bytes are needed, and {free:,} are "
                "free. Free space there, or name a folder on another disk."
            )


_DAMAGED: Final = "The file {source} of the backup {name} is damaged; use another backup."
_FULL: Final = "The disk of {path} is full: free space there, or name a folder on another disk."


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Raise an error of a full disk or a full quota as `BackupError`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise BackupError(_FULL.format(path=path)) from error
        raise


def instant_of(name: str) -> datetime:
    """Return the instant in the name of a backup."""
    return datetime.strptime(name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def _is_name(text: str) -> bool:
    """Return whether a text is the name of a backup, that is an instant of the calendar."""
    try:
        return _NAME.fullmatch(text) is not None and bool(instant_of(text))
    except ValueError:
        return False


def _name_at(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


def _identity(name: str, path: Path) -> tuple[str, int, str]:
    return name, path.stat().st_size, _ends(path)


def _ends(path: Path) -> str:
    """Return the SHA-256 of the first and the last bytes of a file."""
    with path.open("rb") as file:
        first = file.read(_END)
        file.seek(max(0, path.stat().st_size - _END))
        return sha256(first + file.read(_END)).hexdigest()


def _copied(source: Path, target: Path, report: Callable[[int], None]) -> str:
    """Copy a file to the disk, and return its SHA-256."""
    found = sha256()
    with source.open("rb") as given, target.open("wb") as copy:
        while chunk := given.read(_CHUNK):
            found.update(chunk)
            copy.write(chunk)
            report(len(chunk))
        copy.flush()
        os.fsync(copy.fileno())
    return found.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write a file that is either complete or absent."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
