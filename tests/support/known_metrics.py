"""All metrics of a process, with their labels: what documents, dashboards and alert rules may name."""

from collections.abc import Mapping

from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase
from support.stores.two_processes import Host

from app.fair_queue import FairQueue
from app.graph.admin.jvm_sample import JvmSample
from app.graph.admin.thin_event_counts import WaitingEvents
from app.graph.cache.graph_cache import GraphCache
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import WriteLog
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.backlog import Backlog
from app.runtime.process_metrics import queue_metrics, watch_process
from app.runtime.readiness import Readiness
from app.runtime.store_health import StoreHealth
from app.runtime.thin_event_queues import Ranking, SourceCounts, ThinEventQueues
from app.store.store_endpoint import StoreEndpoint
from app.telemetry.metrics import Metrics
from app.webhooks.webhook_job import WebhookJob

SERVERS = [StoreEndpoint("http://127.0.0.1:1"), StoreEndpoint("http://127.0.0.1:2")]


def all_metrics() -> Metrics:
    """Return the metrics of a process that has everything: cache, write log, several servers and embedded store."""
    metrics, client, coordinator = Metrics("1"), GremlinClient(SERVERS, host=Host()), WriteCoordinator()
    client.write_order = WriteLog(client, coordinator)
    watch_process(metrics, client, coordinator, GraphCache(1 << 20))
    backlog = Backlog(coordinator.outbox)
    backlog.sample = backlog.by_kind()
    metrics.watch(backlog.metrics)
    metrics.watch(StoreHealth(client, Readiness(_ready, lambda: None), jvm=JvmSample(1, 2, 3.0, 4)).metrics)
    metrics.watch(ThinEventQueues(client, found=SourceCounts(Ranking({"prod": WaitingEvents(1, 1, 0)}))).metrics)
    metrics.watch(lambda: queue_metrics({"reads": FairQueue()}))
    metrics.watch(WebhookJob(None, None, None, "").metrics)  # type: ignore[arg-type]  # what counts needs no parts
    return metrics


async def _ready() -> None:
    return


def documented_metrics() -> dict[str, frozenset[str]]:
    """Return the labels of each metric of the product by its name, as documents name it."""
    return {name: labels for name, labels in series().items() if not name.endswith(("_bucket", "_sum", "_count"))}


def series() -> dict[str, frozenset[str]]:
    """Return the labels of each series by its name, those of the process included; a histogram also has its name."""
    registry = all_metrics().registry
    found: dict[str, frozenset[str]] = {}
    for collector in registry._collector_to_names:  # noqa: SLF001 - the registry has no public list
        if isinstance(collector, MetricWrapperBase):
            found |= _own_series(collector)
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, frozenset(sample.labels))
    return {name: labels for name, labels in found.items() if not name.endswith("_created")}


def _own_series(collector: MetricWrapperBase) -> Mapping[str, frozenset[str]]:
    labels = frozenset(collector._labelnames)  # noqa: SLF001 - a metric without children shows no labels
    name = collector._name  # noqa: SLF001 - as above
    if isinstance(collector, Counter):
        return {f"{name}_total": labels}
    if isinstance(collector, Histogram):
        return {name: labels, f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return {name: labels}
