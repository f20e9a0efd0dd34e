"""Takes the events of one request in: checks and maps each, writes all with the rights of the caller, reports each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import MappedEvent, map_event
from graphql_schema.fields.context import Context
from graphql_schema.inputs.submit import authorize_in, write_in
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteOutcome
from graphql_schema.ports.record import Json, JsonObject
from policies.errors import Code, CodedError

_CODES = {
    MutationErrorCode.DENIED: Code.DENIED,
    MutationErrorCode.CONFLICT: Code.CONFLICT,
    MutationErrorCode.NOT_FOUND: Code.NOT_FOUND,
}
"""The codes of a rejected event, by the error of the asset that it is about; INVALID for every other error."""


@dataclass(frozen=True, slots=True)
class EventResult:
    """The result of one event: its mapping and the outcome of each of its commands, or the error that rejects it."""

    mapped: MappedEvent | None = None
    outcomes: tuple[WriteOutcome, ...] = ()
    error: CodedError | None = None

    @property
    def outcome(self) -> Outcome:
        """The outcome of an accepted event: CREATED if its subject is new, UNCHANGED if nothing was written."""
        outcomes = [outcome.outcome for _, outcome in self.written]
        created = any(
            outcome.outcome is Outcome.CREATED
            for command, outcome in self.written
            if self.mapped is not None and _about(command) == self.mapped.subject
        )
        changed = Outcome.UPDATED if {Outcome.CREATED, Outcome.UPDATED} & {*outcomes} else Outcome.UNCHANGED
        return Outcome.CREATED if created else changed

    @property
    def written(self) -> Iterator[tuple[Command, WriteOutcome]]:
        """Yield each command with its outcome."""
        if self.mapped is not None:
            yield from zip(self.mapped.commands, self.outcomes, strict=True)


class EventIntake:
    """Takes events in, with the patterns of ``names``; ``clock`` returns epoch milliseconds."""

    def __init__(self, names: EventNames, clock: Callable[[], int]) -> None:
        self._names = names
        self._clock = clock

    async def take(self, context: Context, events: Sequence[Json]) -> list[EventResult]:
        """Write the events and return a result for each, in order.

        An event is rejected if it is malformed, or if the asset that it is about cannot be written. Other commands of
        the event may be written then. Raises ScopeError, and the CodedError of the writer: send all events again.
        """
        authorize_in(context)
        results = [self._mapped(each) async for each in context.budget.in_turns(events)]
        commands = [command for each in results if each.mapped is not None for command in each.mapped.commands]
        outcomes = iter(await write_in(context, commands))
        return [_with_outcomes(each, outcomes) for each in results]

    def _mapped(self, value: Json) -> EventResult:
        try:
            return EventResult(map_event(checked_event(value, self._clock()), self._names))
        except CodedError as error:
            return EventResult(error=error)


def _with_outcomes(result: EventResult, outcomes: Iterator[WriteOutcome]) -> EventResult:
    """Return the result with the next outcomes, one for each of its commands."""
    mapped = result.mapped
    if mapped is None:
        return result
    own = tuple(next(outcomes) for _ in mapped.commands)
    of_subject = next(
        outcome for command, outcome in zip(mapped.commands, own, strict=True) if _about(command) == mapped.subject
    )
    if of_subject.stored:
        return EventResult(mapped, own)
    refusal = of_subject.errors[0]
    return EventResult(mapped, own, CodedError(refusal.message, _CODES.get(refusal.code, Code.INVALID)))


def _about(command: Command) -> Json:
    """Return the id of the asset that a command is about: the first field of each command of a mapping."""
    return getattr(command, next(iter(command.__dataclass_fields__)))


def report_of(result: EventResult) -> JsonObject:
    """Return what became of an accepted event, for the response: ids, edges, and everything that was left out."""
    assert result.mapped is not None  # noqa: S101 - an accepted event has a mapping
    mapped = result.mapped
    refused = [
        {"id": _about(command), "code": error.code.value, "message": error.message}
        for command, outcome in result.written
        for error in outcome.errors
    ]
    changes = [outcome.observed for _, outcome in result.written if outcome.observed is not None]
    edges = [(field, far, reason) for each in changes for field, far, reason in each.refused]
    return {
        "subject": mapped.subject,
        "outcome": result.outcome.name,
        "resolved": [
            {"role": each.role, "namespace": each.namespace, "name": each.name, "id": each.urn, "rule": each.rule.value}
            for each in mapped.resolved
        ],
        "linked": [{"field": field, "id": far} for each in changes for field, far in each.linked],
        "ignored": [{"facet": facet, "reason": reason} for facet, reason in mapped.ignored],
        "refused": [*refused, *({"field": field, "id": far, "message": reason} for field, far, reason in edges)],
    }
