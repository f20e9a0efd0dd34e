"""The asset that a malformed event is about, as far as the event names it."""

from dataclasses import dataclass

from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import MAX_NAME_LENGTH, run_id_of
from graphql_schema.ports.record import Json
from policies.errors import InvalidError


@dataclass(frozen=True, slots=True)
class EventSubject:
    """The id of the asset that an event is about, and the namespace of its job or dataset."""

    urn: str
    source: str


def subject_of(event: Json, names: EventNames) -> EventSubject | None:
    """Return the run, job or dataset that a malformed event is about; None if the event does not name it."""
    if not isinstance(event, dict):
        return None
    try:
        job = _named(event.get("job"))
        run = event.get("run")
        if job is not None and isinstance(run, dict):
            return EventSubject(names.run(run_id_of(run.get("runId"), "run.runId")), job[0])
        if job is not None and run is None:
            return EventSubject(names.job(*job).urn, job[0])
        dataset = _named(event.get("dataset"))
        return None if dataset is None else EventSubject(names.dataset(*dataset).urn, dataset[0])
    except InvalidError:
        return None


def _named(member: Json) -> tuple[str, str] | None:
    """Return namespace and name of a job or dataset; None unless both are texts of 1 to MAX_NAME_LENGTH characters."""
    found = (member.get("namespace"), member.get("name")) if isinstance(member, dict) else (None, None)
    namespace, name = (each if isinstance(each, str) and len(each) <= MAX_NAME_LENGTH else "" for each in found)
    return (namespace, name) if namespace and name else None
