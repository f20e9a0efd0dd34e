"""The mutation `recordUsage`: many days of many assets and consumers in one call.

A rejected record does not prevent the others.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, stored_field
from graphql_schema.fields.scalars import Day
from graphql_schema.inputs.input_fields import dry_run_field, optional_input
from graphql_schema.inputs.payloads import MutationError, errors
from graphql_schema.inputs.submit import MAX_BULK_ITEMS, authorize, invalid_outcome, write
from graphql_schema.inputs.values import InputError, asset_kind, require_kind
from graphql_schema.ports.commands import RecordUsageCommand
from graphql_schema.ports.outcomes import WriteOutcome
from policies.errors import LimitError

CONSUMERS: Final = ("Team", "User", "Service")
"""Kinds of consumers."""

MAX_COUNT: Final = 1e15
"""Maximal value of one counter of one day except the cost, so that sums stay exact enough for JSON numbers."""


MAX_COST_USD: Final = 1e6
"""Maximal cost in US dollars of one record: what one consumer plausibly spends on one asset in one day."""


@strawberry.input(description="Usage of one asset by one consumer on one day, with one or more counters.")
class UsageInput:
    """Usage of one asset by one consumer on one day, with one or more counters."""

    asset: strawberry.ID = strawberry.field(description="Id of the used asset.")
    consumer: strawberry.ID = strawberry.field(description="Id of the team, user or service that used the asset.")
    day: Day = strawberry.field(description="The day, in UTC: today or earlier, at most 1,830 days ago.")
    reads: float | None = optional_input("Number of reads.")
    calls: float | None = optional_input("Number of calls.")
    distinct_users: int | None = optional_input("Number of distinct people that the consumer served with the asset.")
    cost_usd: float | None = optional_input(
        f"Cost in US dollars, at most {MAX_COST_USD:,.0f}; needs the right to bill. 0 undoes a mistaken cost."
    )


@strawberry.input(description="Usage records to store.")
class RecordUsageInput:
    """Usage records to store."""

    records: list[UsageInput] = strawberry.field(
        description=f"At most {MAX_BULK_ITEMS} records. Each replaces all counters of its asset, consumer and day; "
        "without the right to bill, a stored cost remains."
    )
    dry_run: bool | None = dry_run_field()


@strawberry.type(description="Result of recording usage.")
class RecordUsagePayload:
    """Result of recording usage."""

    recorded: int = stored_field(
        "Number of accepted records of the call: stored now, stored before with equal counters, or valid in a dry run."
    )
    placeholders: list[strawberry.ID] = stored_field(
        "Consumers of the accepted records that before the call did not exist or were not visible to the caller, each "
        "once."
    )
    errors: list[MutationError] = stored_field(
        "The errors of the rejected records; `inputPath` begins with `records` and the index of the record."
    )


RecordArg = Annotated[RecordUsageInput, strawberry.argument(description="The usage records to store.")]


async def _record_usage(info: Info, input: RecordArg) -> Resolved:
    authorize(info)
    if len(input.records) > MAX_BULK_ITEMS:
        raise LimitError(
            f"`records` has {len(input.records)} entries; give at most {MAX_BULK_ITEMS} in one call.",
            limit=MAX_BULK_ITEMS,
        )
    accepted, results = _sorted(input.records)
    written = await write(info, list(accepted.values()), dry_run=bool(input.dry_run))
    results |= dict(zip(accepted, written, strict=True))
    return {
        "recorded": sum(result.stored for result in results.values()),
        "placeholders": [*dict.fromkeys(urn for index in sorted(results) for urn in results[index].placeholders)],
        "errors": [
            error for index in sorted(results) for error in errors(results[index].errors, "records", str(index))
        ],
    }


record_usage: RecordUsagePayload = strawberry.field(
    description="Records usage by day. Each record needs the right to update or to bill its asset, a cost the right to "
    "bill it. A rejected record does not prevent the others from being stored. Counters equal to the stored ones "
    "change nothing.",
    resolver=_record_usage,
)


def _sorted(records: Sequence[UsageInput]) -> tuple[dict[int, RecordUsageCommand], dict[int, WriteOutcome]]:
    """Return the commands for valid records, and the outcomes of invalid and repeated ones, by index of the record."""
    accepted: dict[int, RecordUsageCommand] = {}
    results: dict[int, WriteOutcome] = {}
    first: dict[tuple[str, str, str], int] = {}
    for index, record in enumerate(records):
        try:
            wanted = _recording(record)
            _refuse_again(record, index, first)
        except InputError as error:
            results[index] = invalid_outcome(error)
        else:
            accepted[index] = wanted
    return accepted, results


def _refuse_again(record: UsageInput, index: int, first: dict[tuple[str, str, str], int]) -> None:
    """Raise InputError if an earlier record of the call has the same asset, consumer and day."""
    about = (record.asset, record.consumer, record.day)
    if first.setdefault(about, index) != index:
        raise InputError(
            f"Record {first[about]} of this call has the same asset, consumer and day; merge the two records.", "day"
        )


def _recording(given: UsageInput) -> RecordUsageCommand:
    """Return the command for a record; raise InputError if it is invalid."""
    asset_kind(given.asset, "asset")
    require_kind(given.consumer, CONSUMERS, "consumer")
    values = {
        "reads": given.reads,
        "calls": given.calls,
        "distinctUsers": given.distinct_users,
        "costUsd": given.cost_usd,
    }
    counts = {name: value for name, value in values.items() if value is not None}
    if not counts:
        raise InputError("The record has no counter; give `reads`, `calls`, `distinctUsers` or `costUsd`.")
    for name, value in counts.items():
        bound = MAX_COST_USD if name == "costUsd" else MAX_COUNT
        if not 0 <= value <= bound:
            raise InputError(f"`{name}` is {value:g}; give 0 to {bound:g}.", name)
    return RecordUsageCommand(given.asset, given.consumer, given.day, counts)
