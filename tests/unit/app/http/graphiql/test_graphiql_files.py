"""The files of GraphiQL: their lock, and where they are kept."""

from pathlib import Path

import pytest

from app.http.graphiql.graphiql_files import LOCK, cached_files, fetch_files
from app.http.npm import npm_command
from app.http.npm.npm_files import locked_files
from app.settings import Settings
from policies.errors import ConfigurationError


def test_the_lock_has_exact_versions_and_digests() -> None:
    """Each file is of one version of a package, and has a SHA-256."""
    files = locked_files(LOCK)
    assert {file.name for file in files} == {"graphiql.js", "graphiql.css", "react.js", "react-dom.js"}
    for file in files:
        assert file.package.partition("@")[2].count(".") == 2
        assert len(bytes.fromhex(file.digest)) == 32


def test_files_are_those_of_the_lock_in_the_cache(tmp_path: Path) -> None:
    """Files with another content than the lock says are not used, and nothing is in an empty cache."""
    settings = Settings.from_env({"MLG_CACHE_DIR": str(tmp_path)})
    assert cached_files(settings) is None
    for file in locked_files(LOCK):
        path = file.path(tmp_path / "graphiql")
        path.parent.mkdir(parents=True)
        path.write_text("another content")
    assert cached_files(settings) is None


def test_a_failing_npm_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the files and without npm, the error says so."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(npm_command, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ConfigurationError, match=r"could not fetch graphiql@"):
        fetch_files(Settings.from_env({"MLG_CACHE_DIR": str(tmp_path)}))
