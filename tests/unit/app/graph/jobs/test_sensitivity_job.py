"""The order in which the sensitivity job works, what it reads again, and the parts that it stores, without a store."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, Mock

import networkx as nx
import pytest
from support.oracles.ranked_flows import Flows
from support.stores.writers import person

from app.graph.commits import outbox_worker
from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, awaiting, new_entry_id
from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.gremlin_client import GremlinClient, WriteOrder
from app.graph.jobs import sensitivity_job
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.sensitivity_work.known_sources import KnownSources
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.jobs.sensitivity_work.recompute import Recomputation
from app.graph.propagation.stored_ends import NextEnd
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.target_queue import FirstTargets
from app.graph.records.touched import Touched
from app.graph.records.vertex_record import stub
from graphql_schema.ports.record import Record
from policies.sensitivity import SENSITIVITIES

TOP = len(SENSITIVITIES) - 1
ADA, BOB, EVE = (person(name) for name in ("ada", "bob", "eve"))


@pytest.fixture
def job() -> SensitivityJob:
    """Return a job with an empty outbox, whose client is not open."""
    return SensitivityJob(GremlinClient("http://127.0.0.1:1"), asyncio.Lock(), Outbox(), frozenset())


def entries(*authors: str) -> list[OutboxEntry]:
    """Return entries of callers, oldest first, each with a vertex to recompute."""
    who = {"ada": ADA, "bob": BOB, "eve": EVE, "old": None}
    return [OutboxEntry(x, "acme", x, frontier={7: None}, raised_by=who[name]) for x, name in enumerate(authors)]


async def test_callers_take_turns(job: SensitivityJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller with many entries, none of which ends soon, does not delay those of others; own ones are in order."""
    worked: list[int] = []

    async def undecided(self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        worked.append(next(x for x, each in job._begun.items() if each is self))  # noqa: SLF001 - whose turn it is
        return False

    monkeypatch.setattr(Recomputation, "decide", undecided)
    due = entries("eve", "eve", "ada", "eve", "bob", "old")
    for _ in range(6):
        assert await job.advance(due)
    assert worked == [0, 2, 4, 5, 0, 2]
    worked.clear()
    due = [entry for entry in due if entry.x != 0]  # it is done
    for _ in range(4):
        await job.advance(due)
    assert worked == [4, 5, 1, 2]


async def test_a_write_without_a_response_is_read_again_in_each_step(
    job: SensitivityJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a transaction may be committed between any two steps, until it counts as ended; another one only once."""
    known: list[set[int]] = []
    clock = [0.0]

    async def undecided(self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        known.append(set(self.known.ranks))
        self.known.ranks |= {1: 0, 2: 0, 3: 0}
        return False

    monkeypatch.setattr(Recomputation, "decide", undecided)
    monkeypatch.setattr(sensitivity_job, "monotonic", lambda: clock[0])
    due = entries("ada")
    await job.advance(due)
    written, late = Touched(frozenset({1})), Touched(frozenset({2}))
    for touched, certain in ((written, True), (late, False)):
        job.begun(touched)
        job.ended(touched, certain=certain)
    for _ in range(2):
        await job.advance(due)
    clock[0] = LATE_SECONDS + 1
    for _ in range(2):
        await job.advance(due)
    assert known == [set(), {3}, {1, 3}, {1, 3}, {1, 2, 3}]


async def test_entries_that_were_loaded_again_begin_again(job: SensitivityJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure the store may have another frontier, so nothing of a recomputation is kept."""
    known: list[set[int]] = []

    async def undecided(self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        known.append(set(self.known.ranks))
        self.known.ranks[1] = 0
        return False

    monkeypatch.setattr(Recomputation, "decide", undecided)
    due = entries("ada")
    await job.advance(due)
    await job.advance([replace(due[0])])
    job._outbox.loads += 1  # noqa: SLF001 - as after a load
    await job.advance(due)
    assert known == [set(), {1}, set()]


async def test_what_was_read_before_another_process_had_the_lease_is_read_again(
    job: SensitivityJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have worked off the end of an edge, which no write announces; its entry is deleted."""
    known: list[set[int]] = []

    async def undecided(self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        known.append(set(self.known.of))
        self.known.set_sources(7, (8,))
        return False

    monkeypatch.setattr(Recomputation, "decide", undecided)
    ada, bob = entries("ada", "bob")
    for entry in (ada, bob):
        with job._outbox.committing([entry]):  # noqa: SLF001 - they stay in the outbox
            pass
    job._kept.keep(bob.caller, KnownSources(of={7: (8,)}))  # noqa: SLF001 - as after an entry
    await job.advance([ada])
    job._client.write_order = Mock(WriteOrder)  # noqa: SLF001 - of a store with several processes
    job._outbox.loads += 1  # noqa: SLF001 - as when it has the lease again
    await job.advance([ada])
    await job.advance([bob])
    assert known == [set(), set(), set()]


async def test_edges_that_have_ended_are_read_again_for_all_entries(
    job: SensitivityJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No write announces the end of an edge: sources at its asset that others read are forgotten once it is due."""
    known: list[set[int]] = []

    async def undecided(self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        known.append(set(self.known.of))
        for vid in (5, 6, 9):
            self.known.set_sources(vid, (8,))
        return False

    monkeypatch.setattr(Recomputation, "decide", undecided)
    ada, bob = entries("ada", "bob")
    await job.advance([ada])
    await job.advance([ada, replace(bob, awaits=(5, 6))])
    await job.advance([ada])
    assert known == [set(), set(), {9}]


async def test_what_was_read_for_an_entry_is_known_for_the_next_of_its_caller(
    job: SensitivityJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends at fourteen assets are due at once, and these have the same 460 large sources: each read 28 MB again."""
    known: list[tuple[int, set[int], set[int]]] = []

    async def decided(self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        (x,) = (x for x, each in job._begun.items() if each is self)  # noqa: SLF001 - whose turn it is
        known.append((x, set(self.known.ranks), set(self.known.of)))
        self.known.ranks |= {1: 0, 2: 0}
        for vid in (5, 9):
            self.known.set_sources(vid, (1, 2))
        job.begun(Touched(frozenset({1})))  # another one writes before the next step
        return True

    async def done(_outbox: Outbox, _client: GremlinClient, *entries: OutboxEntry, **_: object) -> None:
        due.remove(entries[0])

    monkeypatch.setattr(Recomputation, "decide", decided)
    monkeypatch.setattr(Outbox, "done", done)
    due = entries("ada", "bob", "ada")
    due.append(replace(due[0], x=3, order=3, frontier={7: None}, awaits=(5, 0)))
    ended: Any = NextEnd
    monkeypatch.setattr(ended, "advance", AsyncMock(return_value=True))
    while due:
        await job.advance([*due])
    assert known == [(0, set(), set()), (1, set(), set()), (2, {2}, {5, 9}), (3, {2}, {9})]


async def test_a_later_end_has_an_entry_of_its_own_once_the_work_has_begun(
    job: SensitivityJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction that ends the work may have no response, and delete the entry after the end was declared."""

    async def undecided(_self: Recomputation, _flows: StoredFlows, _budget: ReadBudget) -> bool:
        return False

    def awaited(due: int) -> OutboxEntry:
        return awaiting(OutboxEntry(new_entry_id(), "acme", 1, due), 7, None)

    monkeypatch.setattr(Recomputation, "decide", undecided)
    outbox = job._outbox  # noqa: SLF001 - what the job notes there is the point
    with outbox.committing([awaited(50)]):
        pass
    assert outbox.later(awaited(500), 100) == []
    await job.advance(outbox.due("sensitivity", 100))
    assert [each.due for each in outbox.later(awaited(500), 100)] == [500]


async def test_a_part_that_was_not_stored_is_the_next_one_again() -> None:
    """If another process wrote first, nothing is decided again, and each of the five vertices is lowered once."""
    row = nx.path_graph(range(1, 6), create_using=nx.DiGraph)
    flows: Any = Flows(row, dict.fromkeys(row, TOP), dict.fromkeys(row, 0))
    recomputation, parts = Recomputation(size=2), list[list[int]]()
    recomputation.begin_batch([5])
    for step in range(6):
        await recomputation.begin_step()
        flows.edges_read = []
        assert await recomputation.decide(flows, ReadBudget())
        assert step == 0 or flows.edges_read == []
        parts.append([*recomputation.next_part()])
        if step % 2:
            flows.ranks |= dict.fromkeys(parts[-1], 0)
            recomputation.stored(recomputation.next_part(), ())
        recomputation.known.record(Touched(frozenset(parts[-1])))
    assert parts == [[1, 2], [1, 2], [3, 4], [3, 4], [5], [5]]
    assert recomputation.is_stored


async def test_parts_stay_small_if_the_batch_is_decided_again() -> None:
    """A writer raises one of five large records between all steps; each step but the first one stores a record."""
    row = nx.path_graph(range(1, 6), create_using=nx.DiGraph)
    flows: Any = Flows(row, dict.fromkeys(row, TOP), dict.fromkeys(row, 0))
    recomputation, parts = Recomputation(size=5), list[list[int]]()
    recomputation.begin_batch([5])
    for step in range(4):
        flows.declared[5] = step % 2
        recomputation.known.record(Touched(frozenset({5})))
        await recomputation.begin_step()
        while not await recomputation.decide(flows, ReadBudget()):
            pass
        parts.append([*recomputation.next_part()])
        if len(parts[-1]) > 1:
            recomputation.divide(1)
            continue
        flows.ranks |= recomputation.next_part()
        recomputation.known.record(Touched(frozenset(parts[-1])))
        recomputation.stored(recomputation.next_part(), ())
    assert parts == [[1, 2, 3, 4, 5], [1], [2], [3]]


@pytest.mark.parametrize(("size", "read"), [(100, 130), (60_000, 20)])
async def test_few_long_records_are_read_to_write_some_of_them(
    job: SensitivityJob, monkeypatch: pytest.MonkeyPatch, size: int, read: int
) -> None:
    """A part may have 250 records of 66 KB, of which a step writes thirty: all were read under the lock, and again."""
    requested, sent = list[int](), list[WriteSet]()

    async def records(_client: GremlinClient, vids: list[int]) -> dict[int, Record]:
        requested.extend(vids)
        names = {vid: f"mlg://dataset/test/default/d{vid}" for vid in vids}
        return {vid: {**stub("acme", names[vid], "ada", 1), "description": "x" * size} for vid in vids}

    async def no_targets(*_: object) -> FirstTargets:
        return FirstTargets(set())

    async def submitted(writes: WriteSet, _client: GremlinClient) -> None:
        sent.append(writes)

    monkeypatch.setattr(outbox_worker, "read_records", records)
    monkeypatch.setattr(sensitivity_job, "first_targets", no_targets)
    monkeypatch.setattr(outbox_worker, "READ_AT_ONCE", 20)
    monkeypatch.setattr(WriteSet, "submit", submitted)
    (entry,), recomputation = entries("ada"), Recomputation(1, 250)
    flows, ranks = StoredFlows(GremlinClient("http://127.0.0.1:1"), frozenset(), 1), dict.fromkeys(range(1, 131), TOP)
    count = await job._write(entry, recomputation, flows, ranks, VisitBudget())  # noqa: SLF001 - a part of a step
    assert requested == [*range(1, read + 1)]
    assert (count == len(ranks), len(sent)) == ((True, 1) if read == len(ranks) else (False, 0))
    assert 0 < count <= read
