"""The schema of a real store: steps to new versions with all their values, and what is refused with which command.

The steps here are made up: their native property is ``vendor`` of a record, and a set of it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.stores.janusgraph import StoreGraph, store_settings, url_with_user_info
from support.stores.writers import Writers, asset, person, shipped_policy, shipped_stops

from app.graph.admin import schema_upgrade
from app.graph.admin.schema_steps import FIRST_VERSION, SchemaPath, SchemaStep
from app.graph.admin.schema_upgrade import SchemaUpgrade
from app.graph.admin.store_schema import store_schema
from app.graph.admin.stored_schema import read_stored_schema, write_stored_schema
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.native.mixed_index import INDEX
from app.graph.records.native.vertex_values import native_values
from app.store.embedded.embedded_store import STORE_FOLDER, EmbeddedStore
from app.store.errors import SchemaMismatchError
from app.store.schema_stamp import STAMP_FILE, StoreSchema
from graphql_schema.ports.record import Record

pytestmark = pytest.mark.long

VENDOR = SchemaStep("the vendor", ("vendor", "vendors"))
HOME = SchemaStep("the home", ("home",))
STRICT = replace(HOME, online=False)
BASE = SchemaPath(()).version
SELL = "g.addV('Vendor').property(T.id, x).as('v').addV('Vendor').property(T.id, y).addE('SOLD_BY').from('v').label()"
FORGETS = PreparedStatement.of(
    """
def graph = g.getGraph()
def transaction = graph.newTransaction()
transaction.traversal().V().has('urn', 'any').hasNext()
def name = org.janusgraph.graphdb.internal.JanusGraphSchemaCategory.GRAPHINDEX.getSchemaName('nodes')
transaction.expireSchemaElement(transaction.getSchemaVertex(name).longId())
transaction.rollback()
[]
""",
    name="schema",
)
"""Opens a transaction that uses the index, and lets it forget the keys, as a change of the index does to open ones.

If it is the first that uses the index, searches and writes of the JVM fail from then on (docs/design/janusgraph.md).
"""
FOUND = "g.V().has('vendor', given).has('vendors', given).values('urn')"


def upgrade_of(*steps: SchemaStep, made: type[SchemaUpgrade] = SchemaUpgrade, **more: Any) -> SchemaUpgrade:
    """Return the upgrade of a program with these steps, oldest first."""
    path = SchemaPath(tuple(reversed(steps)))
    document = orjson.loads(store_schema().init_json)
    for name in (each for step in steps for each in step.indexed):
        many = "SET" if name == "vendors" else "SINGLE"
        document["propertyKeys"].append({"key": name, "className": "java.lang.String", "cardinality": many})
        mapping = {"key": "mapping", "value": "org.janusgraph.core.schema.Mapping.STRING", "parser": "enum"}
        document["mixedIndexes"][0]["keys"].append({"propertyKey": name, "parameters": [mapping]})
    if steps:
        document["vertexLabels"].append({"label": "Vendor"})
        document["edgeLabels"].append({"label": "SOLD_BY", "multiplicity": "SIMPLE"})
    schema = StoreSchema(path.version, orjson.dumps(document), path.upgrades, path.at_start)
    return made(schema=schema, path=path, values=values, **more)


def values(record: Record) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the native values of a record in a program with the steps."""
    single, sets = native_values(record)
    more = {"vendor": f"of {record['name']}", "home": "here"} if "index" in record else {}
    return single | more, sets | ({"vendors": [f"of {record['name']}", "all"]} if more else {})


@dataclass(frozen=True)
class DisturbedUpgrade(SchemaUpgrade):
    """An upgrade with the effect of a change of the schema on a transaction that is open meanwhile."""

    async def _enable(self, client: GremlinClient, names: Collection[str]) -> None:
        """See :class:`SchemaUpgrade`."""
        await super()._enable(client, names)
        await client.submit(FORGETS, {})


@dataclass(frozen=True)
class InterruptedUpgrade(SchemaUpgrade):
    """An upgrade that ends when the new keys of the index are there, and not enabled."""

    async def _enable(self, *_: object) -> None:
        """See :class:`SchemaUpgrade`."""
        raise RuntimeError("interrupted")


async def register(client: GremlinClient, names: Iterable[str]) -> None:
    """Register models as a program without the steps does."""
    writers = Writers(client, shipped_policy(), WriteCoordinator(shipped_stops()))
    items = [asset(f"model {name}") for name in names]
    await writers.of(person("root", roles="admin")).write(items, dry_run=False, atomic=False)


async def versions(client: GremlinClient) -> tuple[int, int, int]:
    """Return the versions that a store has recorded: its own, the oldest admitted one, and that of its values."""
    state = await read_stored_schema(client, SchemaPath(()), INDEX)
    assert state.recorded
    return state.version, state.admits, state.filled


@pytest.fixture(autouse=True)
def one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a new key only as long as a server alone needs."""
    monkeypatch.setattr(schema_upgrade, "SHOWN_SECONDS", 3.0)


@pytest.fixture
def client(graph: StoreGraph) -> GremlinClient:
    """Return a client of a graph with the schema of the product."""
    return GremlinClient(graph.url, source=graph.source)


async def test_a_step_online_and_its_completion(graph: StoreGraph, client: GremlinClient) -> None:
    """While both versions run, new keys work and older programs are admitted; the command then writes all values."""
    async with client:
        await upgrade_of().prepare(client)
        await register(client, ("a", "b"))
        await upgrade_of(VENDOR).prepare(client)
        assert await versions(client) == (BASE + 1, BASE, BASE)
        await register(client, ("c",))  # by a program without the step
        await upgrade_of().prepare(client)  # which may also start
        assert await graph.run(FOUND, given="of a") == []
        await upgrade_of(VENDOR, commanded=True).prepare(client)
        assert await versions(client) == (BASE + 1,) * 3
        for name in "abc":
            assert await graph.run(FOUND, given=f"of {name}") == [f"mlg://model/test/default/{name}"]
        assert len(await graph.run(FOUND, given="all")) == 0
        assert len(await graph.run("g.V().has('vendors', 'all').id()")) == 3
        assert await graph.run("g.V().has('urn', 'mlg://model/test/default/a').values('name')") == ["a"]
        with pytest.raises(SchemaMismatchError, match=rf"version {BASE + 1}; this program uses version {BASE}\. Use"):
            await upgrade_of().prepare(client)
        assert await graph.run(SELL, x=7 << 8, y=8 << 8) == ["SOLD_BY"]


async def test_steps_that_are_not_online_need_the_command(graph: StoreGraph, client: GremlinClient) -> None:
    """A start names the command; the command takes all steps and refuses older programs first."""
    async with client:
        await upgrade_of().prepare(client)
        await register(client, ("a",))
        with pytest.raises(SchemaMismatchError, match="Stop all processes of the store, write a backup, and run"):
            await upgrade_of(VENDOR, STRICT).prepare(client)
        assert await versions(client) == (BASE,) * 3
        await upgrade_of(VENDOR, STRICT, commanded=True).prepare(client)
        assert await versions(client) == (BASE + 2,) * 3
        assert await graph.run("g.V().has('home', 'here').values('vendor')") == ["of a"]
        await upgrade_of(VENDOR, STRICT).prepare(client)


async def test_an_interrupted_upgrade_is_repeated(graph: StoreGraph, client: GremlinClient) -> None:
    """After a step whose values were not all written, the next run writes them."""
    async with client:
        await register(client, ("a",))
        upgrade = upgrade_of(VENDOR, HOME, alone=True)

        def interrupted(_record: Record) -> Any:
            raise RuntimeError("interrupted")

        with pytest.raises(RuntimeError, match="interrupted"):
            await replace(upgrade, values=interrupted).prepare(client)
        assert await versions(client) == (BASE + 2, BASE + 2, BASE)
        await upgrade.prepare(client)
        assert await versions(client) == (BASE + 2,) * 3
        assert await graph.run("g.V().has('home', 'here').has('vendor', 'of a').values('name')") == ["a"]


async def test_other_stores_are_refused(client: GremlinClient) -> None:
    """A newer, an older and an unfinished store, and one that lacks keys, are refused with what to do."""
    async with client:
        state = await upgrade_of().prepare(client)
        for changed, message in (
            (replace(state, version=BASE + 7, admits=BASE + 7), "Use the release of `mlg` that upgraded it"),
            (replace(state, version=FIRST_VERSION - 1), "This program upgrades no other version. Export the data with"),
            (replace(state, copying={"source": "x"}), "is being filled by `mlg store copy`"),
        ):
            await write_stored_schema(client, changed)
            with pytest.raises(SchemaMismatchError, match=message):
                await upgrade_of().prepare(client)
        await write_stored_schema(client, replace(state, version=BASE + 1))
        with pytest.raises(SchemaMismatchError, match="The index of the store lacks vendor, vendors"):
            await upgrade_of(VENDOR).prepare(client)


async def test_a_store_on_a_full_disk_starts(tmp_path: Path) -> None:
    """Without space the version is not recorded, reads are served, and a later start records it."""
    full = store_settings(tmp_path, MLG_STORE_FREE_BYTES=str(1 << 60))
    for settings, recorded in ((full, False), (store_settings(tmp_path), True)):
        store = EmbeddedStore(settings, store_schema(), keeper=upgrade_of(alone=True))
        async with store, GremlinClient(store.endpoint) as client:
            assert (await read_stored_schema(client, SchemaPath(()), INDEX)).recorded is recorded


async def test_the_embedded_store_is_upgraded_at_its_start(tmp_path: Path) -> None:
    """Data of the version before get keys, index, values and stamp, and can be searched, before a request is served."""
    settings, stamp = store_settings(tmp_path), tmp_path / STORE_FOLDER / STAMP_FILE
    plain = upgrade_of(alone=True)
    first = EmbeddedStore(settings, plain.schema, keeper=plain)
    async with first, GremlinClient(first.endpoint) as client:
        await register(client, ("a",))
    strict = upgrade_of(VENDOR, STRICT, alone=True)
    with pytest.raises(SchemaMismatchError, match="run `mlg store upgrade`"):
        await EmbeddedStore(settings, strict.schema, keeper=strict).start()
    assert orjson.loads(stamp.read_bytes())["version"] == BASE
    newer = upgrade_of(VENDOR, made=DisturbedUpgrade, alone=True)
    async with EmbeddedStore(settings, newer.schema, keeper=newer) as store:
        async with GremlinClient(store.endpoint) as client:
            assert await versions(client) == (BASE + 1,) * 3
        assert store.starts == 2
        graph = StoreGraph(url_with_user_info(store.endpoint), "g")
        assert await graph.run(FOUND, given="of a") == ["mlg://model/test/default/a"]
    assert orjson.loads(stamp.read_bytes())["version"] == BASE + 1
    with pytest.raises(SchemaMismatchError, match="Use the release of `mlg` that wrote them, or a later one"):
        await EmbeddedStore(settings, plain.schema, keeper=plain).start()


async def test_a_step_of_the_embedded_store_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    """A store without a recorded version, whose start was interrupted in a step, takes it at its next start."""
    settings, plain = store_settings(tmp_path), upgrade_of()
    async with EmbeddedStore(settings, plain.schema) as store, GremlinClient(store.endpoint) as client:
        await register(client, ("a",))
    interrupted = upgrade_of(VENDOR, made=InterruptedUpgrade, alone=True)
    with pytest.raises(RuntimeError, match="interrupted"):
        await EmbeddedStore(settings, interrupted.schema, keeper=interrupted).start()
    newer = upgrade_of(VENDOR, alone=True)
    async with EmbeddedStore(settings, newer.schema, keeper=newer) as store:
        async with GremlinClient(store.endpoint) as client:
            assert await versions(client) == (BASE + 1,) * 3
        graph = StoreGraph(url_with_user_info(store.endpoint), "g")
        assert await graph.run(FOUND, given="of a") == ["mlg://model/test/default/a"]
