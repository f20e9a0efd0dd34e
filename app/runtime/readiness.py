"""Readiness: the result of a probe of the store, shared by all checks within a few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from policies.errors import CodedError

FRESH_SECONDS: Final = 3.0
"""Seconds for which a result is used again, so that frequent health checks are no load."""


class Readiness:
    """Runs one ``probe`` at a time, and repeats its result while it is fresh.

    ``refuse_outage`` raises the error of a known outage, whatever the last result. ``clock`` returns seconds.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        refuse_outage: Callable[[], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._probe = probe
        self._refuse_outage = refuse_outage
        self._clock = clock
        self._running: asyncio.Task[CodedError | None] | None = None
        self._begun = 0.0

    async def check(self) -> None:
        """Return if the store works, and raise the error of the outage or of the probe if it does not.

        A caller that is cancelled does not end the probe: the next one gets its result.
        """
        self._refuse_outage()
        if self._running is None or (self._running.done() and self._clock() >= self._begun + FRESH_SECONDS):
            self._begun = self._clock()
            self._running = asyncio.create_task(self._outcome())
        if error := await asyncio.shield(self._running):
            raise error

    def forget(self) -> None:
        """Drop the last result, so that the next caller gets a new one; a probe that is running continues."""
        if self._running and self._running.done():
            self._running = None

    async def aclose(self) -> None:
        """End a running probe."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _outcome(self) -> CodedError | None:
        try:
            await self._probe()
        except CodedError as error:  # returned, because a caller may have left
            return error
        return None
