"""The worker of a source: takes due events, reads each object, writes it, and reports what became of it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from app.ingest.hydrate.event_queue import Attempt, EventQueue, NamedObject
from app.ingest.hydrate.object_writer import UNCHANGED, WriteObject
from app.ingest.load.api_client import ApiClient, TokenRefusedError, UnreachableError
from app.ingest.load.batches import ItemResult
from app.ingest.load.load_report import LoadReport
from policies.errors import Code, CodedError

MAX_WRITES: Final = 5
"""Maximal number of times that an object is written for one event: its source may change all the time."""


@dataclass(slots=True)
class Worker:
    """Works the events of one source off, one object after the other; ``report`` counts them.

    ``once``, a flag: end when no event is due. Otherwise wait ``pause`` seconds, and look again.
    """

    client: ApiClient
    source: str
    write_object: WriteObject
    report: LoadReport
    once: bool = False
    pause: float = 5.0

    async def run(self) -> None:
        """Work until no event is due, or for ever.

        Raises QueueError, UnreachableError and TokenRefusedError: what was taken is due again after its lease.
        """
        queue = EventQueue(self.client)
        while True:
            named = await queue.take(self.source, time.time_ns() // 1_000_000)
            for each in named or ():
                attempt = await self._attempt(each)
                refused = await queue.finish(each, attempt)
                messages = (*attempt.messages, *refused)
                self.report.add([ItemResult(each.location, attempt.reason or str(attempt.outcome), messages)])
            if named is None:
                if self.once:
                    return
                await asyncio.sleep(self.pause)

    async def _attempt(self, named: NamedObject) -> Attempt:
        """Read an object and write it; return the result, of failures too. Raises if the API does not respond.

        Another worker may read and write a later state of the object, or of one that shares assets with it, between the
        two. So the object is read once more after it was written, and written again if the graph differs.
        """
        try:
            first = written = await self.write_object(self.client, named.object_type, named.object_id)
            for _ in range(MAX_WRITES - 1):
                if written.failed or all(each.outcome == UNCHANGED for each in written.results):
                    break
                written = await self.write_object(self.client, named.object_type, named.object_id)
        except (UnreachableError, TokenRefusedError):
            raise
        except CodedError as error:
            return Attempt(reason=str(error.code), messages=(error.message,))
        except Exception as error:  # noqa: BLE001 - the job boundary: one object must not stop the others
            return Attempt(reason=str(Code.INTERNAL), messages=(f"{type(error).__name__}: {error}",))
        failed = written.failed
        if failed:
            messages = tuple(f"{each.location}: {reason}" for each in failed for reason in each.reasons)
            return Attempt(reason=failed[0].outcome, messages=messages)
        return Attempt(outcome=first.outcome, asset=first.asset)
