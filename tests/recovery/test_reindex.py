"""The index is lost while the store is stopped: a start or `mlg store reindex` builds it again from the graph."""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.servers.in_process import Api, open_api
from support.source_tree import ROOT
from support.stores.janusgraph import StoreGraph, store_settings, url_with_user_info
from support.stores.raw_incidents import raise_incident
from typer.testing import CliRunner

from app.cli.store_commands import STEP, store
from app.graph.admin.reindex import MixedIndex
from app.graph.admin.store_schema import store_schema
from app.settings import Settings
from app.store.embedded.embedded_store import STORE_FOLDER, EmbeddedStore
from app.store.embedded.index_files import INDEX_FOLDER

pytestmark = pytest.mark.long

ASSETS = STEP // 2
"""Each asset is two vertices, itself and its change."""
TEAM, TAG = "mlg://team/catalog/default/ranking", "mlg://tag/catalog/default/gold"
QUERIES = (
    "{ assets(first: 500, orderBy: {field: NAME, direction: DESC}) { totalCount nodes { id } } }",
    f'{{ assets(first: 50, filter: {{tags: ["{TAG}"], ownerTeams: ["{TEAM}"]}}) {{ totalCount nodes {{ id }} }} }}',
    """{ search(text: "churn dail", facets: [KIND, OWNER_TEAM, TAG, STAGE, NAMESPACE]) {
         hits { totalCount nodes { asset { id } highlights { field text } } }
         facets { facet values { value count } } } }""",
    '{ search(text: "wekly") { hits { totalCount nodes { asset { id } } } } }',
    '{ search(text: "sentences") { hits { totalCount nodes { asset { id } } } } }',
    "{ incidents(state: OPEN) { totalCount nodes { title assets { id } } } }",
    "{ changes(filter: {actions: [REGISTERED]}, first: 200) { totalCount nodes { subjectId } } }",
    "{ tags { totalCount nodes { name } } teams { totalCount nodes { name } } }",
)


def _urn(number: int) -> str:
    return f"mlg://dataset/test/{'prod' if number % 3 else 'dev'}/churn_{'daily' if number % 2 else 'weekly'}_{number}"


def _item(number: int) -> dict[str, Any]:
    owned = {"owners": [{"owner": TEAM}]} if number % 5 == 0 else {}
    tagged = {"tags": [TAG]} if number % 10 == 0 else {}
    described = {"description": "Described in sentences."} if number % 100 == 0 else {}
    return {"dataset": {"id": _urn(number), **owned, **tagged, **described}}


@asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator[Api]:
    async with (
        EmbeddedStore(settings, store_schema()) as store,
        open_api(StoreGraph(url_with_user_info(store.endpoint), "g"), settings.data_dir) as api,
    ):
        yield api


async def _responses(api: Api) -> list[Any]:
    await api.wait_for_jobs()
    return [await api.ask("ada", query) for query in QUERIES]


async def _reindex(settings: Settings) -> tuple[int | None, str, str]:
    """Run the command; return its exit code, its output and its errors."""
    env = {
        "MLG_DATA_DIR": str(settings.data_dir),
        "MLG_CACHE_DIR": str(settings.cache_dir),
        "MLG_STORE_PROFILE": "test",
    }
    command = (sys.executable, "-m", "app", "store", "reindex")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=ROOT, env=os.environ | env)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def _lose_index(settings: Settings) -> None:
    shutil.rmtree(settings.data_dir / STORE_FOLDER / INDEX_FOLDER)


@pytest.mark.timeout(300)
async def test_a_lost_index_is_rebuilt(tmp_path: Path) -> None:
    """A reindex restores listings, searches, facets, incidents and changes; the command fails while a store runs.

    A start without the index rebuilds it, too.
    """
    settings = store_settings(tmp_path)
    async with _running(settings) as api:
        await api.load(*map(_item, range(ASSETS)))
        for number in (0, 1):
            await raise_incident(api, _urn(number), "HIGH")
        before = await _responses(api)
        assert before[2]["search"]["hits"]["totalCount"] == ASSETS / 2
        code, _, errors = await _reindex(settings)
        assert (code, "is in use by process" in errors) == (1, True)
    _lose_index(settings)
    async with _repairing(settings) as (api, logged):
        assert await _responses(api) == before
    assert "store_index_rebuilding" in logged
    _lose_index(settings)
    code, out, errors = await _reindex(settings)
    assert code == 0, errors
    assert f"{STEP:,} vertices" in errors
    assert re.fullmatch(r"reindexed 5\d\d vertices", out.splitlines()[-1])
    async with _running(settings) as api:
        assert await _responses(api) == before


async def test_an_index_that_lacks_the_last_write_is_rebuilt_at_the_start(tmp_path: Path) -> None:
    """An index from before the last write, as a crash leaves it, is noticed by its count of writes."""
    settings = store_settings(tmp_path)
    index, old = settings.data_dir / STORE_FOLDER / INDEX_FOLDER, tmp_path / "old index"
    async with _repairing(settings) as (api, logged):
        await api.load(*map(_item, range(2)))
        shutil.copytree(index, old)
        await api.load(_item(2))
        before = await _responses(api)
        assert before[0]["assets"]["totalCount"] == 3
    assert "store_index_rebuilding" not in logged
    shutil.rmtree(index)
    old.rename(index)
    async with _repairing(settings) as (api, logged):
        assert await _responses(api) == before
    assert "store_index_incomplete" in logged


@asynccontextmanager
async def _repairing(settings: Settings) -> AsyncIterator[tuple[Api, list[str]]]:
    """Run the API over a store that checks its index; return it with the names of the events of the start."""
    with capture_logs() as events:
        store = EmbeddedStore(settings, store_schema(), index=MixedIndex(settings.store_deadline))
        async with (
            store,
            open_api(StoreGraph(url_with_user_info(store.endpoint), "g"), settings.data_dir) as api,
        ):
            yield api, [event["event"] for event in events]


async def test_an_empty_store_has_no_vertices(tmp_path: Path) -> None:
    """The vertices of the self-check are not counted."""
    settings = store_settings(tmp_path)
    async with EmbeddedStore(settings, store_schema()):
        pass
    code, out, errors = await _reindex(settings)
    assert (code, out.splitlines()[-1]) == (0, "reindexed 0 vertices"), errors


async def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    """A folder without data is not created, and the message names the folder and the setting."""
    code, out, errors = await _reindex(store_settings(tmp_path))
    assert (code, out) == (1, "")
    unwrapped = "".join(errors.split())
    assert f"Therearenodatain{tmp_path / STORE_FOLDER}" in unwrapped
    assert "MLG_DATA_DIR" in unwrapped
    assert not (tmp_path / STORE_FOLDER).exists()


@pytest.mark.parametrize(("count", "printed"), [(0, "0 vertices"), (1, "1 vertex"), (1_000, "1,000 vertices")])
def test_the_number_of_vertices_is_printed(monkeypatch: pytest.MonkeyPatch, count: int, printed: str) -> None:
    """The output has the number of vertices with separators, and the singular for one."""

    async def rebuilt(*_: object) -> int:
        return count

    monkeypatch.setattr("app.cli.store_commands.reindex", rebuilt)
    assert CliRunner().invoke(store, ["reindex"]).stdout == f"reindexed {printed}\n"


async def test_an_external_store_is_not_reindexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With MLG_STORE_URL the command is rejected and creates no folder."""
    monkeypatch.setenv("MLG_STORE_URL", "http://127.0.0.1:1/gremlin")
    code, _, errors = await _reindex(store_settings(tmp_path))
    assert (code, "external store" in errors) == (1, True)
    assert not (tmp_path / STORE_FOLDER).exists()
