"""From the groups of a token to Team URNs, closed over the teams they are part of."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

CloseTeams = Callable[[str, frozenset[str]], Awaitable[frozenset[str]]]
"""(tenant, Team URNs) -> those and every team above them over PART_OF. Implemented by the graph."""

TTL = 60.0
"""Seconds that a closure is remembered."""
MAX_CLOSURES = 4_096


class TeamClosure:
    """Remembers closures by tenant and teams; concurrent callers share one look-up, a failure is not remembered."""

    def __init__(self, close: CloseTeams, clock: Callable[[], float] = time.monotonic) -> None:
        self._close = close
        self._clock = clock
        self._known: OrderedDict[tuple[str, frozenset[str]], tuple[float, asyncio.Task[frozenset[str]]]] = OrderedDict()

    async def __call__(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        """Return ``teams`` and every team above them."""
        if not teams:
            return teams
        key = (tenant, teams)
        until, task = self._known.get(key, (0.0, None))
        if task is None or until <= self._clock() or _failed(task):
            task = asyncio.create_task(self._look_up(tenant, teams), name="close teams")
            self._remember(key, task)
        # Shielded: one caller who goes away must not end the look-up of the others.
        return await asyncio.shield(task)

    async def _look_up(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return teams | await self._close(tenant, teams)

    def _remember(self, key: tuple[str, frozenset[str]], task: asyncio.Task[frozenset[str]]) -> None:
        self._known[key] = (self._clock() + TTL, task)
        self._known.move_to_end(key)
        if len(self._known) > MAX_CLOSURES:
            self._known.popitem(last=False)


def _failed(task: asyncio.Task[frozenset[str]]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
