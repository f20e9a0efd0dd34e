"""Takes the events of one request in: checks and maps each, writes all with the rights of the caller, reports each."""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Final

from app.http.events.event_result import EventResult, about
from app.http.events.ingestion_record import digest_of, ingestion_of, rejection_of
from app.http.events.merged_names import with_remaining
from app.ingest.sources.openlineage.contribution import MAX_IGNORED
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.event_subject import subject_of
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import MappedEvent, map_event
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_in_parts, run_in_turn
from graphql_schema.fields.context import Context
from graphql_schema.inputs.submit import authorize_in, write_in
from graphql_schema.ports.commands import Command, EventCommand
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import MutationErrorCode, WriteOutcome
from graphql_schema.ports.record import Json, JsonObject
from policies.errors import Code, CodedError

_CODES = {
    MutationErrorCode.DENIED: Code.DENIED,
    MutationErrorCode.CONFLICT: Code.CONFLICT,
    MutationErrorCode.NOT_FOUND: Code.NOT_FOUND,
    MutationErrorCode.LIMIT_EXCEEDED: Code.LIMIT_EXCEEDED,
}
"""The codes of a rejected event, by the error of the asset that it is about; INVALID for every other error."""


MAX_IGNORED_TOGETHER: Final = 5_000
"""Once the events of a request have reported so many ignored parts, each further one reports FEW_IGNORED.

A part of two bytes has a path of hundreds of characters in the report: without a limit that is 83 MB for a batch.
"""

FEW_IGNORED: Final = 10
"""Each event reports so many of its ignored parts at least, however many the earlier events of the request had."""


class EventIntake:
    """Takes events in; ``names`` makes the ids of what events name, and ``clock`` returns epoch milliseconds."""

    def __init__(self, names: EventNames, clock: Callable[[], int]) -> None:
        self._names = names
        self._clock = clock

    async def take(self, context: Context, events: Sequence[Json], *, are_long: bool = False) -> list[EventResult]:
        """Write the events and return a result for each, in order.

        Events that ``are_long`` are mapped in the side thread, and their results are made there. An event and its
        record are written in one transaction, unless the event has very many commands.

        An event is rejected if it is malformed, or if the asset that it is about cannot be written. Other commands of
        the event may be written then. Each accepted event is recorded. So is each rejected one that names its asset, if
        the caller may update the asset. Raises ScopeError, and the CodedError of the writer: send all events again.
        """
        authorize_in(context)
        mapped, ignored = list[tuple[EventResult, Command | None]](), 0
        async for each in context.budget.in_turns(events):
            reported = min(MAX_IGNORED, max(FEW_IGNORED, MAX_IGNORED_TOGETHER - ignored))
            steps = self._mapping(each, context.cursor_key, reported)
            mapped.append(await run_in_parts(steps, is_long=are_long, between=context.budget.check))
            known = mapped[-1][0].mapped
            ignored += 0 if known is None else len(known.ignored)
        commands = [command for result, command in mapped if command is not None and result.mapped is not None]
        rejections = [command for result, command in mapped if command is not None and result.mapped is None]
        outcomes = iter(await write_in(context, [*commands, *rejections]))
        return [
            result
            if result.mapped is None
            else await run_in_turn(_with_outcomes, are_long, result.mapped, next(outcomes).parts)
            # not the budget of the operation: if that has ended, the results of what was written would be lost
            async for result, _ in OperationBudget().in_turns(mapped)
        ]

    def _mapping(
        self, value: Json, secret: bytes, max_ignored: int
    ) -> Generator[None, None, tuple[EventResult, Command | None]]:
        """Return the result of an event before it is written, and what is to be written.

        Of a malformed event, this is the record of its rejection, or None.
        """
        try:
            mapped = yield from map_event(checked_event(value, self._clock()), self._names, max_ignored)
        except CodedError as error:
            forget_frames(error)  # they lead to the event, and to the result that has the error
            rejected = EventResult(error=error, about=subject_of(value, self._names))
            return rejected, rejection_of(rejected, digest_of(value, secret), value)
        digest = digest_of(value, secret)
        return EventResult(mapped), EventCommand(
            mapped.subject, digest, mapped.commands, partial(_record_of, mapped, digest)
        )


def _with_outcomes(mapped: MappedEvent, own: tuple[WriteOutcome, ...]) -> EventResult:
    """Return the result of a mapped event with the outcomes of its commands.

    If the asset that the event is about was not stored, the result also has the error that rejects the event.
    """
    of_subject = next(
        outcome for command, outcome in zip(mapped.commands, own, strict=True) if about(command) == mapped.subject
    )
    written = with_remaining(mapped, own)
    if of_subject.stored:
        return EventResult(written, own)
    refusal = of_subject.errors[0]
    return EventResult(written, own, CodedError(refusal.message, _CODES.get(refusal.code, Code.INVALID)))


def _record_of(mapped: MappedEvent, digest: str, own: tuple[WriteOutcome, ...]) -> RecordIngestionCommand | None:
    """Return the command that records a mapped event with these outcomes; None for a rejected one without a right."""
    written = _with_outcomes(mapped, own)
    return ingestion_of(written, digest) if written.error is None else rejection_of(written, digest)


def report_of(result: EventResult) -> JsonObject:
    """Return what became of an accepted event, for the response: ids, edges, and everything that was left out."""
    assert result.mapped is not None  # noqa: S101 - an accepted event has a mapping
    mapped = result.mapped
    refused = [
        {"id": about(command), "code": error.code.value, "message": error.message}
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
        "ignored": [{"facet": each.facet, "reason": each.reason} for each in mapped.ignored],
        "refused": [*refused, *({"field": field, "id": far, "message": reason} for field, far, reason in edges)],
    }
