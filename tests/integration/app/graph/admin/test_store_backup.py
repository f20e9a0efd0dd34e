"""`mlg store backup` and `restore` as an operator runs them, on the store of a running API.

`tests/upgrade/test_running_store_backup.py` has the complete life of backups, which takes minutes.
"""

import shutil
from pathlib import Path

from support.servers.backed_up import listing, load
from support.servers.server_process import Serving
from support.servers.store_commands import digest_of_store, succeeded

from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.index_files import INDEX_FOLDER


async def test_a_lost_index_of_a_backup_is_rebuilt(tmp_path: Path) -> None:
    """A backup without an index, or with that of another moment, gives a store with a complete one."""
    serving, backups = Serving(tmp_path / "api"), tmp_path / "backups"
    await serving.start()
    try:
        await load(serving, 0, 30)
        old = tmp_path / "old index"
        shutil.copytree(serving.folder / STORE_FOLDER / INDEX_FOLDER, old)
        await load(serving, 30, 30)
        before = await listing(serving)
        await succeeded(serving.folder, "backup", backups)
    finally:
        await serving.stop()
    restored_text = await succeeded(tmp_path / "restored", "restore", backups)
    assert f"digest {await digest_of_store(serving.folder)}" in restored_text
    index = tmp_path / "restored" / STORE_FOLDER / INDEX_FOLDER
    shutil.rmtree(index)
    shutil.copytree(old, index)
    restored = Serving(tmp_path / "restored")
    await restored.start()
    try:
        assert await listing(restored) == before
    finally:
        await restored.stop()
    assert "store_index_rebuilding" in restored.output.read_text()
