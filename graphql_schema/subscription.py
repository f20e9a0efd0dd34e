"""The root type Subscription: changes as they happen, each checked against the policy shortly before it is sent."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Annotated, Final, cast

import strawberry

from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.scalars import Cursor
from graphql_schema.governance.changes import Change, ChangeFilterArg, change_condition, commit_log_cursor
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.protocols import ChangeFeed
from graphql_schema.ports.record import Position
from graphql_schema.ports.row import FeedBatch, FeedEvent
from graphql_schema.ports.shared_results import ReadRange, SharedResults
from policies.errors import LimitError

MIN_BATCH_SIZE: Final = 20
"""Number of changes that the first batch examines.

A batch without a visible change doubles the number of the next one, up to MAX_BATCH_SIZE, and one with a visible change
does so up to MIN_BATCH_SIZE. A batch that reads too much is halved, and the one after a large batch is shorter.
"""

MAX_BATCH_SIZE: Final = 500

MAX_HIDDEN: Final = 16 * 1024 * 1024
"""Bytes of memory, by estimate, of a batch without a visible change from which on the next one is shorter."""

MAX_KEPT: Final = 1024 * 1024
"""Bytes of memory, by estimate, that a subscription keeps of a batch while its client reads an event.

Of a larger batch it keeps nothing: a client may have a hundred subscriptions, and read slowly.
"""

FRESH_SECONDS: Final = 1.0
"""Age in seconds from which on the changes of a batch that are not sent yet are read again, with current rights.

They are read again sooner if a process has written since.
"""

AfterChange = Annotated[
    Cursor | None,
    strawberry.argument(description="The `cursor` of a change, to continue after it; default: from now on."),
]


async def _changes(
    info: Info, filter: ChangeFilterArg = None, after: AfterChange = None
) -> AsyncGenerator[Change, None]:
    """Yield the changes that the viewer may see, oldest first, without end.

    The position also moves over hidden changes, so that a batch without visible ones is not read again, and is passed
    to the context. A new change has a later instant than all stored ones.

    A turn lasts from the authentication to the execution of an event, so that the event is as recent as its batch. It
    is ended there, by :class:`graphql_schema.operation.execution.BudgetedExecution`, and not held while a client reads.
    """
    context = info.context
    journal = cast("ChangeFeed", context.change_feed)
    where = change_condition(filter)
    position: Position = await journal.end() if after is None else commit_log_cursor(context).open(after)
    size = MIN_BATCH_SIZE
    try:
        while True:
            await context.begin_turn()
            await journal.learn()
            count = journal.count
            await context.reauthenticate()
            batch, size, read_at = await _next_batch(context, where, position, size)
            batch = _kept(_up_to(batch, journal.complete_until()))
            end, next_size, subjects = batch.next_position, _next_size(batch, size), batch.subjects
            items = deque(batch.items)
            del batch
            while items:
                position, event = items[0].position, FeedEvent(items.popleft().row, subjects)
                subjects = subjects if items else ()
                yield cast("Change", event)
                await context.begin_turn()
                await journal.learn()
                if journal.count != count or _now() > read_at + FRESH_SECONDS:
                    size = min(size, next_size)
                    break  # the batch may be outdated: visibility, teams and token may have changed
            else:
                if end is None:
                    context.end_turn()
                    await journal.wait(count)
                else:
                    position, size = end, next_size
                    context.passed(position)
    finally:
        context.end_turn()


async def _next_batch(
    context: Context, where: Condition, position: Position, size: int
) -> tuple[FeedBatch, int, float]:
    """Return the next batch, read once for all subscriptions of equal rights, its size, and since when it is outdated.

    The instant is in seconds of the event loop. A subscription whose position is in a batch that another one has read
    gets the rest of this batch. What changes are read is not for the caller to choose, because anybody may have made
    them. So a batch that reads too much is halved, and of a single change that does, few far ends are read.
    """
    results, position = context.results or SharedResults(), tuple(position)
    ranges = results.ranges.setdefault(where, [])
    known = next((each for each in ranges if each.covers(position)), None)
    after, size = (position, size) if known is None else (known.after, known.size)
    few_ends, batch = False, None
    while batch is None:
        read = partial(_read_batch, where=where, after=after, size=size, few_ends=few_ends)
        try:
            batch = await context.shared((where, after, size, few_ends), read)
        except LimitError as error:
            if few_ends:
                raise
            forget_frames(error)
            size, few_ends = max(size // 2, 1), size == 1
    if known is None:
        ranges.append(ReadRange(after, batch.next_position and tuple(batch.next_position), size))
    items = tuple(each for each in batch.items if tuple(each.position) > position)
    return replace(batch, items=items), size, results.since


async def _read_batch(context: Context, where: Condition, after: Position, size: int, *, few_ends: bool) -> FeedBatch:
    batch = await context.reader.next_batch("Change", where, after, size, few_ends=few_ends)
    return replace(batch, stored=context.budget.stored)


def _kept(batch: FeedBatch) -> FeedBatch:
    """Return the part of a batch whose events are sent: all, or of a large one the first change, so that none waits."""
    if batch.stored <= MAX_KEPT or not batch.items:
        return batch
    first, *others = batch.items
    subjects = tuple(row for row in batch.subjects if row.urn in first.row.record["subjects"])
    end = first.position if others else batch.next_position
    return replace(batch, items=(first,), subjects=subjects, next_position=end)


def _next_size(batch: FeedBatch, size: int) -> int:
    """Return the number of changes that the batch after this one examines."""
    maximum = MAX_KEPT if batch.items else MAX_HIDDEN
    if batch.stored > maximum:
        return max(size * maximum // batch.stored, 1)
    return min(size * 2, MIN_BATCH_SIZE if batch.items else MAX_BATCH_SIZE)


def _up_to(batch: FeedBatch, instant: int | None) -> FeedBatch:
    """Return the batch up to an instant, as if later changes were not stored yet; None is no bound."""
    if instant is None or batch.next_position is None or batch.next_position[0] <= instant:
        return batch
    items = tuple(item for item in batch.items if item.position[0] <= instant)
    return replace(batch, items=items, next_position=None)


def _now() -> float:
    return asyncio.get_running_loop().time()


@strawberry.type(description="The root of subscriptions, over a WebSocket.")
class Subscription:
    """The root of subscriptions."""

    changes: AsyncGenerator[Change, None] = strawberry.subscription(
        description="The changes that the viewer may see, oldest first: from now on, or after a cursor.",
        resolver=_changes,
    )
