"""The file with the secret of a running store is readable by its owner alone, whatever was there before."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.embedded.secret_file import SECRET_FILE, read_secret, remove_secret, write_secret


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Let new files be readable by everyone unless a mode forbids it."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("earlier", ["none", "readable", "link"])
def test_only_the_owner_reads_the_secret(tmp_path: Path, earlier: str) -> None:
    """The mode is 0600, also after a readable file; a link is replaced, so its target does not receive the secret."""
    path, target = tmp_path / SECRET_FILE, tmp_path / "target"
    target.write_text("unchanged")
    if earlier == "readable":
        path.write_text("old")
    elif earlier == "link":
        path.symlink_to(target)
    write_secret(tmp_path, "new")
    assert read_secret(tmp_path) == "new"
    assert path.lstat().st_mode & 0o777 == 0o600
    assert target.read_text() == "unchanged"


def test_a_stopped_store_has_no_secret(tmp_path: Path) -> None:
    """After the removal there is no secret, and a second removal has no effect."""
    write_secret(tmp_path, "new")
    remove_secret(tmp_path)
    remove_secret(tmp_path)
    assert read_secret(tmp_path) is None
