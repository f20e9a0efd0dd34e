"""An observer of a store client that keeps the reports of its requests."""

from collections import Counter
from dataclasses import dataclass, field

from app.graph.driver.gremlin_client import RequestReport

BESIDE = frozenset({"index", "ingestions", "learn", "receipts", "teams"})
"""Names of the statements that a process sends beside those of operations.

They belong to its periodic jobs, to what other processes write, and to the teams of a caller, kept for a minute.
"""


@dataclass(eq=False)
class ObservedRequests:
    """The finished requests of a client in order; append it to the observers of the client."""

    reports: list[RequestReport] = field(default_factory=list)

    def exchanged(self, exchange: RequestReport) -> None:
        """See :class:`app.graph.driver.gremlin_client.Observer`."""
        self.reports.append(exchange)

    @property
    def texts(self) -> Counter[str]:
        """The number of requests by text."""
        return Counter(report.prepared.text for report in self.reports)

    @property
    def of_operations(self) -> Counter[str]:
        """The number of requests of operations by text: all but those of BESIDE, which depend on the time."""
        return Counter(report.prepared.text for report in self.reports if report.prepared.name not in BESIDE)

    @property
    def attempts(self) -> list[int]:
        """Return the number of times that each request was sent."""
        return [report.attempts for report in self.reports]

    @property
    def failures(self) -> int:
        """The number of requests that ended with an error."""
        return sum(report.error is not None for report in self.reports)
