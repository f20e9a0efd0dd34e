"""Caches team closures: the teams of a token, those above, their members who are owners, and their domains."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from policies.errors import Code, CodedError

_EntryT = TypeVar("_EntryT")
_log = structlog.get_logger(__name__)

CloseTeams = Callable[[str, frozenset[str]], Awaitable[frozenset[str]]]
"""(tenant, team URNs) -> these teams, those above them over PART_OF up to 20 levels, their members and domains.

The domains are those that these teams or members own. The members are only those who are the owner of an asset.
"""

CLOSURE_SECONDS = 60.0
"""Seconds for which a closure is cached; until then, a change of teams, members or domains may have no effect."""
KNOWN_SECONDS = 300.0
"""Seconds after a closure was computed for which it is used while the store is unavailable."""
RETRY_SECONDS = 5.0
"""Seconds until a closure is computed again, after an earlier one was used because the store was unavailable."""
MAX_CLOSURES = 4_096
"""Maximum number of cached closures; above it, the oldest closure is dropped."""

_Key = tuple[str, frozenset[str]]
"""Tenant and team URNs."""


class TeamClosure:
    """Caches closures by tenant and teams. Concurrent callers share one computation; a failure is not cached.

    While the store is unavailable, a closure is used for KNOWN_SECONDS after it was computed. ``close`` computes a
    closure. ``clock`` returns monotonic seconds.
    """

    def __init__(self, close: CloseTeams, clock: Callable[[], float] = time.monotonic) -> None:
        self._close = close
        self._clock = clock
        self._closures: OrderedDict[_Key, tuple[float, asyncio.Task[frozenset[str]]]] = OrderedDict()
        self._known: OrderedDict[_Key, tuple[float, frozenset[str]]] = OrderedDict()

    async def __call__(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        """Return ``teams`` and the result of ``close`` for them; an empty set without teams.

        Raises the error of ``close``, such as a CodedError of the store, unless an earlier closure can be used.
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
        key = (tenant, teams)
        try:
            closure = teams | await self._close(tenant, teams)
        except CodedError as error:
            at, known = self._known.get(key, (-math.inf, teams))
            if error.code is not Code.STORE_UNAVAILABLE or self._clock() >= at + KNOWN_SECONDS:
                raise
            if key in self._closures:
                self._closures[key] = (self._clock() + RETRY_SECONDS, self._closures[key][1])
            _log.warning("known_teams_used", seconds=round(self._clock() - at), reason=error.extensions.get("reason"))
            return known
        _put(self._known, key, (self._clock(), closure))
        return closure

    def _store(self, key: _Key, task: asyncio.Task[frozenset[str]]) -> None:
        _put(self._closures, key, (self._clock() + CLOSURE_SECONDS, task))


def _put(entries: OrderedDict[_Key, _EntryT], key: _Key, entry: _EntryT) -> None:
    """Set the newest entry; drop the oldest one if there are more than MAX_CLOSURES."""
    entries[key] = entry
    entries.move_to_end(key)
    if len(entries) > MAX_CLOSURES:
        entries.popitem(last=False)


def _failed(task: asyncio.Task[frozenset[str]]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
