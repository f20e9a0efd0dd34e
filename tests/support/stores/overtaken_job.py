"""Steps of a job whose transactions lose their turn to another process, as a test demands."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import LostTurnError
from app.graph.driver.gremlin_client import GremlinClient


@dataclass
class OvertakenJob:
    """Takes the steps of a ``job``. For each of its transactions, ``losses`` has whether it is not written."""

    job: OutboxWorker
    losses: Iterator[bool]

    async def step(self) -> bool:
        """Take a step; return whether to take the next one at once."""
        submit = WriteSet.submit

        async def unless_lost(writes: WriteSet, client: GremlinClient) -> None:
            if writes and next(self.losses):
                raise LostTurnError("another process wrote first")
            await submit(writes, client)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WriteSet, "submit", unless_lost)
            return await self.job.step()
