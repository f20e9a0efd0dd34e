"""Recording usage: many days of many consumers in one call, with one outcome for each."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.scalars import Day
from graphql_schema.inputs.payloads import MutationError, errors
from graphql_schema.inputs.submit import MAX_BULK_ITEMS, authorize, invalid_outcome, write
from graphql_schema.inputs.values import InputError, asset_kind, require_kind
from graphql_schema.ports.commands import RecordUsageCommand
from graphql_schema.ports.outcomes import WriteOutcome
from policies.errors import LimitError

CONSUMERS: Final = ("Team", "User", "Service")
"""The kinds that use assets."""

MAX_COUNT: Final = 1e15
"""What one consumer can have read, called or cost on one day; sums over all of them stay numbers."""


def _count(description: str) -> Any:
    return strawberry.field(description=description, default=None)


@strawberry.input(description="What one consumer used of one asset on one day.")
class UsageInput:
    """What one consumer used of one asset on one day."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    consumer: strawberry.ID = strawberry.field(description="The id of the team, user or service that used it.")
    day: Day = strawberry.field(description="The day, in UTC.")
    reads: float | None = _count("How often it was read.")
    calls: float | None = _count("How often it was called.")
    distinct_users: int | None = _count("How many people that was for.")
    cost_usd: float | None = _count("What that cost in US dollars.")


@strawberry.input(description="Usage to record.")
class RecordUsageInput:
    """Usage to record."""

    records: list[UsageInput] = strawberry.field(
        description=f"At most {MAX_BULK_ITEMS}. Each replaces what was stored for its asset, consumer and day."
    )


@strawberry.type(description="What came of the records.")
class RecordUsagePayload:
    """What came of the records."""

    recorded: int = stored_field("How many are stored now, those that were there just so among them.")
    errors: list[MutationError] = stored_field("Why others are not; `inputPath` begins with `records` and the index.")


RecordArg = Annotated[RecordUsageInput, strawberry.argument(description="The records.")]


async def _record_usage(info: Info, input: RecordArg) -> Any:
    authorize(info)
    if len(input.records) > MAX_BULK_ITEMS:
        raise LimitError(
            f"A call carries at most {MAX_BULK_ITEMS} records and this one has {len(input.records)}; split it.",
            limit=MAX_BULK_ITEMS,
        )
    accepted, results = _sorted(input.records)
    written = await write(info, list(accepted.values()))
    results |= dict(zip(accepted, written, strict=True))
    return {
        "recorded": sum(result.stored for result in results.values()),
        "errors": [
            error for index in sorted(results) for error in errors(results[index].errors, "records", str(index))
        ],
    }


record_usage: RecordUsagePayload = strawberry.field(
    description="Records usage. A record that cannot be stored does not keep the others from it, and the same call "
    "again changes nothing.",
    resolver=_record_usage,
)


def _sorted(records: Sequence[UsageInput]) -> tuple[dict[int, RecordUsageCommand], dict[int, WriteOutcome]]:
    """The records by index: what the writer gets, and what it does not."""
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
    about = (record.asset, record.consumer, record.day)
    if first.setdefault(about, index) != index:
        raise InputError(f"The same is in this call already, as record {first[about]}; join the two.", "day")


def _recording(given: UsageInput) -> RecordUsageCommand:
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
        raise InputError("The record counts nothing; give `reads`, `calls`, `distinctUsers` or `costUsd`.")
    for name, value in counts.items():
        if not 0 <= value <= MAX_COUNT:
            raise InputError(f"`{name}` is {value:g}; a day counts from 0 to {MAX_COUNT:g}.", name)
    return RecordUsageCommand(given.asset, given.consumer, given.day, counts)
