"""The backlog of the jobs: what waits of each kind, and when answers are stale."""

import asyncio

from support.waiting import until

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry
from app.runtime.backlog import STALE_SECONDS, Backlog, Waiting
from app.runtime.store_health import sampled

MINUTE = 60_000


def outbox_of(*entries: OutboxEntry) -> Outbox:
    """Return an outbox with entries in memory."""
    outbox = Outbox()
    with outbox.committing([*entries]):
        pass
    return outbox


async def test_entries_count_by_their_kind() -> None:
    """An entry that is due later counts, and not as due; the age is that of the oldest due entry of a kind."""
    now = 100 * MINUTE
    outbox = outbox_of(
        OutboxEntry(256, "a", now - MINUTE),
        OutboxEntry(512, "a", now - 3 * MINUTE, due=now - 2 * MINUTE),
        OutboxEntry(768, "a", now, due=2 * now, tag=ANY_TAG),
        OutboxEntry(1024, "a", now, inference=True),
        OutboxEntry(1280, "a", now, owners=True),
    )
    assert Backlog(outbox, lambda: now).by_kind() == {
        "sensitivity": Waiting(2, 2, 120.0),
        "tag": Waiting(1, 0, 0.0),
        "inference": Waiting(1, 1, 0.0),
        "owner": Waiting(1, 1, 0.0),
        "receipts": Waiting(),
        "ingestions": Waiting(),
    }


async def test_answers_are_stale_while_an_entry_is_old() -> None:
    """The state follows the outbox within a second, also after the clock was set back."""
    clock = [100 * MINUTE]
    outbox = outbox_of(OutboxEntry(256, "a", clock[0]))
    backlog = Backlog(outbox, lambda: clock[0])
    states = []
    for step in (0, 500, int(STALE_SECONDS * 1_000), 500, -90 * MINUTE):
        clock[0] += step
        states.append(backlog.is_stale)
    assert states == [False, False, True, True, False]


async def test_a_scrape_looks_at_a_sample_alone() -> None:
    """Metrics are read in another thread, in which the queue of the outbox must not change."""
    outbox = outbox_of(OutboxEntry(256, "a", MINUTE))
    backlog = Backlog(outbox, lambda: 3 * MINUTE)
    async with sampled(backlog):
        await until(lambda: bool(backlog.sample))
    with outbox.committing([OutboxEntry(512, "a", MINUTE)]):
        pass
    found = {family.name: family.samples for family in await asyncio.to_thread(lambda: [*backlog.metrics()])}
    values = {
        name: [each.value for each in samples if each.labels["kind"] == "sensitivity"]
        for name, samples in found.items()
    }
    assert values == {
        "mlg_outbox_entries": [1.0], "mlg_outbox_due_entries": [1.0], "mlg_outbox_oldest_seconds": [120.0],
    }  # fmt: skip
