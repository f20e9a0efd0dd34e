"""The manifest of a backup: its values as JSON, each of which has a form that is checked when a manifest is read.

A manifest may be damaged, or come from another machine. Its paths and digests become paths of files, and its schema and
digest are compared with those of a store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Self, TypeVar

import orjson

from app.store.embedded.index_files import INDEX_FOLDER
from app.store.errors import BackupError
from app.store.schema_stamp import DATA_FOLDER, checked_stamp
from graphql_schema.ports.record import JsonObject

ValueT = TypeVar("ValueT")

FORMAT: Final = 1
OTHER_FORM: Final = (
    "{path} has the form {found!r} of backups, and this program reads form {known}. Use the release of `mlg` that "
    "wrote it."
)
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_NO_NAMES: Final = frozenset({"", ".", ".."})
_STORED: Final = re.compile(rf"{DATA_FOLDER}/[0-9a-f]{{8}}\.jdb|{INDEX_FOLDER}/.+", re.DOTALL)
"""The paths of the files of data and index. Another file there, such as `je.properties`, would configure the store."""
_MAX_PART: Final = 255
"""Maximal bytes of a name in a folder; longer ones are refused by the usual file systems."""
_MAX_PATH: Final = 1_024
_RELEASE: Final = re.compile(r"[0-9A-Za-z.!+_-]{1,100}")
_SUM: Final = re.compile("[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of a backup: its SHA-256 in hex, its size in bytes, and the SHA-256 of its ends."""

    digest: str
    size: int
    ends: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A manifest. ``storage`` is the release of JanusGraph, and ``schema`` the schema stamp of the data.

    ``index`` states whether the backup has the index. ``digest`` is that of the data, None if it was not computed.
    """

    name: str
    release: str
    storage: str
    schema: JsonObject
    index: bool
    files: dict[str, BackupFile]
    digest: JsonObject | None = None

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files.values())

    def stored(self) -> bytes:
        """Return the manifest as JSON."""
        files = {path: [file.digest, file.size, file.ends] for path, file in sorted(self.files.items())}
        about = {"format": FORMAT, "name": self.name, "release": self.release, "storage": self.storage}
        rest = {"index": self.index, "digest": self.digest, "files": files, "schema": self.schema}
        return orjson.dumps(about | rest, option=orjson.OPT_INDENT_2)

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the backup of a manifest; raises `BackupError` if it is damaged or has another form."""
        try:
            found = orjson.loads(path.read_bytes())
            if found["format"] != FORMAT:
                raise BackupError(OTHER_FORM.format(path=path, found=found["format"], known=FORMAT))
            files = {_safe(name): _checked(*values) for name, values in found["files"].items()}
            _refuse_files_in_files(files)
            made = cls(
                _name_of(path, found["name"]),
                _release(found["release"]),
                _release(found["storage"]),
                checked_stamp(found["schema"]),
                _of_type(bool, found["index"]),
                files,
                None if found["digest"] is None else _digest(found["digest"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, IsADirectoryError) as error:
            raise BackupError(f"The manifest {path} is damaged; delete it, and use another backup.") from error
        return made


def _safe(name: str) -> str:
    """Return the path of a file within the store's folder.

    Raises ValueError if it is none of data or index, leads out of the folder, is not in its shortest form, or is too
    long.
    """
    if not _STORED.fullmatch(name):
        raise ValueError(name)
    parts = name.split("/")
    if any(part in _NO_NAMES or "\0" in part or len(part.encode()) > _MAX_PART for part in parts):
        raise ValueError(name)
    if len(name) > _MAX_PATH:
        raise ValueError(name)
    return name


def _refuse_files_in_files(files: Mapping[str, BackupFile]) -> None:
    """Raise ValueError if the path of a file leads through another file."""
    for name in files:
        if any(str(folder) in files for folder in PurePosixPath(name).parents):
            raise ValueError(name)


def _name_of(path: Path, name: str) -> str:
    """Return the name of a backup, which is in paths; raises ValueError if it is not that of the manifest."""
    if name != path.stem:
        raise ValueError(name)
    return name


def _checked(digest: str, size: int, ends: str) -> BackupFile:
    """Return a file whose digest, which is its name in the folder, is one; raises ValueError if a value is none."""
    if not (_DIGEST.fullmatch(digest) and _DIGEST.fullmatch(ends)) or type(size) is not int or size < 0:
        raise ValueError(digest)
    return BackupFile(digest, size, ends)


def _of_type(type_: type[ValueT], value: object) -> ValueT:
    """Return a value of a manifest; raises TypeError if it has another type."""
    if not isinstance(value, type_):
        raise TypeError(type_.__name__)
    return value


def _release(value: object) -> str:
    """Return the number of a release, which is in messages; raises ValueError if it has other characters."""
    if not isinstance(value, str) or not _RELEASE.fullmatch(value):
        raise ValueError(value)
    return value


def _digest(value: object) -> JsonObject:
    """Return the digest of a store: count and sum by label; raises ValueError or TypeError if it has another form."""
    found = _of_type(dict, value)
    for label, (count, total) in found.items():
        if not label.isprintable() or type(count) is not int or count < 0 or not _SUM.fullmatch(total):
            raise ValueError(label)
    return found
