"""`mlg store copy` as an operator runs it: complete, compared, continued after a kill, and refused where it must be."""

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import httpx2
import orjson
import pytest
from support.servers.server_process import Serving
from support.servers.store_commands import command_environment, store_command, succeeded
from support.source_tree import ROOT
from support.stores.janusgraph import store_settings, url_with_user_info
from support.waiting import until

from app.graph.admin.elements.store_digest import digest_of
from app.graph.admin.elements.work_progress import NoProgress
from app.graph.admin.schema_steps import SchemaPath
from app.graph.admin.store_client import digest_at, store_folder
from app.graph.admin.store_copy import copy_store
from app.graph.admin.store_schema import store_schema
from app.graph.admin.stored_schema import read_stored_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.native.mixed_index import INDEX
from app.store.embedded.data_lock import LOCK_FILE, is_alive
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.embedded.index_files import INDEX_FOLDER
from app.store.embedded.running_store import running_endpoint
from app.store.errors import CopyError
from policies.errors import CodedError

pytestmark = pytest.mark.long

MANY = 40
"""A number of assets that the demo estate exceeds, two pages of a copy."""


@pytest.fixture(scope="module")
async def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the demo estate and its history, whose API has ended."""
    serving = Serving(tmp_path_factory.mktemp("source"))
    await serving.start()
    try:
        token = serving.headers()["Authorization"].removeprefix("Bearer ")
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "demo", "--url", serving.url),
            cwd=ROOT,
            stdout=DEVNULL,
            env=command_environment(serving.folder) | {"MLG_PORT": str(serving.port), "TOKEN": token},
        )
        assert await demo.wait() == 0
    finally:
        await serving.stop()
    return serving.folder


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    """Run an empty JanusGraph with the schema of the product, as an external store."""
    async with EmbeddedStore(store_settings(tmp_path / "target"), store_schema()) as store:
        yield store


@pytest.mark.timeout(600)
async def test_a_copy_is_equal_and_serves(source: Path, target: EmbeddedStore, tmp_path: Path) -> None:
    """All elements are in the target with their ids; an API serves them; a second copy is refused."""
    settings, url, progress = store_settings(source), url_with_user_info(target.endpoint), NoProgress()
    before = await digest_at(settings, "", progress)
    copied = await copy_store(settings, "", url, progress)
    assert not copied.resumed
    assert copied.digest.text == before.text == (await digest_at(settings, url, progress)).text
    with pytest.raises(CopyError, match="is not empty"):
        await copy_store(settings, "", url, progress)
    with pytest.raises(CopyError, match="are the same store"):
        await copy_store(settings, url, url, progress)
    back = await copy_store(settings, url, str(tmp_path / "back"), progress)
    assert back.digest.text == before.text
    assert (await digest_at(settings, "", progress)).text == before.text
    serving = Serving(tmp_path / "api", {"MLG_STORE_URL": url})
    await serving.start()
    await serving.stop()


@pytest.mark.timeout(600)
async def test_a_killed_copy_goes_on(source: Path, target: EmbeddedStore, tmp_path: Path) -> None:
    """After kills in both phases the same command completes the copy; until then no API and no other copy starts."""
    url = url_with_user_info(target.endpoint)
    async with GremlinClient(url) as client:

        async def copying() -> Any:
            return (await read_stored_schema(client, SchemaPath(), INDEX)).copying

        for phase in ("vertices", "edges"):
            await _killed_in(phase, source, url, copying)
        serving = Serving(tmp_path / "api", {"MLG_STORE_URL": url})
        with pytest.raises(AssertionError, match="the API ended"):
            await serving.start()
        assert "is being filled by `mlg store copy`" in serving.output.read_text()
        other = store_settings(tmp_path / "other")
        async with EmbeddedStore(other, store_schema()):
            pass
        with pytest.raises(CopyError, match="The target has an unfinished copy of"):
            await copy_store(other, "", url, NoProgress())
        output = await succeeded(source, "copy", "--to", url)
        assert output.startswith("completed the copy: ")
        assert await copying() is None
        (digest,) = re.findall("digest ([0-9a-f]{64}) of both stores", output)
        assert (await digest_of(client)).text == digest


@pytest.mark.timeout(600)
async def test_a_killed_copy_into_a_folder_goes_on(source: Path, tmp_path: Path) -> None:
    """The kill ends the JVM of the target, too, whose index may lack what was stored last: it is made anew."""
    target, settings = tmp_path / "target", store_settings(tmp_path / "target")
    folder, former = store_folder(settings), tmp_path / "former"

    async def copying() -> Any:
        endpoint = running_endpoint(folder)
        if endpoint is None:
            return None
        with suppress(CodedError):  # the JVM is starting
            async with GremlinClient(endpoint) as client:
                return (await read_stored_schema(client, SchemaPath(), INDEX)).copying
        return None

    for phase in ("vertices", "edges"):
        await _killed_in(phase, source, str(target), copying)
        await until(lambda: not is_alive(orjson.loads((folder / LOCK_FILE).read_bytes())["jvm"]))
        if phase == "vertices":
            shutil.copytree(folder / INDEX_FOLDER, former)
    shutil.rmtree(folder / INDEX_FOLDER)
    former.rename(folder / INDEX_FOLDER)
    with pytest.raises(AssertionError, match="the API ended"):
        await Serving(target).start()
    assert (await succeeded(source, "copy", "--to", str(target))).startswith("completed the copy: ")
    assert await _count_of(target) == await _count_of(source) > MANY


async def _count_of(folder: Path) -> int:
    """Return how many assets the API over a data folder lists for root."""
    serving = Serving(folder)
    await serving.start()
    try:
        async with httpx2.AsyncClient(headers=serving.headers(), trust_env=False) as http:
            response = await http.post(f"{serving.url}/graphql", json={"query": "{ assets { totalCount } }"})
        return int(response.json()["data"]["assets"]["totalCount"])
    finally:
        await serving.stop()


async def _killed_in(phase: str, source: Path, url: str, copying: Callable[[], Awaitable[Any]]) -> None:
    """Run a copy until it is in a phase, and kill it with its JVM; fails with what it wrote if it ends before."""
    with TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "support.servers.small_pages", "store", "copy", "--to", url),
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env=command_environment(source) | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        )

        async def reached() -> bool:
            found = await copying()
            here = found is not None and found["phase"] == phase and found["position"] is not None
            if not here and process.returncode is not None:
                output.seek(0)
                pytest.fail(f"the copy ended before the {phase}: {output.read().decode()}")
            return here

        await until(reached, within=120)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def test_a_running_source_is_refused(source: Path, target: EmbeddedStore) -> None:
    """A source that an API may write to is named, and nothing is copied."""
    serving = Serving(source)
    await serving.start()
    try:
        ended = await store_command(source, "copy", "--to", url_with_user_info(target.endpoint))
        assert (ended.code, "stop the process" in ended.errors) == (1, True)
    finally:
        await serving.stop()
