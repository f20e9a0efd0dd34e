"""The build of the explorer: made by npm from the folder ``web``, kept in ``MLG_CACHE_DIR`` by the hash of its sources.

A build has ``index.html``, the files below ``explorer/``, whose names contain a hash of their content, and
``persisted-documents.json``. Beside a file may be its content compressed by brotli (``.br``) and gzip (``.gz``).
"""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import app
from app.http.npm.npm_command import npm_command
from app.settings import Settings
from policies.errors import ConfigurationError

WEB: Final = Path(app.__file__).parents[1] / "web"
"""The folder of the sources."""

SCHEMA: Final = Path(app.__file__).parents[1] / "graphql_schema" / "schema.graphql"
"""The SDL, from which the build generates types."""

DOCUMENTS: Final = "persisted-documents.json"
"""The file of a build with the GraphQL documents of the explorer by their SHA-256."""

_NO_SOURCES: Final = {"node_modules", "dist", "generated", "test"}
"""Folders of `WEB` that do not change the build: what npm and the build write, and the tests."""

_TAIL: Final = 1_500
"""Number of the last characters of npm's output that an error contains."""


def sources_digest(web: Path = WEB) -> str:
    """Return the SHA-256 in hex of all paths and contents that determine the build."""
    found = sha256(SCHEMA.read_bytes())
    for path in sorted(web.rglob("*")):
        parts = path.relative_to(web).parts
        if path.is_file() and not _NO_SOURCES.intersection(parts):
            content = path.read_bytes()
            found.update(f"{'/'.join(parts)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def cached_build(settings: Settings, web: Path = WEB) -> Path | None:
    """Return the folder of the build of the present sources, None if there are no sources or no build."""
    if not web.is_dir():
        return None
    folder = settings.cache_dir / "explorer" / sources_digest(web)[:32]
    return folder if folder.is_dir() else None


def cached_documents(settings: Settings) -> list[Path]:
    """Return the file with the documents of the explorer; empty if there is no build."""
    build = cached_build(settings)
    return [] if build is None else [build / DOCUMENTS]


def build_explorer(settings: Settings, web: Path = WEB) -> Path:
    """Return the folder of the build, from the cache, or made by npm if `cached_build` returns None.

    Raises ConfigurationError if the sources or npm are missing, or if npm fails.
    """
    if not web.is_dir():
        raise ConfigurationError(f"{web} is missing: the explorer is built in a checkout. The API works without it.")
    cache = settings.cache_dir / "explorer"
    cache.mkdir(parents=True, exist_ok=True)
    with _one_process(cache):
        if (cached := cached_build(settings, web)) is not None:
            return cached
        install_packages(web)
        with TemporaryDirectory(prefix="build-", dir=cache) as scratch:
            _npm(web, "run", "build", EXPLORER_OUT=f"{scratch}/out")
            return Path(scratch, "out").rename(cache / sources_digest(web)[:32])


@contextmanager
def _one_process(cache: Path) -> Iterator[None]:
    """Wait until no other process builds; several would write the same folders below ``web``."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_packages(web: Path = WEB) -> None:
    """Install the locked packages, unless they are installed; raises ConfigurationError as :func:`build_explorer`."""
    lock, installed = web / "package-lock.json", web / "node_modules" / ".locked"
    if not installed.is_file() or installed.read_bytes() != lock.read_bytes():
        _npm(web, "ci", "--ignore-scripts")
        installed.write_bytes(lock.read_bytes())


def _npm(web: Path, *words: str, **variables: str) -> None:
    """Run npm in the folder of the sources; raises ConfigurationError with the end of its output if it fails."""
    command = [*npm_command("builds the explorer"), *words, "--loglevel=error"]
    environment = {**environ, "NO_COLOR": "1", **variables}
    done = subprocess.run(  # noqa: S603 - the words are constants
        command, cwd=web, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        advice = "check the registry that npm uses" if words[0] == "ci" else "correct the sources in web/"
        raise ConfigurationError(
            f"The explorer could not be built: `npm {' '.join(words)}` failed; {advice}. The API works without it. "
            f"Its output: {done.stdout.strip()[-_TAIL:]}"
        )
