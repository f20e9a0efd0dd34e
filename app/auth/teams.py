"""Caches team closures: the teams of a token with the teams above them, their members and their domains."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

CloseTeams = Callable[[str, frozenset[str]], Awaitable[frozenset[str]]]
"""(tenant, team URNs) -> these teams, those above them over PART_OF up to 20 levels, their members and domains.

Of the members, only those who own or owned something are in the result.
"""

CLOSURE_SECONDS = 60.0
"""Seconds for which a closure is cached; until then, a change of teams, members or domains may have no effect."""
MAX_CLOSURES = 4_096
"""Maximum number of cached closures; above it, the oldest closure is dropped."""

_Key = tuple[str, frozenset[str]]
"""Tenant and team URNs."""


class TeamClosure:
    """Caches closures by tenant and teams. Concurrent callers share one computation; a failure is not cached.

    ``close`` computes a closure. ``clock`` returns monotonic seconds.
    """

    def __init__(self, close: CloseTeams, clock: Callable[[], float] = time.monotonic) -> None:
        self._close = close
        self._clock = clock
        self._closures: OrderedDict[_Key, tuple[float, asyncio.Task[frozenset[str]]]] = OrderedDict()

    async def __call__(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        """Return ``teams`` and the result of ``close`` for them; an empty set without teams.

        Raises the error of ``close``, such as a CodedError of the store.
        """
        if not teams:
            return teams
        key = (tenant, teams)
        until, task = self._closures.get(key, (0.0, None))
        if task is None or until <= self._clock() or _failed(task):
            task = asyncio.create_task(self._compute(tenant, teams), name="close teams")
            self._store(key, task)
        # Without the shield, the cancellation of one request would cancel the computation for all waiting requests.
        return await asyncio.shield(task)

    async def _compute(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return teams | await self._close(tenant, teams)

    def _store(self, key: _Key, task: asyncio.Task[frozenset[str]]) -> None:
        self._closures[key] = (self._clock() + CLOSURE_SECONDS, task)
        self._closures.move_to_end(key)
        if len(self._closures) > MAX_CLOSURES:
            self._closures.popitem(last=False)


def _failed(task: asyncio.Task[frozenset[str]]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
