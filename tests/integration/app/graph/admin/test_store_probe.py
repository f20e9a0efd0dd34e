"""The probe of a store: a real write, the index behind it, and the mark of the transactions."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, asset, person, shipped_policy, shipped_stops

from app.graph.admin.store_probe import StoreProbe
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import INDEX_MARK
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.touched import Touched
from app.store.errors import StoreReason
from app.store.self_check import VERTEX_ID

VERTICES = "g.V(xs).count()"


@pytest.fixture
async def client(graph: StoreGraph) -> AsyncIterator[GremlinClient]:
    """Connect to the graph of the test."""
    async with GremlinClient(graph.url, source=graph.source) as opened:
        yield opened


class Forgetful(GremlinClient):
    """A store that confirms every write and keeps none."""

    async def submit(
        self,
        _: PreparedStatement,
        __: Mapping[str, object],
        *,
        writes: Touched | bool = False,
        check: object = None,  # noqa: ARG002 - as the client has it
        caller: object = None,  # noqa: ARG002 - as the client has it
    ) -> list[Any]:
        """Return what an empty store returns."""
        return [True] if writes else [["", True]]


class Indexing(GremlinClient):
    """A store whose index has what is stored only between two transactions: the one under way takes long."""

    async def submit(
        self,
        _: PreparedStatement,
        bindings: Mapping[str, object],
        *,
        writes: Touched | bool = False,  # noqa: ARG002 - as the client has it
        check: object = None,  # noqa: ARG002 - as the client has it
        caller: object = None,  # noqa: ARG002 - as the client has it
    ) -> list[Any]:
        """Return whether the read is one between two transactions."""
        return [["", bindings["locked"]]]


async def test_a_long_transaction_is_no_lost_index() -> None:
    """The last attempt waits for the transaction under way: a restart of the store would end the service for all."""
    await StoreProbe(Indexing("http://127.0.0.1:1"), index_seconds=0).check_index()


async def test_probes_write_and_leave_one_vertex(graph: StoreGraph, client: GremlinClient) -> None:
    """Each probe stores another value on the same vertex, also if several processes probe at once."""
    values = set()
    for _ in range(3):
        await StoreProbe(client).check()
        values |= set(map(str, await graph.run("g.V(x).values('source')", x=VERTEX_ID)))
    assert len(values) == 3
    await asyncio.gather(*(StoreProbe(client).check() for _ in range(4)), return_exceptions=True)
    assert await graph.run("g.V(x).properties('source').count()", x=VERTEX_ID) == [1]
    assert await graph.run(VERTICES, xs=[VERTEX_ID, INDEX_MARK]) == [1]


async def test_a_store_that_keeps_nothing_is_found() -> None:
    """A store that answers 200 and commits nothing, as some settings cause, fails the probe with the setting."""
    with pytest.raises(StoreFailedError, match="strictTransactionManagement"):
        await StoreProbe(Forgetful("http://127.0.0.1:1")).check()


async def test_a_lost_index_is_found(graph: StoreGraph, client: GremlinClient, graphs_folder: Path) -> None:
    """A list of a lost index is empty without an error; the probe reads a document that must be there."""
    await StoreProbe(client).check()
    (graphs_folder / graph.source / "lucene" / "nodes").rename(graphs_folder / "lost")
    for _ in range(2):
        with pytest.raises(StoreUnavailableError) as found:
            await StoreProbe(client, index_seconds=0.1).check()
        assert found.value.reason is StoreReason.INDEX


async def test_the_mark_counts_what_the_index_must_have(
    graph: StoreGraph, client: GremlinClient, graphs_folder: Path
) -> None:
    """Each transaction with indexed vertices raises the mark; an index without the last of them fails the check."""
    writers = Writers(client, shipped_policy(), WriteCoordinator(shipped_stops()))
    root = writers.of(person("root", roles="admin"))
    for number in range(3):
        await root.write([asset("dataset d", {"description": f"version {number}"})], dry_run=False, atomic=False)
    assert await graph.run("g.V(x).values('updatedAt')", x=INDEX_MARK) == [3]
    await StoreProbe(client).check_index()
    index = graphs_folder / graph.source / "lucene" / "nodes"
    shutil.copytree(index, graphs_folder / "old")
    await root.write([asset("dataset d", {"description": "version 4"})], dry_run=False, atomic=False)
    index.rename(graphs_folder / "new")
    (graphs_folder / "old").rename(index)
    with pytest.raises(StoreUnavailableError) as found:
        await StoreProbe(client, index_seconds=0.1).check_index()
    assert found.value.reason is StoreReason.INDEX
