"""Metrics of the store, the cache, the jobs, the writers and the queues of a process, read when they are scraped."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.metrics_core import Metric

from app.fair_queue import FairQueue
from app.graph.cache.graph_cache import GraphCache
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient, RequestReport
from app.graph.driver.server_pool import Server
from app.telemetry.metrics import Metrics, count, counts, gauge, gauges
from app.telemetry.operation_report import OK


class StoreRequests:
    """Counts the requests of a client; implements :class:`app.graph.driver.gremlin_client.Observer`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def exchanged(self, exchange: RequestReport) -> None:
        """Count a finished request by the name of its statement and its code, with its seconds."""
        code = OK if exchange.error is None else str(exchange.error)
        self._metrics.store_request(exchange.prepared.name, code, exchange.seconds)


def watch_process(
    metrics: Metrics, client: GremlinClient, coordinator: WriteCoordinator, cache: GraphCache | None
) -> None:
    """Add the metrics of the parts of a running process, and count the requests of its client."""
    client.observers.append(StoreRequests(metrics))
    metrics.watch(lambda: _writer_metrics(client, coordinator))
    if client.pool.spreads:
        metrics.watch(lambda: _server_metrics(client.pool.servers))
    if cache is not None:
        metrics.watch(lambda: _cache_metrics(cache))


def _server_metrics(servers: Sequence[Server]) -> Iterator[Metric]:
    ejections = {server.url: server.ejections for server in servers}
    yield counts("mlg_store_server_ejections", "Times that a server of the store was ejected.", "server", ejections)
    ejected = {server.url: server.ejected_at is not None for server in servers}
    yield gauges("mlg_store_server_ejected", "1 if a server gets no requests at present, else 0.", "server", ejected)
    in_flight = {server.url: server.in_flight for server in servers}
    yield gauges("mlg_store_server_in_flight", "Requests that wait for a response of a server.", "server", in_flight)


def _cache_metrics(cache: GraphCache) -> Iterator[Metric]:
    counters = cache.counters
    yield count("mlg_cache_hits", "Entries of the graph cache that were found when wanted.", counters.hits)
    yield count("mlg_cache_misses", "Entries of the graph cache that were not found when wanted.", counters.misses)
    yield count("mlg_cache_evictions", "Entries of the graph cache that were dropped for space.", counters.evictions)
    yield gauge("mlg_cache_bytes", "Estimated bytes of the entries of the graph cache.", cache.size)


def _writer_metrics(client: GremlinClient, coordinator: WriteCoordinator) -> Iterator[Metric]:
    floors = len(coordinator.outbox.floors.active)
    yield gauge("mlg_sensitivity_floors", "Active sensitivity floors.", floors)
    yield gauge("mlg_waiting_writes", "Batches of writers that wait for the next transaction.", len(coordinator.queue))
    yield gauge("mlg_change_readers", "Subscriptions that wait for a change.", coordinator.commit_log.waiting)
    order = client.write_order
    if order is not None:
        yield gauge("mlg_write_log_number", "Number of the last transaction that this process knows.", order.known)
        yield gauge("mlg_write_log_lag", "Transactions of other processes that the last look found.", order.lag)
        state = coordinator.index_state
        yield gauge("mlg_index_lag", "Transactions that are not known to be in the index.", state.lag)
        yield count(
            "mlg_index_repaired", "Documents that the index lacked and that were written again.", state.differing
        )
        yield count("mlg_index_failed", "Documents that differed after they were written again.", state.failed)
        yield gauge("mlg_leader", "1 if this process runs the background jobs, else 0.", order.leads)


def queue_metrics(queues: Mapping[str, FairQueue]) -> Iterator[Metric]:
    """Yield the metrics of queues by name."""
    for name in ("running", "waiting"):
        values = {key: float(getattr(queue, name)) for key, queue in queues.items()}
        about = f"Operations over HTTP, or requests to the store, that are {name}, by queue."
        yield gauges(f"mlg_{name}_operations", about, "queue", values)
