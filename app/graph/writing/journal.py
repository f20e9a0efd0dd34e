"""The journal: what orders the changes of a process, and wakes those who wait for them.

Changes of one transaction have one instant, later than that of every transaction before, so a reader who has seen all
up to an instant misses nothing by asking for what is later. Ties within a transaction are told apart by id.
"""

import asyncio
from typing import Final

from app.graph.client import GremlinClient
from app.graph.prepared import Prepared

_LAST: Final = Prepared.of(
    "g.V().has('kind', kind).order().by('createdAt', desc).limit(1).values('createdAt').toList()", "kind"
)


class Journal:
    """Gives instants in epoch milliseconds, each later than the last, and tells when something was written."""

    def __init__(self) -> None:
        self._last = 0
        self._written = asyncio.Event()

    def instant(self, now: int) -> int:
        """The instant of a transaction that begins now; call it under the write lock."""
        self._last = max(now, self._last + 1)
        return self._last

    def written(self) -> None:
        """Wake all who wait."""
        self._written.set()
        self._written = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return when something was written, or after that long: another process may have written."""
        try:
            async with asyncio.timeout(seconds):
                await self._written.wait()
        except TimeoutError:
            return

    async def load(self, client: GremlinClient) -> None:
        """Take up after the last change in the store, whatever the clock says."""
        self._last = max([self._last, *await client.submit(_LAST, {"kind": "CHANGE"})])
