"""The files of GraphiQL and React that the page loads: locked by SHA-256, fetched with npm, kept in ``MLG_CACHE_DIR``.

npm uses the registry that the machine is configured for. No script of a package runs.
"""

import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.http.npm_command import npm_command
from app.settings import Settings
from policies.errors import ConfigurationError

LOCK: Final = Path(__file__).with_name("graphiql.lock")


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One line of the lock: the file ``name``, in the tarball of the npm package ``package``, such as ``react@18.3.1``.

    ``member`` is its path in that tarball, below the folder ``package``. ``digest`` is its SHA-256 in hex.
    """

    name: str
    package: str
    member: str
    digest: str

    def path(self, settings: Settings) -> Path:
        """Return the path in the cache; it has a part of the digest, so that different locks share no file."""
        return settings.cache_dir / "graphiql" / self.digest[:16] / self.name

    def matches(self, content: bytes) -> bool:
        """Return whether a content has the digest of the lock."""
        return sha256(content).hexdigest() == self.digest


def locked_files(lock: Path = LOCK) -> list[LockedFile]:
    """Return the files of the lock."""
    return [LockedFile(*line.split()) for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def cached_files(settings: Settings) -> Mapping[str, bytes] | None:
    """Return the contents of all locked files by name, None if one is missing in the cache or differs from the lock."""
    contents: dict[str, bytes] = {}
    for file in locked_files():
        path = file.path(settings)
        content = path.read_bytes() if path.is_file() else b""
        if not file.matches(content):
            return None
        contents[file.name] = content
    return contents


def fetch_files(settings: Settings) -> Mapping[str, bytes]:
    """Return the contents of all locked files by name, from the cache, or from npm if `cached_files` returns None.

    Raises ConfigurationError if npm is missing or fails, or if a file differs from the lock.
    """
    if (cached := cached_files(settings)) is not None:
        return cached
    contents: dict[str, bytes] = {}
    with TemporaryDirectory(prefix="graphiql-") as folder:
        for package in dict.fromkeys(file.package for file in locked_files()):
            tarball = _pack(package, Path(folder))
            for file in locked_files():
                if file.package == package:
                    contents[file.name] = _extracted(tarball, file)
    for file in locked_files():
        _store(file.path(settings), contents[file.name])
    return contents


def _pack(package: str, folder: Path) -> Path:
    """Download the tarball of a package into a folder below ``folder`` and return its path.

    Raises ConfigurationError if npm is missing or fails.
    """
    target = folder / package
    target.mkdir()
    command = [
        *npm_command("fetches the files of GraphiQL"),
        "pack",
        package,
        "--ignore-scripts",
        "--silent",
        "--pack-destination",
        str(target),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - names of the lock
    tarballs = list(target.glob("*.tgz"))
    if done.returncode or len(tarballs) != 1:
        reason = done.stderr.strip()[-500:] or "no tarball"
        raise ConfigurationError(f"npm could not fetch {package}; check the registry that npm uses. Reason: {reason}")
    return tarballs[0]


def _extracted(tarball: Path, file: LockedFile) -> bytes:
    with tarfile.open(tarball) as archive:
        member = archive.extractfile(f"package/{file.member}")
        content = member.read() if member is not None else b""
    if not file.matches(content):
        raise ConfigurationError(
            f"{file.member} of {file.package} differs from {LOCK.name}, so nothing was installed. Check the registry "
            "that npm uses."
        )
    return content


def _store(path: Path, content: bytes) -> None:
    """Write a file in one step, because several processes may share the cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as folder:
        scratch = Path(folder) / path.name
        scratch.write_bytes(content)
        scratch.replace(path)
