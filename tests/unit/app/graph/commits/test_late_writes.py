"""Transactions without a response: until when outcomes wait for the index, and what ends the wait."""

from dataclasses import dataclass, field
from typing import Any, Self, cast

import pytest

from app.graph.commits.late_writes import (
    EPOCH_SECONDS,
    INDEX_SECONDS,
    INDEXED,
    LATE_SECONDS,
    LateWrites,
    WriterEpoch,
)
from app.graph.commits.write_statements import INDEX_MARK, WRITE
from app.graph.driver.errors import LostTurnError, StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.touched import NOTHING
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

    async def submit(self, prepared: object, bindings: dict[str, object], **_: object) -> list[bool]:
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


@dataclass
class Writing:
    """A client of a store that writes a late transaction during so many reads, each of which takes a second."""

    reads_left: int
    now: float = 1_000.0
    epochs: list[str] = field(default_factory=list)
    write_watches: list[Any] = field(default_factory=list)

    async def submit(self, _prepared: object, _bindings: dict[str, str], **_: object) -> list[Any]:
        """Return the id of a new epoch, and whether nothing is written."""
        self.now += 1
        self.reads_left -= 1
        self.epochs.append(f"epoch {len(self.epochs)}")
        return [[self.epochs[-1], self.reads_left < 0]]

    def epoch(self) -> WriterEpoch:
        """Return the epoch of the process of this client."""
        return WriterEpoch(cast("GremlinClient", self), lambda: self.now)


async def test_a_plan_waits_for_the_end_of_a_late_transaction() -> None:
    """It sends requests until the store does not write, and has the last epoch; the next plan sends none."""
    client = Writing(reads_left=3)
    epoch = client.epoch()
    await epoch.begin()
    await epoch.begin()
    assert len(client.epochs) == 4
    assert epoch.turn() == {"epoch": "epoch 3"}


async def test_a_plan_does_not_wait_for_ever() -> None:
    """After EPOCH_SECONDS the callers get an error: nothing was written. The next plan begins again."""
    client = Writing(reads_left=10_000)
    epoch = client.epoch()
    for _ in range(2):
        begun = client.now
        with pytest.raises(StoreUnavailableError) as raised:
            await epoch.begin()
        assert not raised.value.unknown_outcome
        assert client.now - begun == EPOCH_SECONDS


@pytest.mark.parametrize(("certain", "epochs"), [(True, 1), (False, 2)])
async def test_a_write_without_a_response_ends_the_epoch(certain: bool, epochs: int) -> None:  # noqa: FBT001
    """After it, the next plan begins a new epoch; after a response the same one goes on."""
    client = Writing(reads_left=0)
    epoch = client.epoch()
    await epoch.begin()
    (watch,) = client.write_watches
    watch.ended(NOTHING, certain=certain)
    if not certain:
        with pytest.raises(LostTurnError):
            epoch.turn()
    await epoch.begin()
    assert len({*client.epochs}) == epochs


async def test_a_refused_transaction_ends_the_epoch() -> None:
    """The JVM that refuses it was started again, and knows no epoch."""
    client = Writing(reads_left=0)
    epoch = client.epoch()
    await epoch.begin()
    epoch.end_turn(written=True)
    with pytest.raises(LostTurnError):
        epoch.end_turn(written=False)
    await epoch.begin()
    assert len({*client.epochs}) == 2


def test_a_transaction_is_known_to_write_before_it_reads_the_epoch() -> None:
    """In the other order, an epoch could begin between the two, and its plan not wait for the transaction."""
    writes, reads = WRITE.text.index("setProperty('mlgraph.writing."), WRITE.text.index("getProperty('mlgraph.epoch.")
    assert writes < reads < WRITE.text.index("g.tx().commit()") < WRITE.text.index("clearProperty('mlgraph.writing.")
