"""Runs many calls at the same time without holding the event loop: each begins in a turn, and few run at once.

A call that is awaited in a task takes some 10 microseconds, and the work with which it begins. Hundreds of calls in one
iteration of the event loop, under each of thirty aliases, would hold it for a second.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar, cast

from graphql_schema.execution.failed_frames import forget_failed, forget_frames
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns.gradual_release import RELEASE

ResultT = TypeVar("ResultT")

CALLS_AT_ONCE: Final = 2_000
"""Maximal number of resolvers of one operation, or of calls of one resolver, that run at once, each in a task.

Tasks that wait for the same response continue in one iteration of the event loop, and tasks that are cancelled end in
one. That takes some 10 microseconds for each.
"""

MANY_CALLS: Final = 100
"""Number of calls beyond which what they have made is freed in turns if they fail."""


async def all_of(
    budget: OperationBudget, calls: Sequence[Callable[[], Awaitable[ResultT]]], slots: asyncio.Semaphore | None = None
) -> list[ResultT]:
    """Return the results of calls that run at the same time, each in one of the ``slots`` if there are any.

    Each begins in a turn of the event loop. If one fails, the others are cancelled. Of several calls, errors are raised
    as an ExceptionGroup.
    """
    if len(calls) == 1:
        return [await calls[0]()]
    tasks: list[asyncio.Task[ResultT]] = []
    have_succeeded = False
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                if slots is not None:
                    await slots.acquire()
                tasks.append(group.create_task(_begun(budget, call)))
                if slots is not None:
                    tasks[-1].add_done_callback(lambda _: slots.release())
        have_succeeded = True
    finally:
        if not have_succeeded:
            free_failed(budget, tasks, sys.exception())
    return [task.result() for task in tasks]


def free_failed(
    budget: OperationBudget, tasks: list[asyncio.Task[ResultT]], error: BaseException | None = None
) -> None:
    """Forget the frames of calls that have failed, and of an ``error`` that they raised, and all results.

    The list becomes empty. If the operation has read much, or the calls are many, they are freed in turns: all that its
    resolvers have made would be freed by one callback.
    """
    are_many = len(tasks) > MANY_CALLS
    freed: list[object] = [*forget_failed(tasks), *forget_frames(error), *tasks]
    tasks.clear()
    if are_many or budget.has_read_much:
        RELEASE.free(freed)


async def gathered(
    budget: OperationBudget, calls: Sequence[Callable[[], Awaitable[ResultT]]], name: str
) -> list[ResultT]:
    """Return the results of the calls of one resolver, or of one condition of a filter.

    At most CALLS_AT_ONCE of all those with the same ``name`` in the operation run at once: aliases, and the lists of
    many objects, have the same calls. A call must not wait for another one with its name, or both wait for ever.

    Each begins in a turn of the event loop. The first error is raised at once, and what waits for its turn does not
    begin. Calls that have begun go on: what they await may be shared with other resolvers.
    """
    if len(calls) <= 1:
        return [await call() for call in calls]
    await budget.pause()
    slots = budget.slots.setdefault(name, asyncio.Semaphore(CALLS_AT_ONCE))
    waiting = set[asyncio.Task[ResultT]]()
    tasks: list[asyncio.Task[ResultT]] = []
    errors: list[BaseException] = []
    left, has_ended = len(calls), asyncio.get_running_loop().create_future()

    async def begin(call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        await budget.pause()
        waiting.discard(cast("asyncio.Task[ResultT]", asyncio.current_task()))
        return await call()

    def end(task: asyncio.Task[ResultT]) -> None:
        nonlocal left
        left -= 1
        slots.release()
        waiting.discard(task)
        errors.extend(_errors_of(task))
        if (errors or not left) and not has_ended.done():
            has_ended.set_result(None)

    try:
        for call in calls:
            await slots.acquire()
            if errors:
                slots.release()
                break
            tasks.append(asyncio.create_task(begin(call)))
            tasks[-1].add_done_callback(end)
            waiting.add(tasks[-1])
        await has_ended  # asyncio.wait goes through all tasks in one callback, 0.17 s for 50,000
    except asyncio.CancelledError:
        waiting.update(tasks)
        raise
    finally:
        for task in waiting:
            task.cancel()
    if not errors:
        return [task.result() for task in tasks]
    free_failed(budget, tasks)  # this frame, to which the error refers, refers to no error
    try:
        raise errors[0]
    finally:
        errors.clear()


def _errors_of(task: asyncio.Task[ResultT]) -> list[BaseException]:
    """Return the error of a task that has ended; none if it was cancelled."""
    error = None if task.cancelled() else task.exception()
    return [] if error is None else [error]


async def _begun(budget: OperationBudget, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Return the result of a call, which begins in a turn."""
    await budget.pause()
    return await call()
