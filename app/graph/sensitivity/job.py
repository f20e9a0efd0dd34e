"""The job that settles what writes left pending: one note after the other, oldest first, in small batches.

It runs in the API process and takes the lock of its writers for each batch, so nothing is lost between reading and
writing, and writers come in between. What it has found is in the store before it goes on; after a crash it begins
its notes again, which changes nothing twice.
"""

import asyncio
import random
from collections.abc import Callable
from itertools import islice
from typing import Final

import orjson
import structlog

from app.graph.client import GremlinClient
from app.graph.clock import epoch_milliseconds
from app.graph.sensitivity.flows import KIND, Flows, Record
from app.graph.sensitivity.pending import TOP, Note, Pending, more
from app.graph.sensitivity.settling import settle
from app.graph.write_texts import NOTHING, WRITE

BATCH: Final = 250
"""Vertices that are settled while the lock is held."""

LONGEST_PAUSE: Final = 60.0
"""Seconds, of the pauses after failures, and at most between two looks at what may have become due."""

_log = structlog.get_logger(__name__)


class SensitivityJob:
    """Settles the notes of ``pending``; ``lock`` is that of the process's writers."""

    def __init__(
        self,
        client: GremlinClient,
        lock: asyncio.Lock,
        pending: Pending,
        stops: frozenset[str],
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        self._client = client
        self._lock = lock
        self._pending = pending
        self._stops = stops
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled; what fails is logged and tried again, ever more slowly."""
        failures = 0
        while True:
            try:
                if not await self.step():
                    await self._wait()
                failures = 0
            except Exception:  # noqa: BLE001 - the job boundary
                _log.exception("sensitivity_job_failed", failures=failures + 1)
                pause = min(0.5 * 2**failures, LONGEST_PAUSE)
                failures += 1
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads retries, hides nothing

    async def step(self) -> bool:
        """Do one batch; whether there was anything to do."""
        self._pending.changed.clear()
        async with self._lock:
            if self._pending.stale:
                await self._pending.load(self._client)
            note = next((note for note in self._pending.notes if note.due <= self._clock()), None)
            if note is not None:
                await self._advance(note)
        await asyncio.sleep(0)
        return note is not None

    async def _advance(self, note: Note) -> None:
        flows = Flows(self._client, self._stops, self._clock())
        if note.beyond:
            found, _ = await flows.targets(note.beyond, most=0)
            note.frontier |= dict.fromkeys(found)
            note.beyond = ()
        batch = list(islice(note.frontier, BATCH))
        if batch:
            settled = await settle(flows, batch)
            await self._write(note, settled.changed, settled.further)
            for vid in batch:
                del note.frontier[vid]
            note.frontier |= dict.fromkeys(settled.further)
        if not note.frontier:
            await self._pending.done(self._client, note)
            _log.info("sensitivity_settled", tenant=note.tenant, fence=note.fence and note.fence.level)

    async def _write(self, note: Note, changed: dict[int, Record], further: set[int]) -> None:
        if not changed:
            return
        vertices = [
            {
                "x": vid,
                "k": KIND[record["kind"]],
                "fresh": False,
                "p": {"sensitivity": record["sensitivity"], "record": orjson.dumps(record).decode()},
                "s": {},
            }
            for vid, record in changed.items()
        ]
        notes = [{"x": note.x, "fresh": False, "p": {}, "f": more(further)}]
        bindings = {"stored": sorted(changed), "vertices": vertices, "notes": notes, "top": TOP}
        await self._client.submit(WRITE, {**NOTHING, **bindings}, writes=True)

    async def _wait(self) -> None:
        """Wait until something is noted, or the next note is due."""
        due = min((note.due for note in self._pending.notes), default=None)
        pause = LONGEST_PAUSE if due is None else min((due - self._clock()) / 1_000, LONGEST_PAUSE)
        try:
            async with asyncio.timeout(max(pause, 0)):
                await self._pending.changed.wait()
        except TimeoutError:
            return
