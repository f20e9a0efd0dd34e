"""Cache of which tags propagate."""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.state_read import read_records
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.touched import Touched

AT_ONCE: Final = 5_000
"""Maximal number of tags that are looked up at once; that many take some milliseconds."""


class PropagatingTags:
    """Caches by vertex id whether a tag propagates; a tag is read on first use and again after :meth:`forget`.

    Use it under the write lock, after what other processes wrote was forgotten (:mod:`app.graph.commits.write_log`).
    ``clock`` returns seconds of a clock that is never set.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._late_until = 0.0
        self._known: dict[int, bool] = {}
        self._forgotten = 0

    async def among(self, client: GremlinClient, tags: Iterable[int]) -> set[int]:
        """Return those of the tags that propagate; all are vertex ids. Others have a turn between some thousands."""
        wanted = [*tags]
        found = set[int]()
        for begin in range(0, len(wanted), AT_ONCE):
            if begin:
                await asyncio.sleep(0)
            found |= await self._among(client, set(wanted[begin : begin + AT_ONCE]))
        return found

    async def _among(self, client: GremlinClient, wanted: set[int]) -> set[int]:
        """Return those of some tags that propagate.

        If tags are forgotten during the read, or a tag may still change, nothing is added to the cache: the response
        may be older.
        """
        found = {vid: self._known[vid] for vid in wanted if vid in self._known}
        unknown, forgotten = wanted - found.keys(), self._forgotten
        if unknown:
            records = await read_records(client, unknown)
            read = {vid: bool(records.get(vid, {}).get("propagates")) for vid in unknown}
            found |= read
            if self._forgotten == forgotten and self._clock() >= self._late_until:
                self._known |= read
        return {vid for vid in wanted if found[vid]}

    def forget(self, tags: Iterable[int]) -> None:
        """Remove tags from the cache, because they changed."""
        self._forgotten += 1
        for vid in tags:
            self._known.pop(vid, None)

    def suspend(self) -> None:
        """Add no tag for LATE_SECONDS: a transaction without a response may still change tags."""
        self._late_until = self._clock() + LATE_SECONDS

    def forget_touched(self, touched: Touched) -> None:
        """Remove the tags from the cache that a transaction touched."""
        self.forget([*self._known] if touched.everything else touched.vertices)
