"""The build of the explorer by the command and before `mlg dev`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import page_commands
from app.cli.page_commands import explorer, prepare_explorer
from app.http.explorer import explorer_build
from app.http.explorer.explorer_build import sources_digest
from app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with an empty cache, which the command reads from the environment, too."""
    monkeypatch.setenv("MLG_CACHE_DIR", str(tmp_path))
    return Settings.from_env()


def fail_npm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let npm fail without a network, in a folder of sources of its own."""
    web = folder / "web"
    web.mkdir()
    (web / "package-lock.json").write_text("{}")
    monkeypatch.setattr(explorer_build, "npm_command", lambda _: ["sh", "-c", "echo no network; exit 1"])
    monkeypatch.setattr(page_commands, "cached_build", lambda _: None)
    monkeypatch.setattr(page_commands, "build_explorer", lambda given: explorer_build.build_explorer(given, web))


def test_a_failed_build_does_not_stop_the_server(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network, `mlg dev` prints why there is no page and goes on, because the API works without."""
    fail_npm(tmp_path, monkeypatch)
    prepare_explorer(settings)
    printed = capsys.readouterr()
    assert (printed.out, "check the registry" in printed.err, "no network" in printed.err) == ("", True, True)


def test_a_present_build_is_used_in_silence(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """The second start builds and prints nothing; the command names the folder."""
    folder = settings.cache_dir / "explorer" / sources_digest()[:32]
    folder.mkdir(parents=True)
    prepare_explorer(settings)
    assert capsys.readouterr() == ("", "")
    assert CliRunner().invoke(explorer, []).output == f"The explorer is in {folder}\n"
