"""The write of a root field of a mutation, which no end of the operation interrupts."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.turns.operation_end import OperationEnd

ResultT = TypeVar("ResultT")


async def written(write: Awaitable[ResultT], end: OperationEnd) -> ResultT:
    """Return the result of the resolver of a root field of a mutation.

    If the client has left meanwhile, the operation is cancelled here: no response is made, and no further root field
    begins. An error of the resolver would become a part of that response.
    """
    end.responds = False
    try:
        result = await write
    except Exception as error:
        end.responds = True
        if not end.is_cancelled:
            raise
        forget_frames(error)
    else:
        end.responds = True
        if not end.is_cancelled:
            return result
    raise asyncio.CancelledError
