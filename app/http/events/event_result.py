"""The result of one event: its mapping and the outcomes of its commands, or the error that rejects it."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.ingest.sources.openlineage.event_subject import EventSubject
from app.ingest.sources.openlineage.mapping import MappedEvent
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Json
from policies.errors import CodedError


@dataclass(frozen=True, slots=True)
class EventResult:
    """The result of one event: its mapping, the outcomes of its commands, and the error if it was rejected.

    A malformed event has no mapping. An event whose own asset was not written has all three; its other commands may be
    written.

    ``about`` is the subject of a malformed event. It is None if the event does not name one, or is well-formed.
    """

    mapped: MappedEvent | None = None
    outcomes: tuple[WriteOutcome, ...] = ()
    error: CodedError | None = None
    about: EventSubject | None = None

    @property
    def outcome(self) -> Outcome:
        """The outcome of an accepted event: CREATED for a new subject, UNCHANGED if nothing changed, else UPDATED."""
        outcomes = [outcome.outcome for _, outcome in self.written]
        created = any(
            outcome.outcome is Outcome.CREATED
            for command, outcome in self.written
            if self.mapped is not None and about(command) == self.mapped.subject
        )
        changed = Outcome.UPDATED if {Outcome.CREATED, Outcome.UPDATED} & {*outcomes} else Outcome.UNCHANGED
        return Outcome.CREATED if created else changed

    @property
    def written(self) -> Iterator[tuple[Command, WriteOutcome]]:
        """Yield each command with its outcome."""
        if self.mapped is not None:
            yield from zip(self.mapped.commands, self.outcomes, strict=True)


def about(command: Command) -> Json:
    """Return the id of the asset that a command is about: the first field of each command of a mapping."""
    return getattr(command, next(iter(command.__dataclass_fields__)))
