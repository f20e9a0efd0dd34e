"""Forgets the frames that the errors of an ended operation have passed.

An error refers to these frames by its traceback, and they often to the error. A task group of asyncio has its error in
a variable, and the budget of an operation keeps the error that ended it. Without this, all that an operation read would
wait for a garbage collection, which holds the event loop. The tracebacks of unexpected errors stay, for the log.

The functions return these tracebacks. Who does not keep them frees all that their frames refer to, at once.
"""

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any

from graphql import GraphQLError

from policies.errors import CodedError

_EXPECTED = (CodedError, asyncio.CancelledError, BaseExceptionGroup)


def forget_frames(*errors: BaseException | None) -> list[TracebackType]:
    """Remove and return the tracebacks of errors, and of the errors behind these, that are expected."""
    known, frames = set[int](), list[TracebackType]()
    waiting = [*errors]
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in known:
            continue
        known.add(id(error))
        waiting += [error.__context__, error.__cause__]
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
        origin = error.original_error if isinstance(error, GraphQLError) else error
        if origin is not error:
            waiting.append(origin)
        if isinstance(origin, _EXPECTED) and error.__traceback__ is not None:
            frames.append(error.__traceback__)
            error.__traceback__ = None
    return frames


def raise_first(results: list[BaseException | None]) -> None:
    """Raise the first error of a list, which becomes empty: a frame with the error would lead to itself by it."""
    errors = [each for each in results if each is not None]
    results.clear()
    try:
        if errors:
            raise errors[0]
    finally:
        errors.clear()


def forget_failed(tasks: Iterable[asyncio.Future[Any]]) -> list[TracebackType]:
    """Do so for the errors of those of the tasks that have failed or were cancelled."""
    handled, found = sys.exception(), list[TracebackType]()
    for task in tasks:
        if task.cancelled():
            try:
                task.result()  # the only way to the error of a cancelled task
            except asyncio.CancelledError as error:
                if error.__context__ is handled:  # a group, whose errors would be visited again for each task
                    error.__context__ = None
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next  # without this frame, which has the others
                found += forget_frames(error)
        elif task.done() and (failure := task.exception()) is not None:
            context, frames = failure.__context__, failure.__traceback__
            with suppress(Exception):
                task.result()  # the task forgets its own reference to the frames
            failure.__context__ = context  # not the group of errors that may be handled here: it refers to this one
            failure.__traceback__ = frames  # without those of this call, and not lost if the result was read before
            found += forget_frames(failure)
            del failure, context, frames
    return found
