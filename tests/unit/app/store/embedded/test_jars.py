"""The cache of jars against an HTTP repository on loopback that serves one real jar."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console
from support.stores.janusgraph import store_settings

from app.settings import Settings
from app.store.embedded.jars import MavenFile, fetch_jars, locked_jars, missing_jars
from app.store.errors import JarError

SMALL = next(jar for jar in locked_jars() if jar.artifact == "jcabi-manifests")
CLOSED = "http://127.0.0.1:9"


@pytest.fixture(scope="module", autouse=True)
def _machine_cache() -> None:
    """Fill the cache of the machine, from which the tests copy."""
    fetch_jars(Settings.from_env(), Console(stderr=True))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a Maven repository with one jar; return its address and the path of the jar."""
    served = tmp_path / "repository" / Path(*SMALL.group.split("."), SMALL.artifact, SMALL.version)
    served.mkdir(parents=True)
    file = served / f"{SMALL.artifact}-{SMALL.version}.jar"
    file.write_bytes(real(SMALL).read_bytes())
    with serving(tmp_path / "repository") as url:
        yield url, file


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on a free port, and give its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def real(jar: MavenFile) -> Path:
    """Return the path of a jar in the cache of the machine."""
    return jar.path(Settings.from_env())


def damaged_cache(folder: Path, repository: str) -> Settings:
    """Return settings with a cache of the real jars, one of which has other bytes of the same size."""
    settings = store_settings(folder, MLG_CACHE_DIR=str(folder / "cache"), MLG_MAVEN_REPOSITORY=repository)
    for jar in locked_jars():
        path = jar.path(settings)
        path.parent.mkdir(parents=True)
        path.symlink_to(real(jar))
    path = SMALL.path(settings)
    path.unlink()
    path.write_bytes(b"x" * SMALL.size)
    return settings


def test_a_damaged_jar_is_fetched_again(tmp_path: Path, repository: tuple[str, Path]) -> None:
    """Only the damaged jar is fetched, from MLG_MAVEN_REPOSITORY, and the cache then has the locked bytes."""
    settings = damaged_cache(tmp_path, repository[0])
    assert missing_jars(settings) == [SMALL]
    output = StringIO()
    class_path = fetch_jars(settings, Console(file=output))
    assert SMALL.path(settings).read_bytes() == real(SMALL).read_bytes()
    assert missing_jars(settings) == []
    assert len(class_path) == len(set(class_path)) == len(locked_jars())
    assert "janusgraph, 1 files" in output.getvalue()


def test_a_wrong_jar_of_a_repository_is_refused(tmp_path: Path, repository: tuple[str, Path]) -> None:
    """A jar of the locked size with other bytes is refused and not stored in the cache."""
    repository[1].write_bytes(b"y" * SMALL.size)
    settings = damaged_cache(tmp_path, repository[0])
    with pytest.raises(JarError, match=rf"{SMALL} has .*sha256 {SMALL.sha256}.*MLG_MAVEN_REPOSITORY"):
        fetch_jars(settings, Console(file=StringIO()))
    assert SMALL.path(settings).read_bytes() == b"x" * SMALL.size
    assert [path.name for path in (settings.cache_dir / "jars").glob(".fetch-*")] == []


def test_a_lock_names_files_of_other_types(tmp_path: Path) -> None:
    """A line with an extension fetches the file of that type, which has a name of its own in the cache."""
    content = b"an archive"
    served = tmp_path / "repository" / "org" / "example" / "tool" / "1.2"
    served.mkdir(parents=True)
    (served / "tool-1.2.zip").write_bytes(content)
    lock = tmp_path / "tool.lock"
    lock.write_text(f"# A tool.\norg.example:tool:1.2@zip {sha256(content).hexdigest()} {len(content)}\n")
    output = StringIO()
    with serving(tmp_path / "repository") as url:
        settings = store_settings(tmp_path, MLG_CACHE_DIR=str(tmp_path / "cache"), MLG_MAVEN_REPOSITORY=url)
        (path,) = fetch_jars(settings, Console(file=output), lock)
    assert (path.name, path.read_bytes()) == ("tool-1.2.zip", content)
    assert "tool, 1 files" in output.getvalue()
    assert [str(file) for file in locked_jars(lock)] == ["org.example:tool:1.2@zip"]
    assert missing_jars(settings, lock) == []


def test_an_unreachable_repository_is_an_error(tmp_path: Path) -> None:
    """The error names the missing jar, the setting of the repository and the command to fetch jars."""
    settings = damaged_cache(tmp_path, CLOSED)
    with pytest.raises(JarError, match=rf"{SMALL} cannot be downloaded.*MLG_MAVEN_REPOSITORY.*mlg store fetch"):
        fetch_jars(settings, Console(file=StringIO()))


def test_a_complete_cache_needs_no_network(tmp_path: Path) -> None:
    """With every jar in the cache, an unreachable repository is not an error."""
    settings = damaged_cache(tmp_path, CLOSED)
    SMALL.path(settings).write_bytes(real(SMALL).read_bytes())
    assert len(fetch_jars(settings, Console(file=StringIO()))) == len(locked_jars())
