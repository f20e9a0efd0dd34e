"""The embedded store on a real JVM with BerkeleyJE: what survives what, and what is refused."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import orjson
import pytest
from support.stores.janusgraph import StoreGraph, store_settings
from support.stores.sample_schema import VERTEX, sample_document, sample_schema
from support.waiting import until

from app.store.embedded import data_lock as ownership
from app.store.embedded.data_lock import LOCK_FILE, is_alive
from app.store.embedded.embedded_store import OWNER_ONLY, STORE_FOLDER, EmbeddedStore, RestartPolicy, StoreState
from app.store.errors import DataInUseError, PortBusyError, SchemaMismatchError, StoreStartError
from app.store.schema_stamp import StoreSchema

TESTS = Path(__file__).parents[4]
ADD = "g.addV('Model').property(T.id, x).property('urn', urn).property('name', urn).iterate()"
BY_URN = "g.V().has('urn', urn).values('name')"
BY_TEXT = "g.V().has('name', textContains(word)).values('urn')"
BY_NAME = "g.V().has('name', urn).hasLabel('Model').values('urn')"


async def add(url: str, urn: str, number: int) -> None:
    """Write one model."""
    await StoreGraph(url, "g").run(ADD, x=number << 8, urn=urn)


async def found(url: str, urn: str) -> list[object]:
    """Look a model up through the composite index."""
    return await StoreGraph(url, "g").run(BY_URN, urn=urn)


async def start_host(folder: Path) -> tuple[asyncio.subprocess.Process, str, int]:
    """Start a process that hosts a store; return it, the store's address and its JVM."""
    settings = store_settings(folder)
    env = {
        "PYTHONPATH": str(TESTS),
        "MLG_DATA_DIR": str(folder),
        "MLG_CACHE_DIR": str(settings.cache_dir),
        "MLG_STORE_PROFILE": "test",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.stores.host_process", stdout=PIPE, env=os.environ | env
    )
    assert process.stdout
    async for line in process.stdout:
        if line.startswith(b"{"):
            ready = json.loads(line)
            return process, ready["url"], ready["jvm"]
    raise AssertionError("the host ended before its store was ready")


async def test_data_survive_a_restart_and_a_grown_schema(tmp_path: Path) -> None:
    """Data are found again after a clean stop, also by an index that is new; no process and no lock stay behind."""
    settings = store_settings(tmp_path)
    async with EmbeddedStore(settings, sample_schema()) as store:
        await add(store.url, "mlg://model/a", 7)
        first = store.jvm_pid
    assert first
    assert (settings.data_dir / STORE_FOLDER).stat().st_mode & 0o777 == OWNER_ONLY
    assert store.state is StoreState.STOPPED
    assert not is_alive(first)
    grown = sample_document()
    grown["vertexLabels"].append({"label": "Dataset"})
    grown["compositeIndexes"].append({"name": "byName", "typeClass": VERTEX, "keys": [{"propertyKey": "name"}]})
    async with EmbeddedStore(settings, StoreSchema(1, orjson.dumps(grown))) as store:
        assert await found(store.url, "mlg://model/a") == ["mlg://model/a"]
        assert await StoreGraph(store.url, "g").run(BY_TEXT, word="model") == ["mlg://model/a"]
        assert await StoreGraph(store.url, "g").run(BY_NAME, urn="mlg://model/a") == ["mlg://model/a"]


async def test_jvm_that_dies_is_restarted_on_the_same_address(tmp_path: Path) -> None:
    """Killed with -9 or terminated, the JVM comes back at the same address with what was written."""
    async with EmbeddedStore(store_settings(tmp_path), sample_schema()) as store:
        url = store.url
        for number, deadly in enumerate((signal.SIGKILL, signal.SIGTERM), start=1):
            await add(url, f"mlg://model/{deadly.name}", number + 1)
            pid = store.jvm_pid
            assert pid
            os.kill(pid, deadly)
            await until(lambda: store.state is StoreState.RESTARTING)
            await until(lambda: store.state is StoreState.READY)
            assert store.jvm_pid != pid
            assert store.url == url
            assert await found(url, f"mlg://model/{deadly.name}") == [f"mlg://model/{deadly.name}"]


async def test_jvm_that_cannot_come_back_is_given_up(tmp_path: Path) -> None:
    """After repeated deaths the state is FAILED and the reason tells the cause from the JVM's log."""
    restarts = RestartPolicy(first_pause=0.01, max_exits=2)
    async with EmbeddedStore(store_settings(tmp_path), sample_schema(), restarts) as store:
        (tmp_path / STORE_FOLDER / "graph.properties").write_text("storage.backend=no-such-backend\n")
        assert store.jvm_pid
        os.kill(store.jvm_pid, signal.SIGKILL)
        await until(lambda: store.state is StoreState.FAILED)
        assert "ended 2 times" in store.reason
        assert "janusgraph.log" in store.reason


@pytest.mark.parametrize("polite", [signal.SIGTERM, signal.SIGINT])
async def test_host_that_is_told_to_stop_takes_the_jvm_along(tmp_path: Path, polite: signal.Signals) -> None:
    """SIGTERM and SIGINT of the host end both processes, with exit code 0."""
    host, _, jvm = await start_host(tmp_path)
    host.send_signal(polite)
    assert await host.wait() == 0
    assert not is_alive(jvm)


async def test_jvm_of_a_killed_host_ends_by_itself(tmp_path: Path) -> None:
    """After kill -9 of the host its JVM ends although nobody starts again."""
    host, _, orphan = await start_host(tmp_path)
    host.kill()
    await host.wait()
    await until(lambda: not is_alive(orphan))


async def test_start_after_a_killed_host_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After kill -9 of the host whose JVM hangs, a new start ends that JVM and has what was written."""
    monkeypatch.setattr(ownership, "_ORPHAN_SECONDS", 1.0)
    host, url, orphan = await start_host(tmp_path)
    await add(url, "mlg://model/a", 7)
    os.kill(orphan, signal.SIGSTOP)
    host.kill()
    await host.wait()
    async with EmbeddedStore(store_settings(tmp_path), sample_schema()) as store:
        assert not is_alive(orphan)
        assert await found(store.url, "mlg://model/a") == ["mlg://model/a"]


async def test_second_instance_on_the_same_data_is_refused(janusgraph: EmbeddedStore) -> None:
    """A second store on the data of a running one is refused by name, and the first goes on."""
    folder = janusgraph.folder.parent
    with pytest.raises(DataInUseError, match=rf"in use by process {os.getpid()}.*MLG_DATA_DIR"):
        await EmbeddedStore(store_settings(folder), sample_schema()).start()
    assert await StoreGraph(janusgraph.url, "g").run("g.inject(1)") == [1]


async def test_busy_port_is_refused(tmp_path: Path) -> None:
    """A port on which another program listens is refused by number, and nothing stays locked."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        store = EmbeddedStore(store_settings(tmp_path, MLG_STORE_PORT=str(port)), sample_schema())
        with pytest.raises(PortBusyError, match=rf"Port {port} .*MLG_STORE_PORT"):
            await store.start()
    assert store.state is StoreState.STOPPED
    assert json.loads((tmp_path / STORE_FOLDER / LOCK_FILE).read_bytes())["jvm"] is None


async def test_unknown_schema_version_is_refused(tmp_path: Path) -> None:
    """Data of another schema version are refused before a JVM starts, and stay as they are."""
    (tmp_path / STORE_FOLDER).mkdir()
    stamp = tmp_path / STORE_FOLDER / "stamp.json"
    stamp.write_text('{"version": 9, "digest": "", "schema": {}}')
    with pytest.raises(SchemaMismatchError, match="schema version 9; this program uses version 1"):
        await EmbeddedStore(store_settings(tmp_path), sample_schema()).start()
    assert json.loads(stamp.read_text())["version"] == 9


async def test_jvm_that_does_not_start_is_explained(tmp_path: Path) -> None:
    """A JVM that ends while starting is reported with the cause from its log."""
    settings = store_settings(tmp_path, MLG_STORE_HEAP="nonsense")
    with pytest.raises(StoreStartError, match=r"ended while starting, with code 1\..*Invalid maximum heap size"):
        await EmbeddedStore(settings, sample_schema()).start()
