"""The due work that writes of a caller left is counted by its size, until the jobs have worked it off."""

import pytest
from support.stores.writers import person

from app.graph.commits.entries.backlogs import ENDS_PER_WEIGHT, FLOOR_WEIGHT, IDS_PER_WEIGHT, MAX_BACKLOG, Backlogs
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.sensitivity_floors import SensitivityFloor

ADA = person("ada", tenant="acme")
FLOOR = SensitivityFloor("acme", "RESTRICTED", frozenset(range(2 * IDS_PER_WEIGHT)))
MANY = dict.fromkeys(range(3 * IDS_PER_WEIGHT))


def entry(x: int, **values: object) -> OutboxEntry:
    """Return an entry of ada."""
    return OutboxEntry(x, "acme", x, **{"raised_by": ADA, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "weight"),
    [
        ({}, 1),
        ({"frontier": MANY}, 4),
        ({"expand": MANY}, 4),
        ({"expand": MANY, "inference": True}, 31),
        ({"floor": FLOOR}, 1 + FLOOR_WEIGHT + 2),
        ({"floor": FLOOR, "frontier": MANY}, 1 + FLOOR_WEIGHT + 5),
        ({"awaits": (1, 0)}, 1),
        ({"raised_by": None}, 0),
    ],
)
def test_an_entry_counts_by_its_size(values: dict[str, object], weight: int) -> None:
    """Ids and floors weigh; entries of the server do not count."""
    backlogs = Backlogs()
    for x in range(MAX_BACKLOG - weight - 1):
        backlogs.add(entry(x))
    backlogs.add(entry(-1, **values))
    assert not backlogs.is_full(("acme", "ada"))
    backlogs.add(entry(-2))
    backlogs.add(entry(-2))
    assert backlogs.is_full(("acme", "ada"))
    assert not backlogs.is_full(("acme", "bo"))
    backlogs.remove(-2)
    assert not backlogs.is_full(("acme", "ada"))


def test_what_is_removed_counts_as_it_was_added() -> None:
    """A job takes ids out of an entry before it ends it; nothing of the caller is left then."""
    backlogs = Backlogs()
    large = entry(1, frontier=dict.fromkeys(range(MAX_BACKLOG * IDS_PER_WEIGHT)))
    backlogs.add(large)
    assert backlogs.is_full(("acme", "ada"))
    large.frontier.clear()
    backlogs.remove(1)
    backlogs.remove(1)
    for x in range(MAX_BACKLOG - 1):
        backlogs.add(entry(x))
    assert not backlogs.is_full(("acme", "ada"))


def test_what_a_job_finds_adds_to_an_entry() -> None:
    """A change of one input of a run may lead to any number of outputs; they count until the entry ends."""
    backlogs = Backlogs()
    backlogs.add(entry(1, expand={7: None}, inference=True))
    backlogs.add(entry(2, expand={7: None}, inference=True, raised_by=None))
    for x in (1, 2, 3):
        backlogs.add_ids(x, MAX_BACKLOG * ENDS_PER_WEIGHT)
    assert backlogs.is_full(("acme", "ada"))
    assert not backlogs.is_full(("acme", ""))
    backlogs.remove(1)
    assert not backlogs.is_full(("acme", "ada"))
