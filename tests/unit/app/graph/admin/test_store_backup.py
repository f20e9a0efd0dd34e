"""What a backup and a check change in the folder of backups is changed under its lock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.stores.sample_schema import SAMPLE_STAMP

from app.graph.admin import store_backup
from app.graph.admin.elements.store_digest import StoreDigest
from app.graph.admin.elements.work_progress import NoProgress
from app.graph.admin.snapshot import Snapshot
from app.graph.admin.store_backup import CheckedStore, back_up, check_backup
from app.settings import Settings
from app.store.embedded.backup_folder import BackupFolder, instant_of
from app.store.embedded.backup_manifest import Backup
from app.store.errors import BackupError
from app.store.schema_stamp import STAMP_FILE

BACKUP = Backup("a", "1.0", "1.1.0", SAMPLE_STAMP, index=True, files={})


async def test_old_backups_are_deleted_under_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another backup would otherwise refer to a file that is deleted at that moment."""
    locked: list[bool] = []

    @asynccontextmanager
    async def client(_: Settings) -> AsyncIterator[None]:
        yield

    async def nothing(*_: object) -> Any:
        return None

    def keep(folder: BackupFolder, _: int) -> int:
        with pytest.raises(BackupError, match="Another process"), folder.locked():
            pass
        locked.append(True)
        return 0

    monkeypatch.setattr(store_backup, "embedded_client", client)
    monkeypatch.setattr(store_backup, "store_folder", lambda _: tmp_path)
    monkeypatch.setattr(store_backup, "take_snapshot", nothing)
    monkeypatch.setattr(store_backup, "_copied", nothing)
    monkeypatch.setattr(BackupFolder, "keep", keep)
    await back_up(Settings.from_env(), tmp_path / "backups", 2, NoProgress())
    assert locked == [True]


@pytest.mark.parametrize(("ahead", "warnings"), [(timedelta(days=2), 1), (timedelta(seconds=30), 0)])
async def test_a_backup_after_a_clock_that_was_ahead_is_named_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ahead: timedelta, warnings: int
) -> None:
    """It has the next name, and a warning with the seconds if the clock was ahead by more than a minute."""
    folder = BackupFolder.create(tmp_path / "backups")
    (tmp_path / STAMP_FILE).write_bytes(orjson.dumps(SAMPLE_STAMP))
    folder.write(replace(BACKUP, name=folder.next_name(datetime.now(UTC) + ahead)))
    (newest,) = folder.backups()

    @asynccontextmanager
    async def client(_: Settings) -> AsyncIterator[None]:
        yield

    async def nothing(*_: object) -> Snapshot:
        return Snapshot({}, index=True)

    monkeypatch.setattr(store_backup, "embedded_client", client)
    monkeypatch.setattr(store_backup, "store_folder", lambda _: tmp_path)
    monkeypatch.setattr(store_backup, "take_snapshot", nothing)
    with capture_logs() as events:
        made = (await back_up(Settings.from_env(), folder.path, 1, NoProgress())).backup.name
    assert instant_of(made) == instant_of(newest.name) + timedelta(milliseconds=1)
    assert [each.name for each in folder.backups()] == [made]
    assert [event["log_level"] for event in events if event["event"] == "clock_behind_backups"] == [
        "warning"
    ] * warnings


@pytest.mark.parametrize("deleted", [True, False])
async def test_the_digest_of_a_deleted_backup_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    deleted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """`--keep` may delete a backup during its check: its manifest would come back without files."""
    folder = BackupFolder.create(tmp_path / "backups")
    folder.write(BACKUP)

    async def place(*_: object) -> None:
        if deleted:
            (folder.path / "a.json").unlink()

    async def started(*_: object) -> CheckedStore:
        return CheckedStore(BACKUP, StoreDigest(), None)

    monkeypatch.setattr(store_backup, "_place", place)
    monkeypatch.setattr(store_backup, "_started", started)
    await check_backup(Settings.from_env(), folder.path, "", NoProgress())
    assert [each.digest is None for each in folder.backups()] == ([] if deleted else [False])
