"""The search for the next end at an asset with many edges: it takes a page in each step, and misses no end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.stores.log_store import Clock, LogClient, LogStore
from support.stores.writers import person

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, awaiting, new_entry_id
from app.graph.commits.write_log import WriteLog
from app.graph.commits.write_set import WriteSet
from app.graph.driver import edge_pages
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.errors import LostTurnError
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.awaited_end import search_of_step
from app.graph.propagation.stored_ends import NextEnd

HUB = 7


@dataclass
class HubClient(LogClient):
    """A client of a store with a hub, one of whose edges ends at each of ``ends``; ``pages`` is the number of reads."""

    ends: list[int] = field(default_factory=list)
    pages: int = 0

    async def submit(self, prepared: PreparedStatement, bindings: Mapping[str, Any], **named: object) -> Any:
        """Return a page of the edges, or what the store of the log does."""
        if "never" not in bindings:
            return await super().submit(prepared, bindings, **named)
        self.pages += 1
        more = bindings["hops"][0]["more"]
        start = more[0][2] if more else 0
        last = start + bindings["page"]
        found = [end for end in self.ends[start:last] if end > bindings["since"]]
        left = [(HUB, "DERIVES", last)] if last < len(self.ends) else []
        return [{"next": min(found, default=bindings["never"]), "r": [[[], left], [[], []]], "n": last - start}]


async def process(store: LogStore, ends: list[int], entry: OutboxEntry | None, *, alone: bool = False) -> HubClient:
    """Return the client of a process that knows an entry; others write as well unless it is ``alone``."""
    client: Any = HubClient(store, ends=ends)
    if not alone:
        client.write_order = await WriteLog.opened(client, client.coordinator, Clock(), Clock())
    if entry is not None:
        with client.coordinator.outbox.committing([entry]):
            pass
    return client  # type: ignore[no-any-return]


def awaited(due: int, who: str = "ada") -> OutboxEntry:
    """Return the entry of a caller that awaits the end of an edge of the hub."""
    return awaiting(OutboxEntry(new_entry_id(), "acme", 1, due, raised_by=person(who, tenant="acme")), HUB, None)


@dataclass
class Search:
    """Takes the steps of a search for an entry in a process."""

    client: Any
    entry: OutboxEntry
    search: NextEnd | None = None

    @property
    def outbox(self) -> Outbox:
        """The outbox of the process."""
        outbox: Outbox = self.client.coordinator.outbox
        return outbox

    async def step(self) -> bool:
        """Take a step; return whether all edges are read."""
        if self.client.write_order is not None:
            await self.client.write_order.begin("job")
        self.search = await search_of_step(self.client, self.outbox, self.entry, self.search, 100)
        return await self.search.advance(self.client, VisitBudget())


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_pages, "PAGE", 10)


@pytest.mark.parametrize(("alone", "steps", "transactions"), [(True, 10, 0), (False, 11, 1)])
async def test_a_step_reads_one_page(*, alone: bool, steps: int, transactions: int) -> None:
    """All pages of a hub in one step let all writers wait. With several processes, one step more stores the begin."""
    client = await process(store := LogStore(), [*range(300, 200, -1)], entry := awaited(50), alone=alone)
    job, taken = Search(client, entry), 1
    while not await job.step():
        assert client.pages == taken
        taken += 1
    assert (taken, client.pages, store.sequence) == (steps, steps, transactions)
    assert job.search is not None
    assert job.search.due == 201


async def test_few_edges_take_no_further_transaction() -> None:
    """What a step reads in one page is written in this step; the next one, if that is lost, reads it again."""
    client = await process(store := LogStore(), [300, 200], entry := awaited(50))
    job = Search(client, entry)
    for step in (1, 2):
        assert await job.step()
        assert (client.pages, store.sequence) == (step, 0)
        client.ends.append(150)
    assert job.search is not None
    assert job.search.due == 150


async def test_a_search_without_a_page_is_not_too_long() -> None:
    """A step that has read too much before begins no search. The next one has no reason to store the begin."""
    client = await process(store := LogStore(), [300], entry := awaited(50))
    search = await search_of_step(client, client.coordinator.outbox, entry, None, 100)  # type: ignore[arg-type]
    assert not await search.advance(client, VisitBudget(0))  # type: ignore[arg-type]
    assert await Search(client, entry, search).step()
    assert store.sequence == 0


async def test_another_process_leaves_entries_once_the_search_has_begun() -> None:
    """A writer that planned before that, and comes after it, loses its turn, and plans again with the begun entry."""
    store, entry = LogStore(), awaited(50)
    client, other = await process(store, [300] * 100, entry), await process(store, [], replace(entry))
    outbox, order, job = other.coordinator.outbox, other.write_order, Search(client, entry)
    assert order is not None
    await job.step()
    await order.begin("writer")
    assert outbox.later(awaited(500, "bob"), 100) == []
    (planned := WriteSet()).mark(256, "usedAt", 1, exact=True, new=False)
    await job.step()
    with pytest.raises(LostTurnError):
        await planned.submit(other)  # type: ignore[arg-type]
    await order.begin("writer")
    (own,) = outbox.later(awaited(500, "bob"), 100)
    (again := WriteSet()).outbox([own])
    await again.submit(other)  # type: ignore[arg-type]
    while not await job.step():
        pass
    assert {each.x for each in job.outbox} == {entry.x, own.x}
    assert job.outbox.following(entry, 600, 100) == []
    assert [each.due for each in job.outbox.following(entry, 400, 100)] == [400]


async def test_a_begin_that_lost_its_turn_is_stored_by_the_next_step() -> None:
    """Until it is stored, other processes leave no entries, so that no page that was read before it counts."""
    store, entry = LogStore(), awaited(50)
    client, other = await process(store, [300] * 25, entry), await process(store, [], None)
    job = Search(client, entry)
    await job.step()
    assert client.write_order is not None
    assert other.write_order is not None
    begin, lost = client.write_order.begin, [True]

    async def overtaken(planner: str) -> None:
        await begin(planner)
        if lost:
            lost.pop()
            await other.write_order.begin("writer")  # type: ignore[union-attr]
            (writes := WriteSet()).mark(256, "usedAt", 1, exact=True, new=False)
            await writes.submit(other)  # type: ignore[arg-type]

    client.write_order.begin = overtaken  # type: ignore[method-assign]
    client.ends[0] = 150
    with pytest.raises(LostTurnError):
        await job.step()
    assert not entry.begun
    while not await job.step():
        pass
    assert (entry.begun, job.search and job.search.due) == (True, 150)
