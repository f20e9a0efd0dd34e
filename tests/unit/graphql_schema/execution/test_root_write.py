"""The write of a root field: never interrupted, and without a response for a client that left."""

import asyncio

import pytest

from graphql_schema.execution.root_write import written
from graphql_schema.ports.turns.operation_end import OperationEnd
from policies.errors import InvalidError

LEFT = InvalidError("the client left")


class Write:
    """A write that goes on until its event, and then returns or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_end = asyncio.Event()
        self.error = error
        self.is_stored = False

    async def run(self) -> str:
        """Return an outcome, or raise the error, after the event."""
        await self.may_end.wait()
        self.is_stored = True
        if self.error is not None:
            raise self.error
        return "outcome"


async def begun(write: Write) -> tuple[OperationEnd, asyncio.Task[str]]:
    """Return the end of a mutation, and its task, which writes; the root field before it has responded."""
    end = OperationEnd(writes=True, responds=True)
    task = asyncio.create_task(written(write.run(), end))
    end.cancel_with(task.cancel)
    await asyncio.sleep(0)
    assert not end.responds
    return end, task


@pytest.mark.parametrize("error", [None, InvalidError("wrong")])
async def test_a_write_whose_client_leaves_is_completed(error: InvalidError | None) -> None:
    """The operation is cancelled when it has written or failed, not before."""
    end, task = await begun(write := Write(error))
    end.end(LEFT, is_unread=True)
    await asyncio.sleep(0)
    assert not task.done()
    write.may_end.set()
    await asyncio.wait({task})
    assert (task.cancelled(), write.is_stored, end.responds) == (True, True, True)


@pytest.mark.parametrize("ended", [None, InvalidError("late")])
@pytest.mark.parametrize("error", [None, InvalidError("wrong")])
async def test_a_client_that_stays_gets_the_response(error: InvalidError | None, ended: InvalidError | None) -> None:
    """Its outcome or its error is returned, also after the deadline; from then on only the response is made."""
    end, task = await begun(write := Write(error))
    if ended is not None:
        end.end(ended)
    write.may_end.set()
    await asyncio.wait({task})
    assert task.exception() is error
    assert error is not None or task.result() == "outcome"
    assert end.responds
