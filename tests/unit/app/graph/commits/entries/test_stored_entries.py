"""Stored outbox entries are read in pages, of few entries and few characters."""

from collections.abc import Mapping
from typing import Any

from app.graph.commits.entries.stored_entries import PAGE, READ, stored_entries, stored_ids
from app.graph.commits.outbox_entry import OutboxEntry


class PagedStore:
    """A store whose response to a request has at most ``most`` of the wanted entries; the id 3 is absent."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []

    async def submit(self, prepared: object, bindings: Mapping[str, Any], **_: object) -> Any:
        """Return what the store would."""
        if prepared is not READ:
            return [[*range(1, 1_000)]]
        self.sizes.append(len(bindings["xs"]))
        found = [x for x in bindings["xs"] if x != 3]
        return [[[_row(x) for x in found[: self.most]], found[self.most :]]]


def _row(x: int) -> dict[str, Any]:
    binding: Any = OutboxEntry(x, "acme", x).binding()
    return {"x": x, "note": binding["p"]["note"], "covered": "[]", "frontier": []}


async def test_entries_are_read_in_pages() -> None:
    """No request has more than PAGE ids, absent ones are left out, and no ids are no request."""
    store: Any = PagedStore(PAGE)
    found = [entry.x async for entry in stored_entries(store, await stored_ids(store))]
    assert found == [1, 2, *range(4, 1_000)]
    assert store.sizes == [PAGE, 999 - PAGE]
    assert [entry async for entry in stored_entries(store, [])] == []
    assert len(store.sizes) == 2


async def test_what_a_response_left_out_is_read_again() -> None:
    """Entries with long frontiers fill a response early; the others of the page are in the next ones."""
    store: Any = PagedStore(300)
    assert {entry.x async for entry in stored_entries(store, range(1, 1_000))} == {1, 2, *range(4, 1_000)}
    assert max(store.sizes) <= PAGE
