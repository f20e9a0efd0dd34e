"""The jar cache against a real HTTP repository on loopback that serves the real jars."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console
from support.stores.janusgraph import store_settings

from app.settings import Settings
from app.store.embedded.jars import Jar, fetch_jars, locked_jars, missing_jars
from app.store.errors import JarError

SMALL = next(jar for jar in locked_jars() if jar.artifact == "jcabi-manifests")
CLOSED = "http://127.0.0.1:9"


@pytest.fixture(scope="module", autouse=True)
def _machine_cache() -> None:
    """Fill the machine's cache, which the tests copy from."""
    fetch_jars(Settings.from_env(), Console(stderr=True))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a Maven repository that holds one jar; return its address and the jar's file."""
    served = tmp_path / "repository" / Path(*SMALL.group.split("."), SMALL.artifact, SMALL.version)
    served.mkdir(parents=True)
    file = served / f"{SMALL.artifact}-{SMALL.version}.jar"
    file.write_bytes(real(SMALL).read_bytes())
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "repository"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", file
        server.shutdown()


def real(jar: Jar) -> Path:
    """Return the jar in the machine's cache."""
    return jar.path(Settings.from_env())


def damaged_cache(folder: Path, repository: str) -> Settings:
    """Make a cache of the real jars in which one is damaged without a change of its size."""
    settings = store_settings(folder, MLG_CACHE_DIR=str(folder / "cache"), MLG_MAVEN_REPOSITORY=repository)
    for jar in locked_jars():
        path = jar.path(settings)
        path.parent.mkdir(parents=True)
        path.symlink_to(real(jar))
    path = SMALL.path(settings)
    path.unlink()
    path.write_bytes(b"x" * SMALL.size)
    return settings


def test_damaged_jar_is_fetched_again(tmp_path: Path, repository: tuple[str, Path]) -> None:
    """Only the damaged jar is fetched, from the repository of MLG_MAVEN_REPOSITORY, and is then the locked one."""
    settings = damaged_cache(tmp_path, repository[0])
    assert missing_jars(settings) == [SMALL]
    seen = StringIO()
    class_path = fetch_jars(settings, Console(file=seen))
    assert SMALL.path(settings).read_bytes() == real(SMALL).read_bytes()
    assert missing_jars(settings) == []
    assert len(class_path) == len(set(class_path)) == 83
    assert "1 jars" in seen.getvalue()


def test_wrong_jar_of_a_repository_is_refused(tmp_path: Path, repository: tuple[str, Path]) -> None:
    """A jar of the right size and other content never reaches the cache."""
    repository[1].write_bytes(b"y" * SMALL.size)
    settings = damaged_cache(tmp_path, repository[0])
    with pytest.raises(JarError, match=rf"{SMALL} has .*sha256 {SMALL.sha256}.*MLG_MAVEN_REPOSITORY"):
        fetch_jars(settings, Console(file=StringIO()))
    assert SMALL.path(settings).read_bytes() == b"x" * SMALL.size
    assert [path.name for path in (settings.cache_dir / "jars").glob(".fetch-*")] == []


def test_unreachable_repository_is_explained(tmp_path: Path) -> None:
    """Without a repository a missing jar is an error that names the jar and the way out."""
    settings = damaged_cache(tmp_path, CLOSED)
    with pytest.raises(JarError, match=rf"{SMALL} cannot be downloaded.*MLG_MAVEN_REPOSITORY.*mlg store fetch"):
        fetch_jars(settings, Console(file=StringIO()))


def test_whole_cache_needs_no_network(tmp_path: Path) -> None:
    """When every jar is there the repository is not asked."""
    settings = damaged_cache(tmp_path, CLOSED)
    SMALL.path(settings).write_bytes(real(SMALL).read_bytes())
    assert len(fetch_jars(settings, Console(file=StringIO()))) == 83
