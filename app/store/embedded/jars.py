"""The jars of JanusGraph: locked by coordinate, size and SHA-256, fetched with jgo, cached outside the work tree.

jgo knows Maven's public default and its own configuration file; `MLG_MAVEN_REPOSITORY` names another repository.
What it downloads lands in a staging folder and moves into the cache only when it is what the lock says.
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

LOCK: Final = Path(__file__).with_name("janusgraph.lock")
_AT_ONCE: Final = 8
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    def path(self, settings: Settings) -> Path:
        """Where the jar lies in the cache; the digest in the path keeps two locks from sharing a file."""
        return settings.cache_dir / "jars" / self.sha256[:16] / f"{self.artifact}-{self.version}.jar"

    def fits(self, path: Path) -> bool:
        """Tell whether the file has the size and the SHA-256 of the lock."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == self.sha256


def locked_jars(lock: Path = LOCK) -> list[Jar]:
    """Read the lock: `group:artifact:version sha256 bytes` a line, `#` for comments."""
    return [_locked(line) for line in lock.read_text().splitlines() if line and not line.startswith("#")]


def _locked(line: str) -> Jar:
    coordinate, digest, size = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, digest, int(size))


def missing_jars(settings: Settings) -> list[Jar]:
    """Return the locked jars that are absent from the cache or damaged there (reads every file: about 0.1 s)."""
    return [jar for jar in locked_jars() if not jar.fits(jar.path(settings))]


def fetch_jars(settings: Settings, console: Console) -> list[Path]:
    """Return the class path, verified; downloads what is missing or damaged. Raises JarError."""
    if missing := missing_jars(settings):
        with _progress(console, sum(jar.size for jar in missing), len(missing)) as advance:
            _download_all(missing, settings, advance)
    return [jar.path(settings) for jar in locked_jars()]


def _download_all(jars: list[Jar], settings: Settings, advance: Callable[[int], None]) -> None:
    jar_folder = settings.cache_dir / "jars"
    jar_folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=jar_folder, prefix=".fetch-") as staging, ThreadPoolExecutor(_AT_ONCE) as pool:
        maven = _maven(settings, Path(staging), advance)
        try:
            list(pool.map(lambda jar: _download(jar, jar.path(settings), maven), jars))
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


def _download(jar: Jar, path: Path, maven: MavenContext) -> None:
    """Put one jar into the cache; a connection that breaks is tried again, a wrong file is not."""
    artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            arrived = artifact.resolve()
            break
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's are RuntimeErrors
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)
            if attempt == _ATTEMPTS:
                raise JarError(
                    f"{jar} cannot be fetched: {error}. Check the network, or name a Maven repository "
                    "that can be reached in MLG_MAVEN_REPOSITORY, and run `mlg store fetch`."
                ) from error
    if not jar.fits(arrived):
        raise JarError(
            f"{jar} arrived with {arrived.stat().st_size} bytes and is not the file of the lock "
            f"({jar.size} bytes, sha256 {jar.sha256}). It was thrown away; check MLG_MAVEN_REPOSITORY."
        )
    path.parent.mkdir(exist_ok=True)
    arrived.replace(path)


@contextmanager
def _progress(console: Console, total: int, count: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(f"JanusGraph, {count} jars", total=total)
        yield lambda size: progress.advance(task, size)
