"""The memory of an import: digests, what an import has seen, and that a file belongs to one import."""

import sqlite3
import stat
from pathlib import Path

import pytest

from app.ingest.load import import_state
from app.ingest.load.import_state import ImportState, ImportStateError, StateEntry


def entry(number: int, *, retired: bool = False) -> StateEntry:
    """Return an entry."""
    return StateEntry(f"id{number:04}", "run", f"r{number}", retired)


def state(file: Path | None, source: str = "s", target: str = "t") -> ImportState:
    """Return a state of an import from a source to a target."""
    return ImportState(file, source, target)


def test_a_digest_is_kept_for_the_next_import(tmp_path: Path) -> None:
    """What one import recorded, the next one reads; only the owner may read the file."""
    file = tmp_path / "state.db"
    with state(file) as first:
        first.record([(entry(1), b"a"), (entry(2, retired=True), b"b")])
    with state(file) as second:
        assert second.digests(["id0001", "id0002", "id0003"]) == {"id0001": b"a", "id0002": b"b"}
        assert second.entry("id0002") == entry(2, retired=True)
        assert second.entry("id0003") is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_forgotten_entry_is_gone(tmp_path: Path) -> None:
    """The entry is deleted, also for the next import, and no other is."""
    file = tmp_path / "state.db"
    with state(file) as first:
        first.record([(entry(1), b"a"), (entry(2), b"b")])
        first.forget("id0001")
        assert first.entry("id0001") is None
    with state(file) as second:
        assert [*second.unseen()] == [entry(2)]


def test_what_an_import_does_not_see_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of earlier imports that this one neither saw nor recorded, over several pages, also while it records."""
    monkeypatch.setattr(import_state, "_PAGE", 3)
    file = tmp_path / "state.db"
    with state(file) as first:
        first.record((entry(number), b"") for number in range(12))
        assert [*first.unseen()] == []
    with state(file) as second:
        second.see(["id0000"])
        second.record([(entry(1), b"x")])
        found = []
        for each in second.unseen():
            found.append(each)
            second.record([(each, b"")])
        assert found == [entry(number) for number in range(2, 12)]
        assert [*second.unseen()] == []


def test_without_a_file_nothing_is_kept() -> None:
    """Each import without a file begins empty."""
    for _ in range(2):
        with state(None) as opened:
            assert opened.digests(["id0001"]) == {}
            opened.record([(entry(1), b"a")])
            assert opened.digests(["id0001"]) == {"id0001": b"a"}


def test_a_file_belongs_to_one_import(tmp_path: Path) -> None:
    """Another source or target is refused, because its assets would be left out or retired."""
    file = tmp_path / "state.db"
    with state(file):
        pass
    for other in (state(file, source="x"), state(file, target="x")):
        with pytest.raises(ImportStateError, match="is the state of an import from s to t"), other:
            pass
    with state(file):
        pass


def test_a_file_has_no_credential(tmp_path: Path) -> None:
    """Neither the file nor a refusal has one; the file of an older release, which stored some, stays valid."""
    file, uri = tmp_path / "state.db", "postgresql://u:pw1@h/db?password=pw2"
    with state(file, f"{uri} as ns", "https://u:pw3@api?key=pw4"):
        pass
    assert b"pw" not in file.read_bytes()
    with sqlite3.connect(file) as database:
        database.execute("UPDATE about SET value = ? WHERE key = 'source'", (f"{uri} as ns",))
    with pytest.raises(ImportStateError, match="from postgresql://h/db as ns to https://api;"), state(file):
        pass
    with state(file, "postgresql://h/db?password=other as ns", "https://api"):
        pass
    assert b"pw" not in file.read_bytes()


def test_a_file_is_used_by_one_import_at_a_time(tmp_path: Path) -> None:
    """A second import with the same file does not begin, and a file of another form is no state."""
    file = tmp_path / "state.db"
    with state(file), pytest.raises(ImportStateError, match="cannot be used"), state(file):
        pass
    other = tmp_path / "other"
    other.write_text("no database, and longer than a header of one " * 20)
    with pytest.raises(ImportStateError, match="cannot be used"), state(other):
        pass
