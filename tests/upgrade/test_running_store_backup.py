"""`mlg store backup`, `check`, `restore` and `digest` as an operator runs them, on the store of a running API."""

import re
from pathlib import Path

import pytest
from support.servers.backed_up import listing, load
from support.servers.server_process import Serving
from support.servers.store_commands import digest_of_store, store_command, succeeded

pytestmark = pytest.mark.upgrade


@pytest.mark.timeout(600)
async def test_a_backup_of_a_running_store_is_the_store(tmp_path: Path) -> None:
    """A backup taken while the API runs has all data and the index; the next one copies what is new; both restore."""
    serving, backups = Serving(tmp_path / "api"), tmp_path / "backups"
    await serving.start()
    try:
        await load(serving, 0, 200)
        first = await succeeded(serving.folder, "backup", backups)
        await load(serving, 200, 50)
        second = await succeeded(serving.folder, "backup", backups)
        before = await listing(serving)
    finally:
        await serving.stop()
    assert "with its index" in first
    assert "with its index" in second
    counts = [[int(each) for each in re.findall(r"(\d+) (?:files|of them)", text)] for text in (first, second)]
    assert counts[0][0] == counts[0][1] > 0
    assert counts[1][0] > counts[1][1] > 0  # the file that the first backup closed is not copied again
    digest = await digest_of_store(serving.folder)
    older, newer = (text.split(":")[0].split()[1] for text in (first, second))
    checked = await succeeded(serving.folder, "check", backups, "--against-store")
    assert f"digest {digest}" in checked
    assert "the store has the same digest" in checked
    restored = Serving(tmp_path / "restored")
    output = await succeeded(restored.folder, "restore", backups, "--backup", newer)
    assert f"digest {digest}" in output
    assert "as when it was checked first" in output
    await restored.start()
    try:
        assert await listing(restored) == before
    finally:
        await restored.stop()
    assert "store_index" not in restored.output.read_text()
    await succeeded(tmp_path / "old", "restore", backups, "--backup", older)
    ended = await store_command(serving.folder, "check", backups, "--backup", older, "--against-store")
    assert ended.code == 1
    assert "The backup differs from the store" in ended.errors
    assert "Dataset: 200 and 250" in ended.errors
    await succeeded(serving.folder, "backup", backups, "--keep", "2")
    kept = sorted(path.stem for path in backups.glob("2*.json"))
    assert kept[0] == newer
    assert len(kept) == 2
