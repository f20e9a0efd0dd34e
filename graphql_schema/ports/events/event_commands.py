"""Commands of the writer about events of sources: what became of them, and the queue of thin events."""

from dataclasses import dataclass

from graphql_schema.ports.record import Record


@dataclass(frozen=True, slots=True)
class RecordIngestionCommand:
    """Records what became of an event about the asset ``subject``.

    ``digest`` identifies the event, so that a repetition by the same caller finds the same record. ``source`` is the
    namespace of its sender, and ``state`` the name of an IngestionState. ``values`` are the other values of the record.
    If the event ``changed`` nothing, a stored record remains, unless it is a rejection and the event is accepted now.
    """

    subject: str
    digest: str
    source: str
    state: str
    changed: bool
    values: Record


@dataclass(frozen=True, slots=True)
class QueueThinEventCommand:
    """Makes the event about an object of a source pending; changes nothing if it is pending and not taken.

    ``subject`` is the workflow that represents the source, ``object_type`` and ``object_id`` name the object there. An
    event that is taken becomes pending again when it is finished.
    """

    subject: str
    object_type: str
    object_id: str


@dataclass(frozen=True, slots=True)
class TakeThinEventCommand:
    """Takes a pending event that is due: it is not due for other workers until its lease ends.

    Changes nothing if the event is not due. After too many attempts that never finished, the event becomes dead.
    """

    event: str


@dataclass(frozen=True, slots=True)
class FinishThinEventCommand:
    """Finishes the attempt with this number; rejected if the event was taken again meanwhile.

    ``reason`` is the code of the error for which the attempt failed, None if it succeeded. ``asset`` is the id of the
    asset that the object became, None if that is unknown, and ``outcome`` the name of an Outcome.
    """

    event: str
    attempt: int
    reason: str | None = None
    outcome: str | None = None
    asset: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayThinEventCommand:
    """Makes a dead event pending and due now; changes nothing if it is not dead."""

    event: str
