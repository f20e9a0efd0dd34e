"""A folder of backups: what is copied once, what is found damaged, and what is refused."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from support.stores.sample_schema import SAMPLE_STAMP

from app.store.embedded.backup_folder import FILES, MARKER, BackupFolder
from app.store.embedded.backup_manifest import Backup
from app.store.errors import BackupError

BIG = 10_000


def nothing(_count: int) -> None:
    """Ignore the progress."""


def backup(name: str) -> Backup:
    """Return the values of a manifest."""
    return Backup(name, "1.0", "1.1.0", SAMPLE_STAMP, index=True, files={})


@pytest.fixture
def folder(tmp_path: Path) -> BackupFolder:
    """Make an empty folder of backups."""
    return BackupFolder.create(tmp_path / "backups")


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Write three files of a store."""
    found = {}
    for name in ("je/00000000.jdb", "je/00000001.jdb", "lucene/nodes/_0.cfs"):
        path = found[name] = tmp_path / "store" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * BIG)
    return found


def contents(target: Path) -> dict[str, bytes]:
    """Return the files below a folder with their content."""
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_a_second_backup_copies_what_is_new(folder: BackupFolder, sources: dict[str, Path], tmp_path: Path) -> None:
    """Known files are not copied again, and each backup is extracted as it was, with the progress of its bytes."""
    before = {name: path.read_bytes() for name, path in sources.items()}
    copied: list[int] = []
    first = folder.add(backup("a"), sources, copied.append)
    assert (first.copied, first.copied_bytes, sum(copied)) == (3, first.backup.size, first.backup.size)
    sources["je/00000001.jdb"].write_bytes(b"another file of that name")
    sources["je/00000002.jdb"] = tmp_path / "store" / "je" / "00000002.jdb"
    sources["je/00000002.jdb"].write_bytes(b"new")
    del sources["lucene/nodes/_0.cfs"]
    second = folder.add(backup("b"), sources, nothing)
    assert (second.copied, second.copied_bytes) == (2, len(b"another file of that name") + len(b"new"))
    for name, expected in (("a", before), ("b", {key: path.read_bytes() for key, path in sources.items()})):
        folder.extract(folder.named(name), tmp_path / name, nothing)
        assert contents(tmp_path / name) == expected
    assert [each.name for each in folder.backups()] == ["a", "b"]
    assert folder.named().name == "b"


def test_a_file_that_differs_only_at_its_end_is_another_file(folder: BackupFolder, sources: dict[str, Path]) -> None:
    """Two stores that went on after one backup may have files of equal name, size and begin."""
    folder.add(backup("a"), sources, nothing)
    path = sources["je/00000001.jdb"]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert folder.add(backup("b"), sources, nothing).copied == 1


def test_old_backups_and_their_files_are_deleted(folder: BackupFolder, sources: dict[str, Path]) -> None:
    """The newest backups remain, with all their files and no others."""
    for name in "abc":
        sources["je/00000001.jdb"].write_bytes(name.encode())
        folder.add(backup(name), sources, nothing)
    assert folder.keep(2) == 1
    assert [each.name for each in folder.backups()] == ["b", "c"]
    used = {file.digest for each in folder.backups() for file in each.files.values()}
    assert {path.name for path in (folder.path / FILES).iterdir()} == used
    assert folder.keep(5) == 0


def test_the_order_of_names_is_that_of_the_backups(folder: BackupFolder, sources: dict[str, Path]) -> None:
    """After a clock that ran ahead, also into another year, each new backup is the newest, and is kept."""
    now = datetime(2026, 11, 30, 8, 0, 0, 35_459, UTC)
    ahead = datetime(2026, 12, 31, 23, 59, 59, 999_000, UTC)
    names = []
    for at in (now - timedelta(hours=1), ahead, now, now, ahead, now):
        name = folder.next_name(at)
        folder.add(backup(name), sources, nothing)
        folder.keep(2)
        names.append(name)
        assert folder.named().name == name
        assert [each.name for each in folder.backups()] == names[-2:]
    assert names[:3] == ["20261130T070000.035Z", "20261231T235959.999Z", "20270101T000000.000Z"]
    assert names == sorted({*names})


def _damage(folder: BackupFolder) -> None:
    path = max((folder.path / FILES).iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def _lose(folder: BackupFolder) -> None:
    max((folder.path / FILES).iterdir()).unlink()


def _escape(folder: BackupFolder) -> None:
    _edit(folder, lambda found: found["files"].update({"../../x": next(iter(found["files"].values()))}))


def _extracted(path: Path, target: Path) -> None:
    opened = BackupFolder.open(path)
    opened.extract(opened.named(), target, nothing)


def _edit(folder: BackupFolder, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = folder.path / "a.json"
    found = orjson.loads(manifest.read_bytes())
    change(found)
    manifest.write_bytes(orjson.dumps(found))


def _rename_file(name: str) -> Callable[[BackupFolder], None]:
    """Return the harm that gives one of the files another path in the store."""
    return lambda folder: _edit(folder, lambda found: found["files"].update({name: found["files"].popitem()[1]}))


def _set_file(index: int, value: object) -> Callable[[BackupFolder], None]:
    """Return the harm that replaces one of the values of a file: digest, size or ends."""
    return lambda folder: _edit(folder, lambda found: next(iter(found["files"].values())).__setitem__(index, value))


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _grow(folder: BackupFolder) -> None:
    """Let a manifest state another size of a file, whose digest is right."""
    _set_file(1, 1)(folder)


def _lose_data(folder: BackupFolder) -> None:
    """Let a manifest have files of the index alone."""
    kept = {name: file for name, file in folder.named("a").files.items() if name.startswith("lucene/")}
    folder.write(replace(folder.named("a"), files=kept))


def _lose_to_folder(folder: BackupFolder) -> None:
    _replace_by_folder(min((folder.path / FILES).iterdir()))


BAD_NAMES = (
    "",
    ".",
    "..",
    "/je/00000003.jdb",
    "je",
    "je/00000000.jdb/x",
    "je/je.properties",
    "graph.properties",
    "lucene",
    "lucene/",
    "lucene/a/",
    "lucene//b",
    "lucene/./b",
    "lucene/../b",
    "lucene/a\0b",
    "lucene/" + "x" * 256,
    "lucene/" + "x/" * 600 + "x",
)
"""Paths that no file of data or index has; some are a folder of others, or lead through a file."""


def _name_another_file(found: Any) -> None:
    """Make a file of the machine, here one without an end, the source of the first file."""
    next(iter(found["files"].values()))[0] = "/dev/zero"


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_damage, "is damaged; use another backup"),
        (_lose, "is absent; use another backup"),
        (_escape, "The manifest .* is damaged"),
        (lambda folder: (folder.path / "a.json").write_bytes(b"{"), "The manifest .* is damaged"),
        (lambda folder: _edit(folder, lambda found: found.pop("schema")), "The manifest .* is damaged"),
        (lambda folder: _edit(folder, lambda found: found.update(name="../x")), "The manifest .* is damaged"),
        (lambda folder: _edit(folder, _name_another_file), "The manifest .* is damaged"),
        *((_rename_file(name), "The manifest .* is damaged") for name in BAD_NAMES),
        *((_set_file(1, size), "The manifest .* is damaged") for size in (-1, "1", 1.0, True, None)),
        *((_set_file(index, [1]), "The manifest .* is damaged") for index in (0, 2)),
        *(
            (
                lambda folder, name=name: _edit(folder, lambda found: found.update({name: 1})),
                "The manifest .* is damaged",
            )
            for name in ("release", "storage", "schema", "index", "digest", "files", "name")
        ),
        (_grow, "is damaged; use another backup"),
        (_lose_data, "has no data; use another backup"),
        (_lose_to_folder, "is absent; use another backup"),
        (lambda folder: (folder.path / "x.json").mkdir(), "The manifest .* is damaged"),
        (lambda folder: _replace_by_folder(folder.path / MARKER), "is damaged"),
        (lambda folder: _edit(folder, lambda found: found.update(format=9)), "has the form 9 of backups"),
        (lambda folder: (folder.path / MARKER).write_bytes(b'{"format": 9}'), "has the form 9 of backups"),
        (lambda folder: (folder.path / MARKER).write_bytes(b"[]"), "is damaged"),
        (lambda folder: (folder.path / MARKER).unlink(), "contains no backups"),
        (lambda folder: (folder.path / "a.json").unlink(), "contains no complete backup; it has: none"),
        (lambda folder: shutil.rmtree(folder.path), "contains no backups"),
    ],
)
def test_a_harmed_backup_is_refused(
    folder: BackupFolder, sources: dict[str, Path], tmp_path: Path, harm: Callable[[BackupFolder], object], message: str
) -> None:
    """Whatever is lost, damaged or of another form is reported, and nothing is written outside of the target."""
    folder.add(backup("a"), sources, nothing)
    harm(folder)
    with pytest.raises(BackupError, match=message):
        _extracted(folder.path, tmp_path / "target")
    assert not (tmp_path / "x").exists()


def test_a_file_that_is_named_almost_as_a_backup_is_no_obstacle(folder: BackupFolder) -> None:
    """A name of digits that is no instant of the calendar is not continued."""
    at = datetime(2026, 11, 30, 8, 0, 0, 35_000, UTC)
    expected = folder.next_name(at)
    (folder.path / "99999999T999999.999Z.json").write_bytes(b"{}")
    assert folder.next_name(at) == expected


def test_an_unknown_name_is_refused_with_the_known_ones(folder: BackupFolder, sources: dict[str, Path]) -> None:
    """The message lists the backups that exist."""
    folder.add(backup("a"), sources, nothing)
    with pytest.raises(BackupError, match=r"contains no backup b; it has: a\."):
        folder.named("b")


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A backup is not written among other files, nor over a file."""
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(BackupError, match="is not a folder of backups"):
            BackupFolder.create(path)
    assert contents(tmp_path) == {"file": b"mine"}


def test_one_backup_is_written_at_a_time(folder: BackupFolder) -> None:
    """A second writer of the folder is refused, and may write after the first has ended."""
    with folder.locked(), pytest.raises(BackupError, match="Another process"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_full_disk_is_an_expected_error(
    folder: BackupFolder, sources: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little space is reported before the copy, or when it is noticed, and no part of a backup remains."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5))
    with pytest.raises(BackupError, match=r"too little free space: .* bytes are needed, and 5 are free"):
        folder.add(backup("a"), sources, nothing)
    monkeypatch.undo()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackupError, match="is full: free space there"):
        folder.add(backup("a"), sources, nothing)
    assert folder.backups() == []
    assert list((folder.path / FILES).iterdir()) == []
