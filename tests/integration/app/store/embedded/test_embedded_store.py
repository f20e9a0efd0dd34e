"""The embedded store on a real JVM with BerkeleyJE: restarts, crashes of both processes, and refused starts."""

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
from structlog.testing import capture_logs
from support.stores.janusgraph import StoreGraph, store_settings, url_with_user_info
from support.stores.sample_schema import VERTEX, sample_document, sample_schema
from support.waiting import until

from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.store.embedded import data_lock as ownership
from app.store.embedded.data_lock import LOCK_FILE, is_alive
from app.store.embedded.embedded_store import OWNER_ONLY, STORE_FOLDER, EmbeddedStore, StoreState
from app.store.errors import DataInUseError, PortBusyError, SchemaMismatchError, StoreReason, StoreStartError
from app.store.growing_pauses import PausePolicy
from app.store.schema_stamp import StoreSchema

pytestmark = pytest.mark.long

TESTS = Path(__file__).parents[4]
CREATE = PreparedStatement.of("g.addV('SelfCheck').property(T.id, x).id()", "x")
COUNT = PreparedStatement.of("g.V(x).count()", "x")
ADD = "g.addV('Model').property(T.id, x).property('urn', urn).property('name', urn).iterate()"
BY_URN = "g.V().has('urn', urn).values('name')"
BY_TEXT = "g.V().has('name', textContains(word)).values('urn')"
BY_NAME = "g.V().has('name', urn).hasLabel('Model').values('urn')"


async def add(url: str, urn: str, number: int) -> None:
    """Write a model with the vertex id ``number << 8``."""
    await StoreGraph(url, "g").run(ADD, x=number << 8, urn=urn)


async def found(url: str, urn: str) -> list[object]:
    """Return the names of the models with a URN, read through the composite index."""
    return await StoreGraph(url, "g").run(BY_URN, urn=urn)


async def start_host(folder: Path) -> tuple[asyncio.subprocess.Process, str, int]:
    """Start a process that hosts a store; return it, the address of the store and the process id of its JVM."""
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


async def test_data_survive_a_restart_with_a_grown_schema(tmp_path: Path) -> None:
    """After a clean stop no process is left, and the next start finds the data, through a new index as well."""
    settings = store_settings(tmp_path)
    async with EmbeddedStore(settings, sample_schema()) as store:
        await add(url_with_user_info(store.endpoint), "mlg://model/a", 7)
        first = store.jvm_pid
    assert first
    assert (settings.data_dir / STORE_FOLDER).stat().st_mode & 0o777 == OWNER_ONLY
    assert store.state is StoreState.STOPPED
    assert not is_alive(first)
    grown = sample_document()
    grown["vertexLabels"].append({"label": "Dataset"})
    grown["compositeIndexes"].append({"name": "byName", "typeClass": VERTEX, "keys": [{"propertyKey": "name"}]})
    async with EmbeddedStore(settings, StoreSchema(1, orjson.dumps(grown))) as store:
        assert await found(url_with_user_info(store.endpoint), "mlg://model/a") == ["mlg://model/a"]
        assert await StoreGraph(url_with_user_info(store.endpoint), "g").run(BY_TEXT, word="model") == ["mlg://model/a"]
        assert await StoreGraph(url_with_user_info(store.endpoint), "g").run(BY_NAME, urn="mlg://model/a") == [
            "mlg://model/a"
        ]


async def test_a_dead_jvm_is_restarted_at_the_same_address(tmp_path: Path) -> None:
    """After SIGKILL or SIGTERM the JVM is started again, with the same address, the same secret and all data."""
    async with EmbeddedStore(store_settings(tmp_path), sample_schema()) as store:
        endpoint, url = store.endpoint, url_with_user_info(store.endpoint)
        for number, sent in enumerate((signal.SIGKILL, signal.SIGTERM), start=1):
            await add(url, f"mlg://model/{sent.name}", number + 1)
            pid = store.jvm_pid
            assert pid
            os.kill(pid, sent)
            await until(lambda: store.state is StoreState.RESTARTING)
            await until(lambda: store.state is StoreState.READY)
            assert store.jvm_pid != pid
            assert store.endpoint == endpoint
            assert await found(url, f"mlg://model/{sent.name}") == [f"mlg://model/{sent.name}"]


async def test_a_jvm_that_cannot_start_is_started_until_it_can(tmp_path: Path) -> None:
    """Failed restarts, whatever the error, are logged with their cause and repeated until one succeeds."""
    restarts = PausePolicy(first_pause=0.01, max_pause=0.05)
    folder = tmp_path / STORE_FOLDER
    async with EmbeddedStore(store_settings(tmp_path), sample_schema(), restarts=restarts) as store:
        properties = (folder / "graph.properties").read_text()
        (folder / "graph.properties").write_text("storage.backend=no-such-backend\n")
        assert store.jvm_pid
        with capture_logs() as events:
            os.kill(store.jvm_pid, signal.SIGKILL)
            await until(lambda: "janusgraph.log" in str(events[1:]))
            assert store.outage() is StoreReason.STARTING
            (folder / "janusgraph.log").unlink()
            (folder / "janusgraph.log").mkdir()
            await until(lambda: "IsADirectoryError" in str(events) or "Is a directory" in str(events))
        (folder / "janusgraph.log").rmdir()
        (folder / "graph.properties").write_text(properties)
        await until(lambda: store.state is StoreState.READY)
        assert await StoreGraph(url_with_user_info(store.endpoint), "g").run("g.inject(1)") == [1]


async def test_a_store_below_its_bound_of_free_space_starts_and_refuses_writes(tmp_path: Path) -> None:
    """With less free space than the setting demands, the store starts, serves reads and refuses writes."""
    settings = store_settings(tmp_path, MLG_STORE_FREE_BYTES=str(1 << 60))
    async with EmbeddedStore(settings, sample_schema()) as store:
        async with GremlinClient(store.endpoint, host=store) as client:
            assert await client.submit(COUNT, {"x": 256}) == [0]
            with pytest.raises(StoreUnavailableError) as refused:
                await client.submit(CREATE, {"x": 256}, writes=True)
            assert refused.value.reason is StoreReason.DISK_SPACE
        assert (store.outage(), store.has_space()) == (None, False)
    assert EmbeddedStore(store_settings(tmp_path), sample_schema()).has_space()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_stopped_host_stops_its_jvm(tmp_path: Path, sent: signal.Signals) -> None:
    """SIGTERM and SIGINT to the host end both processes, the host with exit code 0."""
    host, _, jvm = await start_host(tmp_path)
    host.send_signal(sent)
    assert await host.wait() == 0
    assert not is_alive(jvm)


async def test_the_jvm_of_a_killed_host_ends(tmp_path: Path) -> None:
    """After SIGKILL to the host its JVM ends without another start."""
    host, _, orphan = await start_host(tmp_path)
    host.kill()
    await host.wait()
    await until(lambda: not is_alive(orphan))


async def test_a_start_after_a_killed_host_ends_its_jvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGKILL to a host with a stopped JVM, the next start ends this JVM and finds the data."""
    monkeypatch.setattr(ownership, "_ORPHAN_SECONDS", 1.0)
    host, url, orphan = await start_host(tmp_path)
    await add(url, "mlg://model/a", 7)
    os.kill(orphan, signal.SIGSTOP)
    host.kill()
    await host.wait()
    async with EmbeddedStore(store_settings(tmp_path), sample_schema()) as store:
        assert not is_alive(orphan)
        assert await found(url_with_user_info(store.endpoint), "mlg://model/a") == ["mlg://model/a"]


async def test_a_second_store_on_the_same_data_is_refused(janusgraph: EmbeddedStore) -> None:
    """A store on the data of a running one is refused with the process id, and the running one is not affected."""
    folder = janusgraph.folder.parent
    with pytest.raises(DataInUseError, match=rf"in use by process {os.getpid()}.*MLG_DATA_DIR"):
        await EmbeddedStore(store_settings(folder), sample_schema()).start()
    assert await StoreGraph(url_with_user_info(janusgraph.endpoint), "g").run("g.inject(1)") == [1]


async def test_a_busy_port_is_refused(tmp_path: Path) -> None:
    """A port on which another program listens is refused with its number, and the data are not locked."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        store = EmbeddedStore(store_settings(tmp_path, MLG_STORE_PORT=str(port)), sample_schema())
        with pytest.raises(PortBusyError, match=rf"Port {port} .*MLG_STORE_PORT"):
            await store.start()
    assert store.state is StoreState.STOPPED
    assert json.loads((tmp_path / STORE_FOLDER / LOCK_FILE).read_bytes())["jvm"] is None


async def test_an_unknown_schema_version_is_refused(tmp_path: Path) -> None:
    """Data of another schema version are refused, and their stamp is unchanged."""
    (tmp_path / STORE_FOLDER).mkdir()
    stamp = tmp_path / STORE_FOLDER / "stamp.json"
    stamp.write_text('{"version": 9, "digest": "", "schema": {}}')
    with pytest.raises(SchemaMismatchError, match="schema version 9; this program uses version 1"):
        await EmbeddedStore(store_settings(tmp_path), sample_schema()).start()
    assert json.loads(stamp.read_text())["version"] == 9


async def test_a_jvm_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    """The error of a JVM that ends during its start contains its exit code and the cause from its log."""
    settings = store_settings(tmp_path, MLG_STORE_HEAP="nonsense")
    with pytest.raises(StoreStartError, match=r"ended while starting, with code 1\..*Invalid initial heap size"):
        await EmbeddedStore(settings, sample_schema()).start()
