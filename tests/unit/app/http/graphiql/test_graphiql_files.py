"""The files of the page: what is in the cache must be what the lock says."""

from hashlib import sha256
from pathlib import Path

import pytest

from app.http import npm_command
from app.http.graphiql import graphiql_files
from app.http.graphiql.graphiql_files import cached_files, fetch_files, locked_files
from app.settings import Settings
from policies.errors import ConfigurationError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with an empty cache."""
    return Settings.from_env({"MLG_CACHE_DIR": str(tmp_path)})


def test_the_lock_has_exact_versions_and_digests() -> None:
    """Each file is of one version of a package, and has a SHA-256."""
    assert {file.name for file in locked_files()} == {"graphiql.js", "graphiql.css", "react.js", "react-dom.js"}
    for file in locked_files():
        assert file.package.partition("@")[2].count(".") == 2
        assert len(bytes.fromhex(file.digest)) == 32


def test_a_changed_or_missing_file_is_not_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache counts only if every file in it has the digest of the lock."""
    lock = settings.cache_dir / "lock"
    lock.write_text("".join(f"{name} p@1.0.0 {name} {sha256(name.encode()).hexdigest()}\n" for name in ("a", "b")))
    files = locked_files(lock)
    monkeypatch.setattr(graphiql_files, "locked_files", lambda: files)
    for file in files:
        assert cached_files(settings) is None
        file.path(settings).parent.mkdir(parents=True)
        file.path(settings).write_text(file.name)
    assert cached_files(settings) == {"a": b"a", "b": b"b"}
    assert fetch_files(settings) == {"a": b"a", "b": b"b"}
    files[1].path(settings).write_text("b, changed")
    assert cached_files(settings) is None


def test_a_failing_npm_is_reported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the package and the words of npm."""
    npm = settings.cache_dir / "npm"
    npm.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(npm_command, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{settings.cache_dir}:/bin:/usr/bin")
    with pytest.raises(ConfigurationError, match=r"could not fetch graphiql@.*no such package"):
        fetch_files(settings)


def test_a_tarball_with_another_content_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that differs from the lock is not stored, and the error names it."""
    npm = settings.cache_dir / "npm"
    npm.write_text(
        '#!/bin/sh\nwhile [ "$1" != --pack-destination ]; do shift; done\n'
        'mkdir package && echo evil > package/graphiql.min.js && tar czf "$2/x.tgz" package\n'
    )
    npm.chmod(0o755)
    monkeypatch.setattr(npm_command, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{settings.cache_dir}:/bin:/usr/bin")
    with pytest.raises(ConfigurationError, match=r"graphiql\.min\.js of graphiql@.* differs from graphiql\.lock"):
        fetch_files(settings)
    assert not (settings.cache_dir / "graphiql").exists()
