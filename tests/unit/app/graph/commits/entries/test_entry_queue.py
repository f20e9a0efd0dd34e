"""Outbox entries in memory: however many become due at once, a call examines few, and callers take turns."""

from support.stores.writers import person

from app.graph.commits.entries.backlogs import MAX_BACKLOG, Backlogs
from app.graph.commits.entries.entry_queue import MAX_TAKEN, EntryQueue, KindQueue
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry

ADA, BOB = person("ada"), person("bob")
MANY = 5 * MAX_TAKEN


def queue_of(*entries: OutboxEntry) -> KindQueue:
    """Return a queue with entries of one kind."""
    queue = KindQueue(Backlogs())
    for entry in entries:
        queue.add(entry)
    return queue


def test_few_of_many_entries_become_due_in_one_call() -> None:
    """A call returns and moves at most MAX_TAKEN of them; all of them become due, and none is lost."""
    queue = queue_of(*(OutboxEntry(x, "default", x, due=100, raised_by=ADA) for x in range(MANY)))
    found: dict[int, None] = {}
    for call in range(1, MANY // MAX_TAKEN + 1):
        due = queue.due(100)
        assert (len(due), len(queue._instants)) == (MAX_TAKEN, MANY - call * MAX_TAKEN)  # noqa: SLF001 - what it examines
        for entry in due:
            queue.remove(entry)
        found |= dict.fromkeys(entry.x for entry in due)
    assert [*found] == [*range(MANY)]
    assert queue.due(100) == []


def test_entries_of_one_caller_delay_none_of_another() -> None:
    """A later caller has every second place, and the entries of each are in the order in which they became due."""
    queue = queue_of(*(OutboxEntry(x, "default", x, raised_by=ADA) for x in range(MANY)))
    queue.due(100)
    for x in (MANY, MANY + 1):
        queue.add(OutboxEntry(x, "default", 50 + x, due=60, raised_by=BOB))
    for _ in range(MANY // MAX_TAKEN):
        assert len(queue.due(100)) == MAX_TAKEN
    assert [entry.x for entry in queue.due(100)[:6]] == [0, MANY, 1, MANY + 1, 2, 3]
    queue.remove(queue.due(100)[0])
    assert [entry.x for entry in queue.due(100)[:4]] == [MANY, 1, MANY + 1, 2]


def test_an_entry_waits_again_after_the_clock_was_set_back() -> None:
    """It takes no place of one that is due, and becomes due at its instant."""
    queue = queue_of(*(OutboxEntry(x, "default", x, due=1_000) for x in range(2 * MAX_TAKEN)))
    for _ in range(3):
        queue.due(1_000)
    queue.add(OutboxEntry(MANY, "default", 7))
    assert [entry.x for entry in queue.due(500)] == [MANY]
    assert queue.next_due() == 1_000
    assert len(queue.due(1_000)) == MAX_TAKEN


def test_entries_are_counted_without_going_through_them() -> None:
    """The counts are those of all entries, of those that are due, and since when the oldest is."""
    queue = queue_of(
        OutboxEntry(1, "default", 70, raised_by=ADA),
        OutboxEntry(2, "default", 10, due=40, raised_by=BOB),
        OutboxEntry(3, "default", 10, due=90, raised_by=BOB),
    )
    assert queue.counts(80) == (3, 2, 40)
    assert queue.counts(95) == (3, 3, 40)
    assert KindQueue(Backlogs()).counts(5) == (0, 0, 5)


def test_each_kind_has_its_entries() -> None:
    """Many entries of one kind are no work of the job of another; a removed entry is in no list."""
    queue = EntryQueue()
    for x in range(MANY):
        queue.add(OutboxEntry(x, "default", x, tag=ANY_TAG))
    queue.add(OutboxEntry(MANY, "default", MANY))
    assert [entry.x for entry in queue.kinds["sensitivity"].due(1)] == [MANY]
    for x in range(MANY + 1):
        queue.pop(x)
    assert queue.pop(0) is None
    assert [queue.kinds[kind].counts(1) for kind in ("tag", "sensitivity")] == [(0, 0, 1)] * 2


def test_an_entry_that_waits_counts_for_its_caller_from_when_it_is_due() -> None:
    """Many ends of edges that are to come make no caller wait; those that have passed do, until they are worked off."""
    queue, ada = EntryQueue(), ("default", "ada")
    for x in range(MAX_BACKLOG):
        queue.add(OutboxEntry(x, "default", 1, due=100, raised_by=ADA, awaits=(x, 0)))
    queue.kinds["sensitivity"].counts(99)
    assert not queue.backlogs.is_full(ada)
    queue.kinds["sensitivity"].counts(100)
    assert queue.backlogs.is_full(ada)
    queue.kinds["sensitivity"].due(99)  # the clock was set back
    assert not queue.backlogs.is_full(ada)
    queue.kinds["sensitivity"].due(100)
    assert queue.backlogs.is_full(ada)
    queue.pop(0)
    assert not queue.backlogs.is_full(ada)
    queue.add(OutboxEntry(0, "default", 1, raised_by=ADA, awaits=(0, 0)))
    assert queue.backlogs.is_full(ada)
