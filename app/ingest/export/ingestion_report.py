"""Sums up ingestions by source: how many events, what was refused, and which alarms their pattern raises."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final

from app.ingest.load.api_client import ApiClient
from graphql_schema.fields.scalars import parse_instant
from graphql_schema.ports.record import JsonObject
from graphql_schema.rules.observation.source_alarms import HOUR_MS, UNENDED_HOURS, is_mostly_new, is_silent, is_unended

_FINAL: Final = {"COMPLETE", "FAIL", "ABORT"}

_PAGE: Final = """query Ingestions($since: DateTime!, $after: Cursor) {
  ingestions(filter: {since: $since}, first: 500, after: $after) {
    nodes { source actor state eventType receivedAt subject { id } assets { outcome asset { id } } ignored { facet }
      names { role asset { id } } }
    pageInfo { hasNextPage endCursor } } }"""


@dataclass(slots=True)
class SourceReport:
    """Counts over the ingestions of one source; ``last_at`` is the arrival of the newest, in epoch milliseconds.

    ``named`` and ``created`` count datasets, each once per event that names it.
    """

    source: str
    events: int = 0
    rejected: int = 0
    partial: int = 0
    without_edges: int = 0
    ignored: int = 0
    created: int = 0
    named: int = 0
    last_at: int = 0
    senders: set[str] = field(default_factory=set)
    open_runs: dict[str, int] = field(default_factory=dict)
    ended_runs: set[str] = field(default_factory=set)

    def alarms(self, now: int) -> list[str]:
        """Return the alarms at ``now``, in epoch milliseconds; each is a sentence about what to check."""
        found = []
        if self.rejected:
            found.append(f"{self.rejected} events were rejected; `ingestions` has the reasons")
        if self.without_edges:
            found.append(f"{self.without_edges} events made no edge to the inputs and outputs that they name")
        if is_silent(self.last_at, now):
            found.append(f"silent for {(now - self.last_at) // HOUR_MS} hours")
        unended = [run for run, at in self.open_runs.items() if is_unended(at, now)]
        if unended:
            found.append(f"{len(unended)} runs have no end after {UNENDED_HOURS} hours, such as {min(unended)}")
        if is_mostly_new(self.events, self.named, self.created):
            found.append(f"{self.created} of {self.named} datasets are new; check the spelling of their namespaces")
        return found

    def add(self, node: JsonObject) -> None:
        """Count one ingestion."""
        at = parse_instant(node["receivedAt"])
        self.events += 1
        self.rejected += node["state"] == "REJECTED"
        self.partial += node["state"] == "PARTIAL"
        self.without_edges += node["state"] == "NO_EDGES"
        self.ignored += len(node["ignored"] or ())
        self.last_at = max(self.last_at, at)
        self.senders.add(node["actor"])
        self._count_datasets(node)
        subject = (node["subject"] or {}).get("id", "")
        if subject.startswith("mlg://run/") and node["state"] != "REJECTED":
            if node["eventType"] in _FINAL:
                self.ended_runs.add(subject)
                self.open_runs.pop(subject, None)
            elif subject not in self.ended_runs:
                self.open_runs[subject] = max(at, self.open_runs.get(subject, 0))

    def _count_datasets(self, node: JsonObject) -> None:
        datasets = {
            each["asset"]["id"] for each in node["names"] or () if each["role"] in {"input", "output", "dataset"}
        }
        created = {each["asset"]["id"] for each in node["assets"] or () if each["outcome"] == "CREATED"}
        self.named += len(datasets)
        self.created += len(datasets & created)

    def summary(self, now: int) -> JsonObject:
        """Return the report as JSON, with its alarms at ``now``, in epoch milliseconds."""
        return {
            "source": self.source,
            "senders": sorted(self.senders),
            "events": self.events,
            "rejected": self.rejected,
            "partial": self.partial,
            "withoutEdges": self.without_edges,
            "ignoredFacets": self.ignored,
            "newDatasets": self.created,
            "hoursSinceLast": round((now - self.last_at) / HOUR_MS, 1),
            "alarms": self.alarms(now),
        }


def by_source(nodes: Iterable[JsonObject]) -> list[SourceReport]:
    """Return one report per source, ordered by the name of the source."""
    reports: dict[str, SourceReport] = {}
    for node in nodes:
        reports.setdefault(node["source"], SourceReport(node["source"])).add(node)
    return [reports[name] for name in sorted(reports)]


async def read_ingestions(client: ApiClient, since: str) -> AsyncIterator[JsonObject]:
    """Yield the ingestions since an instant, the newest first; raises the errors of `ApiClient.execute`."""
    after = None
    while True:
        data = await client.execute(_PAGE, {"since": since, "after": after})
        page = data["ingestions"]
        for node in page["nodes"]:
            yield node
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
