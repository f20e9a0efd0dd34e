"""The metrics of the parts of a process: docs/metrics.md lists all of them, and they follow what the parts do."""

import importlib
import pkgutil
import re

from support.known_metrics import all_metrics, documented_metrics
from support.source_tree import read

from app import graph, runtime
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient, RequestReport
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.reading.level.level_statement import LEVEL
from app.runtime.process_metrics import watch_process
from app.store.store_endpoint import StoreEndpoint
from app.telemetry.metrics import Metrics
from policies.errors import Code

SERVERS = [StoreEndpoint("http://127.0.0.1:1"), StoreEndpoint("http://127.0.0.1:2")]


def test_every_metric_is_documented() -> None:
    """docs/metrics.md lists the metrics of a process that has everything, with their labels, and no other ones."""
    rows = re.findall(r"(?m)^\| (`mlg_[^|]+) \| ([^|]*)\|", read("docs/metrics.md"))
    listed = {
        name: frozenset(re.findall(r"\w+", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    }
    assert listed == {name: labels for name, labels in documented_metrics().items() if name.startswith("mlg_")}


def test_only_the_leader_runs_the_jobs() -> None:
    """A process over a store elsewhere that does not lead has a metric for it, which is 0."""
    assert all_metrics().registry.get_sample_value("mlg_leader") == 0


def test_requests_count_by_statement_and_code() -> None:
    """A level has its name, a text that operations do not send is other, and an error has its code."""
    metrics, client = Metrics(), GremlinClient("http://127.0.0.1:1")
    watch_process(metrics, client, WriteCoordinator(), None)
    for prepared, error in ((LEVEL, None), (LEVEL, Code.STORE_UNAVAILABLE), (PreparedStatement("g.V()"), None)):
        for observer in client.observers:
            observer.exchanged(RequestReport(prepared, writes=False, seconds=0.5, error=error))
    counted = {
        (statement, code): metrics.registry.get_sample_value(
            "mlg_store_requests_total", {"statement": statement, "code": code}
        )
        for statement, code in (("level", "OK"), ("level", "STORE_UNAVAILABLE"), ("other", "OK"))
    }
    assert set(counted.values()) == {1}


def test_every_statement_has_a_name() -> None:
    """Each prepared statement of the product has a name that docs/metrics.md lists."""
    (row,) = re.findall(r"(?m)^\| `mlg_store_requests_total`.*$", read("docs/metrics.md"))
    found = {
        value.name
        for package in (graph, runtime)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, PreparedStatement)
    }
    assert found == {*re.findall(r"`([a-z_]+)`", row)} - {"mlg_store_requests_total"}


def test_an_ejected_server_is_counted() -> None:
    """Of two servers, the one that was ejected twice is shown with its count and its state, the other with zeros."""
    metrics, client = Metrics(), GremlinClient(SERVERS)
    watch_process(metrics, client, WriteCoordinator(), None)
    first, second = client.pool.servers
    client.pool.eject(first, "UNREACHABLE")
    client.pool.readmit(first)
    client.pool.eject(first, "UNREACHABLE")

    def values(server: str) -> list[float | None]:
        names = ("ejections_total", "ejected", "in_flight")
        return [metrics.registry.get_sample_value(f"mlg_store_server_{name}", {"server": server}) for name in names]

    with client.pool.requesting(second):
        assert (values(first.url), values(second.url)) == ([2, 1, 0], [0, 0, 1])
