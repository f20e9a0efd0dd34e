"""Files of others that pages load: locked by SHA-256, fetched with npm, kept in a folder of the cache.

npm uses the registry that the machine is configured for. No script of a package runs.
"""

import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from app.http.npm.npm_command import npm_command
from policies.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One line of the lock: the file ``name``, in the tarball of the npm package ``package``, such as ``react@18.3.1``.

    ``member`` is its path in that tarball, below the folder ``package``. ``digest`` is its SHA-256 in hex.
    """

    name: str
    package: str
    member: str
    digest: str

    def path(self, folder: Path) -> Path:
        """Return the path below a folder; it has a part of the digest, so that different locks share no file."""
        return folder / self.digest[:16] / self.name

    def matches(self, content: bytes) -> bool:
        """Return whether a content has the digest of the lock."""
        return sha256(content).hexdigest() == self.digest


def locked_files(lock: Path) -> list[LockedFile]:
    """Return the files of a lock, in which a line that begins with ``#`` is a comment."""
    return [LockedFile(*line.split()) for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def cached(lock: Path, folder: Path) -> Mapping[str, bytes] | None:
    """Return the contents of the files by name, None if one is missing in ``folder`` or differs from the lock."""
    contents: dict[str, bytes] = {}
    for file in locked_files(lock):
        path = file.path(folder)
        content = path.read_bytes() if path.is_file() else b""
        if not file.matches(content):
            return None
        contents[file.name] = content
    return contents


def fetched(lock: Path, folder: Path) -> Mapping[str, bytes]:
    """Return the contents of all locked files by name, from ``folder``, or from npm if `cached` returns None.

    Raises ConfigurationError if npm is missing or fails, or if a file differs from the lock.
    """
    if (found := cached(lock, folder)) is not None:
        return found
    contents: dict[str, bytes] = {}
    files = locked_files(lock)
    with TemporaryDirectory(prefix="npm-") as scratch:
        for package in dict.fromkeys(file.package for file in files):
            tarball = _pack(package, Path(scratch), lock.stem)
            for file in files:
                if file.package == package:
                    contents[file.name] = _extracted(tarball, file, lock)
    for file in files:
        _store(file.path(folder), contents[file.name])
    return contents


def _pack(package: str, folder: Path, purpose: str) -> Path:
    """Download the tarball of a package into a folder below ``folder`` and return its path.

    Raises ConfigurationError if npm is missing or fails.
    """
    target = folder / package
    target.mkdir(parents=True)
    command = [
        *npm_command(f"fetches the files of {purpose}"),
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


def _extracted(tarball: Path, file: LockedFile, lock: Path) -> bytes:
    with tarfile.open(tarball) as archive:
        member = archive.extractfile(f"package/{file.member}")
        content = member.read() if member is not None else b""
    if not file.matches(content):
        raise ConfigurationError(
            f"{file.member} of {file.package} differs from {lock.name}, so nothing was installed. Check the registry "
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
