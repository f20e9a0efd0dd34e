"""Fixtures for all tests: the JVM of the session and fresh graphs inside.

Hypothesis generates the same examples in every run, so that a failure comes from the change. Other examples are
generated with ``SEARCH=1 make test`` and by the targets that take a number of examples.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import pytest
import structlog
from hypothesis import settings
from support.servers.distributed.cluster import Cluster, running_cluster
from support.stores.janusgraph import EmbeddedHost, GraphHost, StoreGraph, open_graph, store_settings

from app.graph.admin.store_schema import store_schema as full_schema
from app.runtime.gc_tuning import MIDDLE_THRESHOLD, YOUNG_THRESHOLD
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.schema_stamp import StoreSchema
from policies import blurred_limit

DRAWS = blurred_limit.DRAWS

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


def pytest_configure() -> None:
    """Make all limits exact: a blurred one is lower by chance. Tests of chance take ``by_chance``."""
    blurred_limit.DRAWS = 0  # type: ignore[misc]


@pytest.fixture
def by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let blurred limits be lower by chance, as in a server."""
    monkeypatch.setattr(blurred_limit, "DRAWS", DRAWS)


@pytest.fixture
def lowest_limits(by_chance: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - for its effect
    """Let blurred limits be as low as chance makes them: three quarters, or a little more."""
    monkeypatch.setattr(blurred_limit, "randbelow", lambda below: below - 1)


def pytest_collectstart() -> None:
    """Pause the collection of garbage while tests are collected: it takes a quarter of that time, and finds little."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes: the last one would keep one worker busy while the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Exclude the tests and their modules, which stay until the end, from the garbage collections of the session."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def collections_of_the_session() -> Iterator[None]:
    """Let no API of this process tune the collector: it visits all objects at each start, and those frozen at its end.

    Servers in processes of their own do so, and ``tests/unit/app/runtime/test_gc_tuning.py``.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(YOUNG_THRESHOLD, MIDDLE_THRESHOLD)
    process = sys.modules.get("app.runtime.process")  # most unit tests alone do not need it, and to import it takes 1 s
    with patch.object(process, "short_collections", lambda *_: nullcontext()) if process else nullcontext():
        yield
    gc.set_threshold(*thresholds)


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
