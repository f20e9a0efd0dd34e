"""Steps of a job whose transactions lose their turn to another process, or fail, as a test demands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from typing import Any, Final

import pytest

from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import LostTurnError, StoreFailedError, WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient

FAILURES: Final = ("", "refused", "", "not written", "", "written")
"""A kind of failure for each of some transactions: see :class:`OvertakenJob`."""

STEPS: Final = 5_000
"""Number of steps in which a job of a few assets ends."""

FAULTY: Final = 200
"""Number of transactions of a job after which none fails or loses its turn.

Without this end, faults can recur at the same transaction each time that a job begins anew after one: it would not end.
"""


@dataclass
class OvertakenJob:
    """Takes the steps of a ``job``. For each of its transactions, ``losses`` has whether it loses its turn.

    ``failures`` has for each other one how it fails. If it is "refused", the store refuses it unless it has one vertex
    or edge. If it is "written" or "not written", its response is lost. It does not fail if it is "". After FAULTY
    transactions none fails.
    """

    job: OutboxWorker
    losses: Iterator[bool]
    failures: Iterator[str] = field(default_factory=lambda: repeat(""))

    def __post_init__(self) -> None:
        self.losses = chain(islice(self.losses, FAULTY), repeat(object=False))
        self.failures = chain(islice(self.failures, FAULTY), repeat(""))

    async def finish(self) -> None:
        """Take steps until the job is idle; one that is not after STEPS has made no progress."""
        for _ in range(STEPS):
            if not await self.step():
                return
        raise AssertionError(f"The job has more to do after {STEPS} steps.")

    async def step(self) -> bool:
        """Take a step; return whether to take the next one at once, as after a transaction without a response."""
        submit = WriteSet.submit

        async def unless_lost(writes: WriteSet, client: GremlinClient) -> None:
            if writes and next(self.losses):
                raise LostTurnError("another process wrote first")
            failure = next(self.failures) if writes else ""
            rows: Any = writes.bindings()
            if failure == "refused" and max(len(rows["vertices"]), len(rows["edges"])) > 1:
                raise WriteRefusedError("too large")
            if failure != "not written":
                await submit(writes, client)
            if failure.endswith("written"):
                raise StoreFailedError("no response")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WriteSet, "submit", unless_lost)
            try:
                return await self.job.step()
            except StoreFailedError:
                return True
