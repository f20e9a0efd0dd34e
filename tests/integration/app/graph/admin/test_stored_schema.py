"""The recorded versions of a store: written and read again, and found out where none are recorded."""

from dataclasses import replace

import pytest
from support.stores.janusgraph import StoreGraph

from app.graph.admin.schema_steps import FIRST_VERSION, SchemaPath, SchemaStep
from app.graph.admin.stored_schema import STATE, read_stored_schema, write_stored_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.native.mixed_index import INDEX
from app.store.errors import SchemaMismatchError


@pytest.fixture
def client(graph: StoreGraph) -> GremlinClient:
    """Return a client of a graph with the schema of the product."""
    return GremlinClient(graph.url, source=graph.source)


async def test_versions_are_stored_beside_the_data(graph: StoreGraph, client: GremlinClient) -> None:
    """What is written is read again, on one vertex of the self-check."""
    async with client:
        first = await read_stored_schema(client, SchemaPath(), INDEX)
        changed = replace(first, version=7, admits=6, filled=5, copying={"source": "x"}, recorded=True)
        for state in (first, changed, replace(changed, copying=None)):
            await write_stored_schema(client, state)
            assert await read_stored_schema(client, SchemaPath(), INDEX) == replace(state, recorded=True)
    assert await graph.run("g.V(x).label()", x=STATE) == ["SelfCheck"]


@pytest.mark.parametrize(
    ("keys", "version"),
    [((), 0), (("name",), 1), (("name", "urn"), 2), (("absent", "urn"), 0), (("name", "absent"), 1)],
)
async def test_a_store_without_the_record_has_the_version_of_its_index(
    client: GremlinClient, keys: tuple[str, ...], version: int
) -> None:
    """The version is that of the last step whose keys the index has, with all steps before it."""
    path = SchemaPath(tuple(SchemaStep(key, (key,)) for key in reversed(keys)))
    async with client:
        found = await read_stored_schema(client, path, INDEX)
    assert (found.version, found.admits, found.filled, found.recorded) == (*(FIRST_VERSION + version,) * 3, False)
    assert set(found.keys.values()) == {"ENABLED"}


async def test_a_store_without_a_schema_is_refused(client: GremlinClient) -> None:
    """A JanusGraph that was started without the schema is reported with the command that prints it."""
    async with client:
        with pytest.raises(SchemaMismatchError, match=r"has no schema\. Write it with `mlg store schema`"):
            await read_stored_schema(client, SchemaPath(), "absent")
