"""The parts of an object or a list that are completed later: in further turns of the event loop, or in tasks."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from graphql_schema.execution.failed_frames import forget_frames

CompletedT = TypeVar("CompletedT", dict[str, Any], list[Any])


@dataclass(slots=True)
class Later(Generic[CompletedT]):
    """An object or a list with parts that are to be completed: fields by key, or items by index.

    ``complete`` sets a part of ``completed``, and returns whether it is to be awaited.
    """

    parts: Iterator[tuple[Any, Any]]
    complete: Callable[[Any, Any], bool]
    completed: CompletedT
    awaited: Any = None
    """Key or index of a part that is to be awaited and has not begun; None if there is none."""
    errors: dict[Any, Exception] = field(default_factory=dict)
    """The errors of parts, by key or index."""
    is_cancelled: bool = False
    """Whether what a part awaits was cancelled, because the operation has ended."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """The tasks in which parts are awaited now."""

    async def wait(self) -> None:
        """Await the part that is to be awaited, if there is one."""
        if self.awaited is not None:
            key, self.awaited = self.awaited, None
            await self.set(key)

    async def set(self, key: Any) -> None:  # noqa: ANN401 - a key or an index
        """Await a part, and set its value or the error."""
        try:
            self.completed[key] = await self.completed[key]
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        except Exception as error:  # noqa: BLE001 - it is raised when all parts have ended
            self.errors[key] = error

    def first_error(self) -> Exception:
        """Return the error of the first part that has failed, in the order of the parts, and forget all."""
        keys = self.completed if isinstance(self.completed, dict) else range(len(self.completed))
        first = next((key for key in keys if key in self.errors), None)
        error = self.errors.pop(next(iter(self.errors)) if first is None else first)
        forget_frames(*self.errors.values())
        self.errors.clear()
        return error

    async def cancel(self) -> None:
        """Cancel the tasks, and return when they have ended; forget the errors of parts."""
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # Python would warn of what is cancelled before it begins
        for task in self.tasks:
            task.cancel()
        while self.tasks:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(self.tasks)
        forget_frames(*self.errors.values())
        self.errors.clear()
