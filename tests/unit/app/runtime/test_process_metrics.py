"""The metrics of the parts of a process: docs/metrics.md lists all of them, and they follow what the parts do."""

import importlib
import pkgutil
import re

from support.source_tree import read

from app import graph
from app.graph.cache.graph_cache import GraphCache
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import WriteLog
from app.graph.driver.gremlin_client import GremlinClient, RequestReport
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.clock import epoch_milliseconds
from app.http.fair_queue import FairQueue, queue_metrics
from app.runtime.process_metrics import watch_process
from app.store.store_endpoint import StoreEndpoint
from app.telemetry.metrics import Metrics
from policies.errors import Code

SERVERS = [StoreEndpoint("http://127.0.0.1:1"), StoreEndpoint("http://127.0.0.1:2")]


def test_every_metric_is_documented() -> None:
    """docs/metrics.md lists the metrics of a process with cache, write log and several servers, and no other ones."""
    metrics, client, coordinator = Metrics(), GremlinClient(SERVERS), WriteCoordinator()
    client.write_order = WriteLog(client, coordinator)
    watch_process(metrics, client, coordinator, GraphCache(1 << 20))
    metrics.watch(lambda: queue_metrics({"reads": FairQueue()}))
    found = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
        if not family.name.startswith("process_")
    }
    assert found == set(re.findall(r"`(mlg_[a-z_]+)`(?=[^\n]*\|)", read("docs/metrics.md")))
    assert metrics.registry.get_sample_value("mlg_leader") == 0


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
    """Each prepared statement of `app/graph` has a name that docs/metrics.md lists."""
    (row,) = re.findall(r"(?m)^\| `mlg_store_requests_total`.*$", read("docs/metrics.md"))
    found = {
        value.name
        for module in pkgutil.walk_packages(graph.__path__, "app.graph.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, PreparedStatement)
    }
    assert found == {*re.findall(r"`([a-z_]+)`", row)} - {"mlg_store_requests_total"}


async def test_the_oldest_due_entry_has_an_age() -> None:
    """An entry that is due later counts, and not as due; one of a minute ago is 60 s old."""
    metrics, client, coordinator = Metrics(), GremlinClient("http://127.0.0.1:1"), WriteCoordinator()
    watch_process(metrics, client, coordinator, None)
    now = epoch_milliseconds()
    with coordinator.outbox.committing([OutboxEntry(256, "a", now - 60_000), OutboxEntry(512, "a", now, now * 2)]):
        pass
    value = metrics.registry.get_sample_value
    assert (value("mlg_outbox_entries"), value("mlg_outbox_due_entries")) == (2, 1)
    assert 60 <= (value("mlg_outbox_oldest_seconds") or 0) < 120


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
