"""Transactions without a response: until when outcomes wait for the index, and what ends the wait."""

from dataclasses import dataclass, field
from typing import Any, Self, cast

import pytest

from app.graph.commits.late_writes import INDEX_SECONDS, INDEXED, LATE_SECONDS, LateWrites
from app.graph.commits.write_statements import INDEX_MARK
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.store.errors import StoreReason


@dataclass
class Index:
    """A client whose index is complete after ``late`` reads; each read takes a second of the clock."""

    late: float = 0
    exclusive: bool = True
    now: float = 1_000.0
    reads: list[Any] = field(default_factory=list)
    reason: StoreReason | None = None
    error: Exception | None = None

    @property
    def host(self) -> Self:
        """Return the host, which is this object as well."""
        return self

    def outage(self) -> StoreReason | None:
        """Return the reason of the current outage."""
        return self.reason

    async def submit(self, prepared: object, bindings: dict[str, object]) -> list[bool]:
        """Return whether the index is complete."""
        assert prepared is INDEXED
        if self.error:
            raise self.error
        self.reads.append(bindings["mark"])
        self.now += 1
        return [len(self.reads) > self.late]

    async def wait(self, late: LateWrites) -> int:
        """Wait for the index, and return the number of reads."""
        await late.wait_indexed(cast("GremlinClient", self))
        return len(self.reads)


async def test_without_a_late_write_nothing_is_read() -> None:
    """Every write of a process whose transactions all had responses takes no further request."""
    index = Index()
    assert await index.wait(LateWrites(lambda: index.now)) == 0


async def test_outcomes_wait_until_the_index_is_complete() -> None:
    """The index mark is read until the index has it, for each outcome, until the write cannot be completed any more."""
    index = Index(late=3)
    late = LateWrites(lambda: index.now)
    late.begin()
    assert await index.wait(late) == 4
    assert await index.wait(late) == 5
    index.now += LATE_SECONDS
    assert await index.wait(late) == 5
    assert index.reads == [INDEX_MARK] * 5


async def test_an_index_that_stays_behind_is_an_error() -> None:
    """After some seconds the call gets the error that the index lacks documents, and that its write may be stored."""
    index = Index(late=float("inf"))
    late = LateWrites(lambda: index.now)
    late.begin()
    with pytest.raises(StoreUnavailableError) as caught:
        await index.wait(late)
    assert (caught.value.reason, caught.value.unknown_outcome) == (StoreReason.INDEX, True)
    assert len(index.reads) == INDEX_SECONDS


async def test_a_store_that_others_write_to_has_no_mark() -> None:
    """The count is that of one process, so an external store is not read."""
    index = Index(exclusive=False)
    late = LateWrites(lambda: index.now)
    late.begin()
    assert await index.wait(late) == 0


async def test_an_outage_ends_the_wait() -> None:
    """A confirmed write has its outcome although the index failed, because lists are refused until it is rebuilt."""
    index = Index(late=float("inf"), reason=StoreReason.INDEX)
    late = LateWrites(lambda: index.now)
    late.begin()
    assert await index.wait(late) == 0


@pytest.mark.parametrize("error", [StoreUnavailableError.because(StoreReason.BACKEND), StoreFailedError("unusable")])
async def test_a_mark_that_cannot_be_read_leaves_the_outcome_unknown(error: Exception) -> None:
    """The write was confirmed before, so a failed read of the index never says that nothing was written."""
    index = Index(error=error)
    late = LateWrites(lambda: index.now)
    late.begin()
    with pytest.raises(StoreUnavailableError) as caught:
        await index.wait(late)
    assert caught.value.unknown_outcome
