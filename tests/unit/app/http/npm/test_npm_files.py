"""The files of others that pages load: what is in the cache must be what the lock says."""

from hashlib import sha256
from pathlib import Path

import pytest

from app.http.npm import npm_command
from app.http.npm.npm_files import cached, fetched, locked_files
from policies.errors import ConfigurationError


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Return a lock with the files `a` and `b` of one package, each of which contains its name."""
    path = tmp_path / "files.lock"
    lines = [f"{name} p@1.0.0 {name}.min.js {sha256(name.encode()).hexdigest()}\n" for name in ("a", "b")]
    path.write_text("".join(["# name, package, path, SHA-256\n", *lines]))
    return path


def npm_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a script in the place of npm."""
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{does}\n")
    npm.chmod(0o755)
    monkeypatch.setattr(npm_command, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def tarball_with(a: str, b: str) -> str:
    """Return the text of a script that packs the two files with these contents, as npm does."""
    return (
        'while [ "$1" != --pack-destination ]; do shift; done\n'
        f"mkdir package && printf {a} > package/a.min.js && printf {b} > package/b.min.js\n"
        'tar czf "$2/x.tgz" package'
    )


def test_a_changed_or_missing_file_is_not_used(lock: Path, tmp_path: Path) -> None:
    """The cache counts only if every file in it has the digest of the lock."""
    files = locked_files(lock)
    for file in files:
        assert cached(lock, tmp_path) is None
        file.path(tmp_path).parent.mkdir(parents=True)
        file.path(tmp_path).write_text(file.name)
    assert cached(lock, tmp_path) == {"a": b"a", "b": b"b"}
    assert fetched(lock, tmp_path) == {"a": b"a", "b": b"b"}
    files[1].path(tmp_path).write_text("b, changed")
    assert cached(lock, tmp_path) is None


def test_files_of_a_tarball_are_kept(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What npm delivers as the lock says is returned, and is in the cache afterwards."""
    npm_that(tarball_with("a", "b"), tmp_path, monkeypatch)
    assert fetched(lock, tmp_path / "cache") == {"a": b"a", "b": b"b"}
    assert cached(lock, tmp_path / "cache") == {"a": b"a", "b": b"b"}


def test_a_failing_npm_is_reported(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the package and the words of npm."""
    npm_that("echo no such package >&2; exit 1", tmp_path, monkeypatch)
    with pytest.raises(ConfigurationError, match=r"could not fetch p@1.*no such package"):
        fetched(lock, tmp_path / "cache")


def test_a_tarball_with_another_content_is_refused(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that differs from the lock is not stored, and the error names it."""
    npm_that(tarball_with("a", "evil"), tmp_path, monkeypatch)
    with pytest.raises(ConfigurationError, match=r"b\.min\.js of p@1\.0\.0 differs from files\.lock"):
        fetched(lock, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
