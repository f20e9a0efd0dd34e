"""Files of a Maven repository: locked by coordinate, size and SHA-256, downloaded with jgo, cached in `MLG_CACHE_DIR`.

The repository is `MLG_MAVEN_REPOSITORY`, else that of jgo's configuration file, else jgo's default. A download goes to
a staging folder first and moves into the cache only if it matches the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from app.settings import Settings
from app.store.errors import JarError

JAR_LOCK: Final = Path(__file__).with_name("janusgraph.lock")
_PARALLEL_DOWNLOADS: Final = 8
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class MavenFile:
    """One file of a lock; ``size`` is in bytes."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int
    extension: str = "jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}" + (
            "" if self.extension == "jar" else f"@{self.extension}"
        )

    def path(self, settings: Settings) -> Path:
        """Return the path of the file in the cache.

        The path contains a part of the digest, so that different locks never share a file.
        """
        name = f"{self.artifact}-{self.version}.{self.extension}"
        return settings.cache_dir / "jars" / self.sha256[:16] / name

    def matches(self, path: Path) -> bool:
        """Return whether the file at ``path`` exists and has the size and SHA-256 of the lock."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == self.sha256


def locked_jars(lock: Path = JAR_LOCK) -> list[MavenFile]:
    """Return the files of a lock file: one `group:artifact:version[@extension] sha256 bytes` per line.

    The extension is `jar` if a line has none. Lines that start with `#` are comments.
    """
    return [_parse_line(line) for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def _parse_line(line: str) -> MavenFile:
    coordinate, digest, size = line.split()
    name, _, extension = coordinate.partition("@")
    group, artifact, version = name.split(":")
    return MavenFile(group, artifact, version, digest, int(size), extension or "jar")


def missing_jars(settings: Settings, lock: Path = JAR_LOCK) -> list[MavenFile]:
    """Return the files of a lock that are missing in the cache or damaged; reads every file, about 0.1 s for 50 MB."""
    return [file for file in locked_jars(lock) if not file.matches(file.path(settings))]


def fetch_jars(settings: Settings, console: Console, lock: Path = JAR_LOCK) -> list[Path]:
    """Return the paths of all files of a lock in the cache, verified, after downloading missing and damaged files.

    ``console`` shows the progress. Raises `JarError` if a file cannot be downloaded or differs from the lock.
    """
    if missing := missing_jars(settings, lock):
        with _progress(console, lock.stem, missing) as advance:
            _download_all(missing, settings, advance)
    return [file.path(settings) for file in locked_jars(lock)]


def _download_all(files: list[MavenFile], settings: Settings, advance: Callable[[int], None]) -> None:
    jar_folder = settings.cache_dir / "jars"
    jar_folder.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=jar_folder, prefix=".fetch-") as staging,
        ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool,
    ):
        maven = _maven(settings, Path(staging), advance)
        try:
            list(pool.map(lambda file: _download(file, file.path(settings), maven), files))
        except JarError:
            pool.shutdown(cancel_futures=True)
            raise


def _maven(settings: Settings, staging: Path, advance: Callable[[int], None]) -> MavenContext:
    @contextmanager
    def report(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    chosen = {"chosen": settings.maven_repository.rstrip("/")} if settings.maven_repository else None
    return MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=staging,
        remote_repos=chosen or GlobalSettings.load().repositories or None,
    )


def _download(file: MavenFile, path: Path, maven: MavenContext) -> None:
    """Download one file into the cache at ``path``.

    A failed download is retried. A file that differs from the lock is not, because the repository would send it again.
    Raises JarError for such a file, and after the last attempt.
    """
    component = maven.project(file.group, file.artifact).at_version(file.version)
    artifact = component.artifact(packaging=file.extension)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            downloaded = artifact.resolve()
            break
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's are RuntimeErrors
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)
            if attempt == _ATTEMPTS:
                raise JarError(
                    f"{file} cannot be downloaded: {error}. Check the network, or set MLG_MAVEN_REPOSITORY to a Maven "
                    "repository that can be reached, then run `mlg store fetch`."
                ) from error
    if not file.matches(downloaded):
        raise JarError(
            f"The downloaded file for {file} has {downloaded.stat().st_size} bytes and differs from the lock "
            f"({file.size} bytes, sha256 {file.sha256}), so the file was discarded. Check MLG_MAVEN_REPOSITORY."
        )
    path.parent.mkdir(exist_ok=True)
    downloaded.replace(path)


@contextmanager
def _progress(console: Console, name: str, files: list[MavenFile]) -> Iterator[Callable[[int], None]]:
    """Show a progress bar for the files of the lock ``name``; yield the function that adds downloaded bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(f"{name}, {len(files)} files", total=sum(file.size for file in files))
        yield lambda size: progress.advance(task, size)
