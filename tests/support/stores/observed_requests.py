"""An observer of a store client that keeps the reports of its requests."""

from collections import Counter
from dataclasses import dataclass, field

from app.graph.driver.gremlin_client import RequestReport


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
    def attempts(self) -> list[int]:
        """Return the number of times that each request was sent."""
        return [report.attempts for report in self.reports]

    @property
    def failures(self) -> int:
        """The number of requests that ended with an error."""
        return sum(report.error is not None for report in self.reports)
