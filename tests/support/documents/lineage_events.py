"""Events of OpenLineage, and their mappings, for tests."""

from typing import Any

from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import MappedEvent, map_event
from graphql_schema.execution.side_thread import run_at_once

LATER = 1_800_000_000_000
"""An instant after that of all events of tests, in epoch milliseconds."""


def mapped(kind: str = "COMPLETE", **more: Any) -> MappedEvent:
    """Return the mapping of a run event with a job and one output; ``run``, ``job`` and ``dataset`` are facets."""
    event = {
        "eventTime": "2026-11-24T09:00:00Z",
        "eventType": kind,
        "run": {"runId": "11111111-1111-4111-8111-111111111111", "facets": more.get("run", {})},
        "job": {"namespace": "jobs", "name": "nightly", "facets": more.get("job", {})},
        "outputs": [{"namespace": "postgres://db:5432", "name": "daily", "facets": more.get("dataset", {})}],
    }
    return run_at_once(map_event(checked_event(event, LATER), EventNames()))
