"""The commands of backups refuse what cannot be done, with a message that says what to do, and change nothing."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.stores.janusgraph import store_settings
from support.stores.sample_schema import SAMPLE_STAMP
from typer.testing import CliRunner

from app.cli.store_commands import store
from app.graph.admin.elements.work_progress import NoProgress
from app.graph.admin.store_backup import back_up, check_backup, restore
from app.graph.admin.store_schema import store_schema
from app.store.embedded.backup_folder import BackupFolder
from app.store.embedded.backup_manifest import Backup
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.errors import BackupError
from policies.errors import CodedError, ConfigurationError

EXTERNAL = {"MLG_STORE_URL": "http://127.0.0.1:1/gremlin"}


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Restore the logs, which the commands send to stderr."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.level, root.handlers[:] = before
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        ("backup DIR/backups", {}, "There are no data in"),
        ("backup DIR/backups", EXTERNAL, "has no `mlg store backup`"),
        ("restore DIR/backups", EXTERNAL, "has no `mlg store restore`"),
        ("restore DIR/backups", {}, "contains no backups"),
        ("check DIR", {}, "contains no backups"),
        ("check DIR/file", {}, "contains no backups"),
        ("digest --from DIR/nowhere", {}, "There are no data in"),
        ("digest --from ftp://127.0.0.1", {}, "is no HTTP URL"),
        ("digest", EXTERNAL, "No connection to the store could be opened"),
        ("copy", {}, "There is no target"),
        ("copy --to DIR/target", {}, "There are no data in"),
        ("upgrade", {}, "There are no data in"),
        ("upgrade", EXTERNAL, "No connection to the store could be opened"),
    ],
)
def test_what_cannot_be_done_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, more: dict[str, str], message: str
) -> None:
    """A command without its data, its backup or its store ends with an expected error, and makes no folder."""
    for key, value in {"MLG_DATA_DIR": str(tmp_path / "data"), **more}.items():
        monkeypatch.setenv(key, value)
    (tmp_path / "file").touch()
    result = CliRunner().invoke(store, arguments.replace("DIR", str(tmp_path)).split())
    assert isinstance(result.exception, CodedError), result.output
    assert message in result.exception.message
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


async def test_data_and_folders_of_others_are_refused(tmp_path: Path) -> None:
    """Neither data nor other files are replaced, and one backup is written at a time."""
    settings, backups, progress = store_settings(tmp_path / "data"), tmp_path / "backups", NoProgress()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    async with EmbeddedStore(settings, store_schema()):
        with pytest.raises(BackupError, match="is not a folder of backups"):
            await back_up(settings, tmp_path / "mine", 0, progress)
        first, second = await asyncio.gather(
            *(back_up(settings, backups, 0, progress) for _ in range(2)), return_exceptions=True
        )
        refused = first if isinstance(first, BaseException) else second
        assert isinstance(refused, BackupError)
        assert "wait until it has ended" in refused.message
        await back_up(settings, backups, 1, progress)
        with pytest.raises(BackupError, match="There are data in"):
            await restore(settings, backups, "", progress)
    with pytest.raises(BackupError, match="contains no backup x; it has"):
        await check_backup(settings, backups, "x", progress)


@pytest.mark.parametrize(
    ("storage", "version", "message"),
    [
        ("0.9", 6, "is of JanusGraph 0.9.*Restore it with the release 1.0 of `mlg`"),
        ("1.1.0", 4, "backup a have schema version 4; this program uses version 6"),
        ("1.1.0", 99, "backup a have schema version 99.*Use the release of `mlg` that wrote them"),
    ],
)
def test_a_backup_of_another_release_is_refused(tmp_path: Path, storage: str, version: int, message: str) -> None:
    """A backup of another storage or schema names the release that restores it, before anything is written."""
    backup = Backup("a", "1.0", storage, SAMPLE_STAMP | {"version": version}, index=True, files={})
    BackupFolder.create(tmp_path / "backups").write(backup)
    settings = store_settings(tmp_path / "data")
    with pytest.raises(ConfigurationError, match=message):
        asyncio.run(restore(settings, tmp_path / "backups", "", NoProgress()))
    assert not (tmp_path / "data").exists()
