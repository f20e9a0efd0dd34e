"""Records what became of an event: one attached record of the asset that the event is about.

Its URN is made of asset, caller and event, so that a repetition finds the same record. A repetition that changed
nothing leaves the record as it is: it shows what the event did when it first arrived. An accepted event replaces its
earlier rejection.
"""

from app.graph.writing.rules.attach import attached_urn, new_attached_record
from app.graph.writing.rules.permissions import refuse_deleted, require_right, require_visible
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.relations import INGESTED_INTO
from graphql_schema.observability.ingestions import IngestionState
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome


def ingestion_urn(author: Author, subject: str, digest: str) -> str:
    """Return the URN of the record of an event that the author sent."""
    return attached_urn(author.tenant, "ingestion", subject, author.subject, digest)


def record_ingestion(unit: ItemUnit, command: RecordIngestionCommand) -> WriteOutcome:
    """Record an ingestion; raises RejectedItemError if the subject is hidden or the caller may not update it.

    The error is also raised if the subject is deleted, unless the event was rejected: that may be the reason.
    """
    urn = ingestion_urn(unit.author, command.subject, command.digest)
    unit.lookup.require_records(command.subject, urn)
    subject = require_visible(unit, command.subject, "subject")
    require_right(unit, "update", subject)
    rejected = IngestionState.REJECTED.name
    if command.state != rejected:
        refuse_deleted(subject)
    before = unit.lookup.record(urn)
    replaces = before is not None and before["state"] == rejected and command.state != rejected
    if before is not None and not (command.changed or replaces):
        return WriteOutcome(Outcome.UNCHANGED, command.subject, created_record=urn)
    identity = {
        "subject": command.subject,
        "subjects": [command.subject],
        "actor": unit.author.subject,
        "source": command.source,
        "state": command.state,
    }
    record = new_attached_record(unit, urn, unit.now, **identity, **command.values)
    vid = unit.lookup.vid(urn)
    if before is None:
        unit.staging.put(vid, record)
        unit.staging.attach(INGESTED_INTO, vid, unit.lookup.vid(command.subject), unit.now)
        return WriteOutcome(Outcome.CREATED, command.subject, created_record=urn)
    unit.staging.put(vid, {**record, "createdAt": before["createdAt"]})
    return WriteOutcome(Outcome.UPDATED, command.subject, created_record=urn)
