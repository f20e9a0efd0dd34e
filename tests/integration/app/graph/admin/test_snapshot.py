"""A snapshot of the embedded store while it is written: all files of one moment, never changed again."""

import asyncio
from hashlib import sha256
from pathlib import Path

from support.stores.janusgraph import store_settings
from support.stores.writers import Writers, asset, person, shipped_policy, shipped_stops

from app.graph.admin.snapshot import take_snapshot
from app.graph.admin.store_schema import store_schema
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.store.embedded.embedded_store import EmbeddedStore

ROUNDS = 4


async def test_the_files_of_a_snapshot_are_never_changed(tmp_path: Path) -> None:
    """Snapshots between and during writes keep their content; without writes they have the index."""
    store = EmbeddedStore(store_settings(tmp_path), store_schema())
    found, hashes = [], []
    async with store, GremlinClient(store.endpoint) as client:
        writer = Writers(client, shipped_policy(), WriteCoordinator(shipped_stops())).of(person("root", roles="admin"))

        async def write(number: int) -> None:
            for part in range(10):
                items = [asset(f"dataset d{number}-{part}-{each}") for each in range(20)]
                await writer.write(items, dry_run=False, atomic=False)

        for number in range(ROUNDS):
            writing = asyncio.create_task(write(number))
            busy = await take_snapshot(client, tmp_path / f"busy{number}")
            await writing
            quiet = await take_snapshot(client, tmp_path / f"quiet{number}")
            assert quiet.index
            found += [busy, quiet]
            hashes += [_hashes(busy.files), _hashes(quiet.files)]
    assert [_hashes(each.files) for each in found] == hashes
    for taken in found[1:]:  # the first one may be from before the first vertex
        data = [name for name in taken.files if name.startswith("je/")]
        assert data
        assert all(name.endswith(".jdb") for name in data)
        assert any("segments_" in name for name in taken.files) == taken.index


def _hashes(files: dict[str, Path]) -> dict[str, str]:
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
