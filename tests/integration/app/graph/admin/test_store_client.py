"""Commands reach the store that their operator names: by its URL, by its folder, running or not."""

from pathlib import Path

import pytest
from support.stores.janusgraph import store_settings, url_with_user_info
from support.stores.writers import Writers, asset, person, shipped_policy, shipped_stops

from app.graph.admin.elements.work_progress import NoProgress
from app.graph.admin.store_client import digest_at, runs_embedded, store_at, upgrade_store
from app.graph.admin.store_schema import store_schema
from app.graph.commits.write_coordinator import WriteCoordinator
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.errors import DataInUseError, DataMissingError


async def test_a_store_is_named_by_url_or_folder(tmp_path: Path) -> None:
    """The same store has one digest by each name, while it runs and after; a folder without data is refused."""
    settings, elsewhere = store_settings(tmp_path / "here"), store_settings(tmp_path / "elsewhere")
    folder, progress = str(tmp_path / "here"), NoProgress()
    async with EmbeddedStore(settings, store_schema()) as store:
        url = url_with_user_info(store.endpoint)
        async with store_at(elsewhere, url) as client:
            writers = Writers(client, shipped_policy(), WriteCoordinator(shipped_stops()))
            await writers.of(person("root", roles="admin")).write([asset("dataset d")], dry_run=False, atomic=False)
        running = [await digest_at(elsewhere, place, progress) for place in (url, folder)]
        running.append(await digest_at(settings, "", progress))
        external = store_settings(tmp_path / "elsewhere", MLG_STORE_URL=url)
        running.append(await digest_at(external, "", progress))
        assert runs_embedded(elsewhere, folder)
        with pytest.raises(DataInUseError):
            await upgrade_store(settings, progress)
        assert (await upgrade_store(external, progress)).recorded
    stopped = [await digest_at(elsewhere, folder, progress), await digest_at(settings, "", progress)]
    assert len({each.text for each in [*running, *stopped]}) == 1
    assert running[0].counts["Dataset"] == 1
    assert not runs_embedded(elsewhere, folder)
    assert (await upgrade_store(settings, progress)).recorded
    with pytest.raises(DataMissingError):
        await digest_at(elsewhere, "", progress)
    with pytest.raises(DataMissingError):
        await upgrade_store(elsewhere, progress)
