"""The worker of a source: takes due events, reads each object, registers it, and reports what became of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from app.ingest.hydrate.event_queue import Attempt, EventQueue, NamedObject
from app.ingest.load.api_client import ApiClient, TokenRefusedError, UnreachableError
from app.ingest.load.batches import ItemResult
from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import AssetSource, IncrementalLoad
from app.ingest.load.load_report import LoadReport
from app.ingest.load.source_asset import SourceAsset
from policies.errors import Code, CodedError

_WRITTEN: Final = ("CREATED", "UPDATED", "UNCHANGED")


class ObjectSource(AssetSource, Protocol):
    """One object of a source; ``asset`` is what it became, None until its page was read."""

    asset: SourceAsset | None


OpenObject = Callable[[str, str], ObjectSource]
"""Returns the object with a type and an id; nothing is read yet."""


@dataclass(slots=True)
class Worker:
    """Works the events of one source off, one object after the other; ``report`` counts them.

    ``once``, a flag: end when no event is due. Otherwise wait ``pause`` seconds, and look again.
    """

    client: ApiClient
    source: str
    open_object: OpenObject
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
        """Read an object and register it; return the result, of failures too. Raises if the API does not respond."""
        source = self.open_object(named.object_type, named.object_id)
        try:
            return await self._written(source)
        except (UnreachableError, TokenRefusedError):
            raise
        except CodedError as error:
            return Attempt(reason=str(error.code), messages=(error.message,))
        except Exception as error:  # noqa: BLE001 - the job boundary: one object must not stop the others
            return Attempt(reason=str(Code.INTERNAL), messages=(f"{type(error).__name__}: {error}",))

    async def _written(self, source: ObjectSource) -> Attempt:
        results: dict[str, ItemResult] = {}
        with ImportState(None, self.source, "") as state:  # of this object alone, deleted after it
            loading = IncrementalLoad(self.client, source, state)
            async for some in loading.results():
                results |= {each.location: each for each in some}
        failed = [each for each in results.values() if each.outcome not in _WRITTEN]
        if failed:
            messages = tuple(f"{each.location}: {reason}" for each in failed for reason in each.reasons)
            return Attempt(reason=failed[0].outcome, messages=messages)
        asset = source.asset
        assert asset is not None  # noqa: S101 - it was registered
        return Attempt(outcome=results[asset.location].outcome, asset=asset.id)
