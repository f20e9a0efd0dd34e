"""The metrics of a process in the form of Prometheus: counted as operations end, or read when they are scraped.

docs/metrics.md lists them. No label has a value of a caller, except for the names of operations; at most MAX_NAMES of
these are labels, and further ones count as OTHER.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphql import GraphQLError
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from policies.errors import CodedError

MAX_NAMES: Final = 500
"""Maximum number of names of operations that are labels."""

MAX_NAME_LENGTH: Final = 100
"""Maximum number of characters of such a name."""

OTHER: Final = "(other)"
UNNAMED: Final = "(unnamed)"
OK: Final = "OK"

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets of durations."""

Source = Callable[[], Iterable[Metric]]
"""Returns metrics as they are now; called in the thread of the metrics server."""


@dataclass(slots=True)
class OperationReport:
    """One operation over HTTP: its name, the code of its first error or OK, and its seconds.

    ``kind`` is its type, such as `query`; None if it was not executed. ``errors`` are those of its result, each with
    the error that the response shows.
    """

    name: str | None = None
    kind: str | None = None
    code: str = OK
    seconds: float = 0.0
    errors: Sequence[tuple[GraphQLError, CodedError]] = ()


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._names: set[str] = set()
        self._sources: list[Source] = []
        self._operations = Counter(
            "mlg_operations",
            "Operations over HTTP, by name, type, and the code of the first error or OK.",
            ["operation", "type", "code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "mlg_operation_seconds",
            "Seconds from the head of a request to its response, by name and type of the operation.",
            ["operation", "type"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._store = Counter(
            "mlg_store_requests",
            "Requests to JanusGraph, by statement, and the code of the error or OK.",
            ["statement", "code"],
            registry=self.registry,
        )
        self._store_seconds = Histogram(
            "mlg_store_request_seconds",
            "Seconds of a request to JanusGraph, with the wait for a slot, by statement.",
            ["statement"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._hidden = Counter(
            "mlg_hidden_values",
            "Values of fields that the policy hid from callers, by type and field.",
            ["field"],
            registry=self.registry,
        )
        self._refused = Counter(
            "mlg_refused_actions", "Writes that the policy refused, by action.", ["action"], registry=self.registry
        )
        self._break_glass = Counter(
            "mlg_break_glass_responses", "Responses to callers who use break-glass access.", registry=self.registry
        )
        self.registry.register(_SourceCollector(self._sources))
        ProcessCollector(registry=self.registry)

    def watch(self, source: Source) -> None:
        """Add a source of metrics that are read when they are scraped."""
        self._sources.append(source)

    def operation(self, report: OperationReport) -> None:
        """Count an operation that has ended."""
        name, kind = self._label(report.name), report.kind or "query"
        self._operations.labels(name, kind, report.code).inc()
        self._seconds.labels(name, kind).observe(report.seconds)

    def store_request(self, statement: str, code: str, seconds: float) -> None:
        """Count a request to the store that has ended."""
        self._store.labels(statement, code).inc()
        self._store_seconds.labels(statement).observe(seconds)

    def policy(self, hidden: Mapping[str, int], refused: Iterable[str], *, break_glass: bool) -> None:
        """Count what the policy decided for one response: hidden values by ``Type.field``, and refused actions."""
        for field, count in hidden.items():
            self._hidden.labels(field).inc(count)
        for action in refused:
            self._refused.labels(action).inc()
        if break_glass:
            self._break_glass.inc()

    def _label(self, name: str | None) -> str:
        """Return the label of an operation; a client may send any number of names."""
        if not name:
            return UNNAMED
        if name not in self._names:
            if len(self._names) >= MAX_NAMES or len(name) > MAX_NAME_LENGTH:
                return OTHER
            self._names.add(name)
        return name


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
