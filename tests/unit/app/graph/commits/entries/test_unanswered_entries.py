"""Outbox entries of transactions without a response: for how long they are looked for, and how often."""

from app.graph.commits.entries.unanswered_entries import LOOK_SECONDS, UnansweredEntries
from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.sensitivity_floors import SensitivityFloor

FLOOR = SensitivityFloor("acme", "RESTRICTED", frozenset({5}))


def test_entries_are_looked_for_until_their_transaction_counts_as_ended() -> None:
    """Each look is some seconds after the one before, and there is none without entries."""
    now = 1_000.0
    entries = UnansweredEntries(lambda: now)
    assert not entries.is_look_due
    entries.add([OutboxEntry(1, "acme", 1, floor=FLOOR), OutboxEntry(2, "acme", 2)])
    assert (entries.is_look_due, entries.ids, entries.floors) == (True, [1, 2], {1: FLOOR})
    entries.looked()
    assert not entries.is_look_due
    now += LOOK_SECONDS
    assert entries.is_look_due
    now += LATE_SECONDS - LOOK_SECONDS
    entries.looked()
    assert (len(entries), entries.floors, entries.is_look_due) == (0, {}, False)


def test_what_the_store_has_is_no_longer_looked_for() -> None:
    """Entries that are not among them do not count."""
    entries = UnansweredEntries()
    entries.add([OutboxEntry(1, "acme", 1), OutboxEntry(2, "acme", 2)])
    entries.discard([1, 7])
    assert entries.ids == [2]
