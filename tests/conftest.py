"""Fixtures for all tests: the JVM of the session and fresh graphs inside.

Hypothesis generates the same examples in every run, so that a failure comes from the change. Other examples are
generated with ``SEARCH=1 make test`` and by the targets that take a number of examples.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from support.servers.distributed.cluster import Cluster, running_cluster
from support.stores.janusgraph import EmbeddedHost, GraphHost, StoreGraph, open_graph, store_settings

from app.graph.admin.store_schema import store_schema as full_schema
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.schema_stamp import StoreSchema

settings.register_profile("steady", derandomize=True)
if not {"SEARCH", "EXAMPLES"} & os.environ.keys():
    settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the distributed store."""
    parser.addoption(
        "--distributed",
        action="store_true",
        help="open the graphs of tests on Cassandra, Elasticsearch and two JanusGraph servers",
    )


@pytest.fixture(autouse=True)
def log_of_the_test() -> Iterator[None]:
    """Undo what a command has configured for the log: its stream is closed after the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def store_schema() -> StoreSchema:
    """Return the schema of the session's graphs."""
    return full_schema()


@pytest.fixture(scope="session")
async def janusgraph(
    tmp_path_factory: pytest.TempPathFactory, store_schema: StoreSchema
) -> AsyncIterator[EmbeddedStore]:
    """Run the JanusGraph of the session."""
    async with EmbeddedStore(store_settings(tmp_path_factory.mktemp("janusgraph")), store_schema) as store:
        yield store


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory, store_schema: StoreSchema) -> AsyncIterator[Cluster]:
    """Run the distributed store of the session."""
    async with running_cluster(store_settings(tmp_path_factory.mktemp("cluster")), store_schema) as running:
        yield running


@pytest.fixture(scope="session")
def graph_host(request: pytest.FixtureRequest) -> GraphHost:
    """Return the host of the session's graphs: the distributed store with ``--distributed``, else the embedded one."""
    if request.config.getoption("distributed"):
        distributed: Cluster = request.getfixturevalue("cluster")
        return distributed
    return EmbeddedHost(request.getfixturevalue("janusgraph"))


@pytest.fixture(scope="session")
def graphs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for the files of the session's graphs."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
async def module_graph(
    graph_host: GraphHost, store_schema: StoreSchema, graphs_folder: Path
) -> AsyncIterator[StoreGraph]:
    """Open a fresh graph for the tests of one module."""
    async with open_graph(graph_host, store_schema, graphs_folder) as graph:
        yield graph


@pytest.fixture
async def graph(graph_host: GraphHost, store_schema: StoreSchema, graphs_folder: Path) -> AsyncIterator[StoreGraph]:
    """Open a fresh graph for one test."""
    async with open_graph(graph_host, store_schema, graphs_folder) as opened:
        yield opened
