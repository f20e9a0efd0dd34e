"""The metrics of a process in the form of Prometheus: counted as operations end, or read when they are scraped.

docs/metrics.md lists them. No label has a value of a caller, except for the names of operations, which
:mod:`app.telemetry.label_cap` bounds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.telemetry.operation_metrics import SECONDS, OperationMetrics
from app.telemetry.operation_report import OperationReport
from app.telemetry.work_metrics import WorkMetrics
from graphql_schema.ports.policy_report import PolicyReport

Source = Callable[[], Iterable[Metric]]
"""Returns metrics as they are now; called in the thread of the metrics server."""


class Metrics:
    """The metrics of one process; ``release`` is the version of the application."""

    def __init__(self, release: str = "") -> None:
        self.registry = CollectorRegistry()
        self._sources: list[Source] = []
        self._operations = OperationMetrics(self.registry)
        self.work = WorkMetrics(self.registry)
        self._store = self._counter(
            "mlg_store_requests", "Requests to JanusGraph, by statement, and the code or OK.", "statement", "code"
        )
        self._store_seconds = Histogram(
            "mlg_store_request_seconds",
            "Seconds of a request to JanusGraph, with the wait for a slot, by statement.",
            ["statement"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._hidden = self._counter(
            "mlg_hidden_values", "Values of fields that the policy hid from callers, by type and field.", "field"
        )
        self._refused = self._counter("mlg_refused_actions", "Writes that the policy refused, by action.", "action")
        self._break_glass = self._counter(
            "mlg_break_glass_responses", "Responses to callers who use break-glass access."
        )
        self._mismatches = self._counter(
            "mlg_policy_mismatches", "Records that the index returned and the policy hides; a defect of its conditions."
        )
        self._unlogged = self._counter(
            "mlg_access_log_failures", "Responses that were withheld, because the access log could not be written."
        )
        self._responses = self._counter(
            "mlg_http_responses",
            "HTTP responses, by route, by stage (`operation` of GraphQL or events, else `before`), and by status.",
            *("route", "stage", "status"),
        )
        self.registry.register(_SourceCollector(self._sources))
        self.watch(lambda: [gauges("mlg_build_info", "1, with the release.", "version", {release: 1})])
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def watch(self, source: Source) -> None:
        """Add a source of metrics that are read when they are scraped."""
        self._sources.append(source)

    def operation(self, report: OperationReport) -> None:
        """Count an operation that has ended."""
        self._operations.add(report)

    def response(self, route: str, stage: str, status: int) -> None:
        """Count an HTTP response."""
        self._responses.labels(route, stage, str(status)).inc()

    def store_request(self, statement: str, code: str, seconds: float) -> None:
        """Count a request to the store that has ended."""
        self._store.labels(statement, code).inc()
        self._store_seconds.labels(statement).observe(seconds)

    def policy(self, report: PolicyReport, *, break_glass: bool) -> None:
        """Count what the policy decided for one response."""
        for field, number in report.hidden.items():
            self._hidden.labels(field).inc(number)
        refused = defaultdict[str, int](int)
        for (action, _, _), number in report.refused.items():
            refused[str(action)] += number
        for action, number in refused.items():
            self._refused.labels(action).inc(number)
        self._mismatches.inc(report.mismatches)
        if break_glass:
            self._break_glass.inc()

    def response_withheld(self) -> None:
        """Count a response that was not sent, because the access log could not be written."""
        self._unlogged.inc()


class _SourceCollector:
    """The collector of all sources."""

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all sources."""
        for source in self._sources:
            yield from source()


def gauge(name: str, about: str, value: float) -> Metric:
    """Return a metric with one value that may go up and down."""
    return GaugeMetricFamily(name, about, value=value)


def count(name: str, about: str, value: float) -> Metric:
    """Return a metric with one value that only grows."""
    return CounterMetricFamily(name, about, value=value)


def gauges(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a metric with a value for each value of one label."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def counts(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a metric with a value that only grows for each value of one label."""
    family = CounterMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
