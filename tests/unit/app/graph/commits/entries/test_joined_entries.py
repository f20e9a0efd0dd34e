"""The entries for all tags that are divided together: a caller has one turn, and no division has too many assets."""

import pytest
from support.stores.writers import person

from app.graph.commits.entries import joined_entries as module
from app.graph.commits.entries.joined_entries import joined_entries
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry


def left_by(caller: str, x: int, *vids: int, around: bool = True) -> OutboxEntry:
    """Return an entry of a caller."""
    raised_by = person(caller)
    return OutboxEntry(x, "acme", x, frontier=dict.fromkeys(vids), tag=ANY_TAG, raised_by=raised_by, around=around)


def test_only_deletions_and_restorations_of_a_caller_are_joined() -> None:
    """Those of other callers have a division of their own, and so has each asset where an edge has ended."""
    ada, ended, bo = left_by("ada", 1, 10), left_by("ada", 2, 10, around=False), left_by("bo", 3, 10)
    again = left_by("ada", 4, 11)
    assert joined_entries([ada, ended, bo, again]) == {ada.caller: [ada, again], 2: [ended], bo.caller: [bo]}


def test_very_many_deleted_assets_are_divided_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries join until there are many assets; the first one has its turn whatever the number of its assets."""
    monkeypatch.setattr(module, "MAX_JOINED", 3)
    entries = [left_by("ada", 1, 10, 11), left_by("ada", 2, 12, 13), left_by("ada", 3, 14)]
    assert [*joined_entries(entries).values()] == [entries[:2]]
    large = left_by("ada", 4, *range(10))
    assert [*joined_entries([large, *entries]).values()] == [[large]]
