"""Records in which iterations of the event loop functions are called."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


class LoopIterations:
    """Iterations of the event loop, counted while :meth:`counting` is open.

    ``of`` has the numbers of those in which the observed functions were called, by the name of the function.
    """

    def __init__(self) -> None:
        self.of: dict[str, set[int]] = defaultdict(set)
        self._number = 0

    def observed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, which records its calls under a name."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self.of[name].add(self._number)
            return function(*args, **kwargs)

        return call

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[None]:
        """Count iterations until exit."""
        running = asyncio.create_task(self._count())
        try:
            yield
        finally:
            running.cancel()

    async def _count(self) -> None:
        while True:
            self._number += 1
            await asyncio.sleep(0)
