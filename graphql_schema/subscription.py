"""What is told as it happens: the changes, one by one, each judged at the moment in which it is told."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final, cast

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.scalars import Cursor
from graphql_schema.governance.changes import Change, ChangeFilterArg, change_condition, commit_log_cursor
from graphql_schema.ports.protocols import ChangeFeed

SMALLEST: Final = 20
"""Changes that are read at a time; after some of which none was shown twice as many, up to the largest."""

MAX_BATCH_SIZE: Final = 500

FRESH_SECONDS: Final = 1.0
"""How long what was read may be told without reading it again, if this process has written nothing meanwhile."""

AfterChange = Annotated[
    Cursor | None,
    strawberry.argument(description="The `cursor` of a change, to go on after it; from now on when absent."),
]


async def _changes(
    info: Info, filter: ChangeFilterArg = None, after: AfterChange = None
) -> AsyncGenerator[Change, None]:
    """Every change that the viewer may see, the oldest first, without end.

    The position also moves over what the viewer may not see, so that nothing is looked at twice. What is written later
    has a later instant, so nothing comes to stand before the position.
    """
    context = info.context
    journal = cast("ChangeFeed", context.journal)
    where = change_condition(filter)
    position: tuple[Any, ...] = await journal.end() if after is None else commit_log_cursor(context).open(after)
    size = SMALLEST
    while True:
        count, read_at = journal.count, _now()
        await context.reauthenticate()
        stretch = await context.reader.next_batch("Change", where, position, size)
        for item in stretch.items:
            position = item.position
            yield cast("Change", item.row)
            if journal.count != count or _now() > read_at + FRESH_SECONDS:
                break  # what was read is of the past by now: visibility, teams, the token
        else:
            if stretch.next_position is None:
                await journal.wait(count)
            else:
                position = stretch.next_position
                size = SMALLEST if stretch.items else min(size * 2, MAX_BATCH_SIZE)


def _now() -> float:
    return asyncio.get_running_loop().time()


@strawberry.type(description="What is told as it happens, over a WebSocket.")
class Subscription:
    """What is told as it happens."""

    changes: AsyncGenerator[Change, None] = strawberry.subscription(
        description="Every change that the viewer may see, the oldest first: from now on, or after a cursor.",
        resolver=_changes,
    )
