"""The order in which the tag job works, without a store: no tag and no entry waits for an endless stream of others."""

import asyncio
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from support.stores.writers import person

from app.graph.commits import outbox_worker
from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry, awaiting, new_entry_id
from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.errors import LostTurnError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import awaited_end, tag_job
from app.graph.jobs.tag_job import TagJob
from app.graph.jobs.tag_work.tag_carriers import Carrier
from app.graph.jobs.tag_work.tag_worklist import TagBatch, TagDecision, TagWorklist
from app.graph.propagation import tag_division
from app.graph.propagation.carried_tags import CarriedTags
from app.graph.propagation.stored_ends import NextEnd
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.tags_around import TagsAround
from app.graph.propagation.target_queue import FirstTargets
from app.graph.records.tag_edge import Arrival
from app.graph.records.vertex_record import stub
from graphql_schema.ports.record import Record

GOLD, PII = 1, 2


def entry(x: int, tag: int, *vids: int, caller: str = "") -> OutboxEntry:
    """Return an entry of a caller with vertices to decide for a tag."""
    raised_by = person(caller) if caller else None
    return OutboxEntry(x, "acme", x, frontier=dict.fromkeys(vids), tag=tag, raised_by=raised_by)


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let each batch be one vertex; return the tags and vertices in the order of the work."""
    found: list[tuple[int, int]] = []

    async def work(_job: TagJob, worklist: TagWorklist, _now: int, _budget: VisitBudget) -> None:
        found.append((worklist.tag, *worklist.take(1)))  # type: ignore[arg-type]

    monkeypatch.setattr(TagJob, "_work", work)
    return found


async def test_tags_take_turns_and_their_work_ends_in_a_stream_of_entries(
    worked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag with a new entry before each step delays no other tag, and the entries that it began with are done."""
    done: list[int] = []
    monkeypatch.setattr(
        Outbox, "done", AsyncMock(side_effect=lambda _, *entries: done.extend(entry.x for entry in entries))
    )
    coordinator: Any = SimpleNamespace(job_lock=lambda _: asyncio.Lock(), outbox=Outbox())
    job = TagJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]
    due = [entry(100, GOLD, 10, 11), entry(101, PII, 10, 11)]
    for step in range(8):
        assert await job.advance([each for each in due if each.x not in done])
        due.append(entry(step, GOLD, 20 + step))
    assert worked[:4] == [(GOLD, 10), (PII, 10), (GOLD, 11), (PII, 11)]
    assert worked[4:] == [(GOLD, 20), (GOLD, 21), (GOLD, 22), (GOLD, 23)]
    assert done == [100, 101, 0, 1, 2, 3]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> TagJob:
    """Return a job without a store."""
    monkeypatch.setattr(Outbox, "done", AsyncMock())
    coordinator: Any = SimpleNamespace(job_lock=lambda _: asyncio.Lock(), outbox=Outbox())
    return TagJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]


async def test_the_long_work_of_one_caller_delays_no_other_caller_of_the_tag(
    worked: list[tuple[int, int]], job: TagJob
) -> None:
    """After a step it is the turn of the other caller; then the first continues where its turn ended."""
    due = [entry(100, PII, *range(10, 16), caller="ada")]
    await job.advance(due)
    due.append(entry(101, PII, 50, caller="bo"))
    for _ in range(6):
        await job.advance(due)
        due = [each for each in due if each.x == 100 or (PII, 50) not in worked]
    assert worked == [(PII, vid) for vid in (10, 50, 11, 12, 13, 14, 15)]


async def test_the_many_tags_of_one_caller_delay_no_other_caller(worked: list[tuple[int, int]], job: TagJob) -> None:
    """Forty tags on a long chain are forty worklists. The single tag of another caller has every second step."""
    due = [entry(100 + tag, tag, *range(10, 16), caller="ada") for tag in range(10, 50)]
    await job.advance(due)
    due.append(entry(300, PII, 50, 51, 52, caller="bo"))
    for _ in range(6):
        await job.advance(due)
        due = [each for each in due if each.x != 300 or (PII, 52) not in worked]
    assert worked == [(10, 10), (PII, 50), (11, 10), (PII, 51), (12, 10), (PII, 52), (13, 10)]


async def test_callers_with_work_on_the_same_tags_share_each_tag(worked: list[tuple[int, int]], job: TagJob) -> None:
    """All tags of a caller are those of a caller with long work: the steps of both go to the tag that has the turn."""
    due = [entry(100 + tag, tag, *range(10, 60), caller="ada") for tag in (GOLD, PII)]
    await job.advance(due)
    due += [entry(200 + tag, tag, 90, caller="bo") for tag in (GOLD, PII)]
    for _ in range(4):
        await job.advance(due)
        due = [each for each in due if each.x < 200 or (each.tag, 90) not in worked]
    assert worked[0] == (GOLD, 10)
    assert {(GOLD, 90), (PII, 90)} <= {*worked}


async def test_the_turns_of_callers_continue_when_entries_are_loaded_again(
    worked: list[tuple[int, int]], job: TagJob
) -> None:
    """A caller whose turn had begun when the entries were loaded is behind the other ones."""
    due = [entry(100, PII, *range(10, 16), caller="ada"), entry(101, PII, *range(50, 56), caller="bo")]
    for _ in range(4):
        job._outbox.loads += 1  # noqa: SLF001 - as after a failure
        await job.advance(due)
    assert worked == [(PII, vid) for vid in (10, 50, 10, 50)]


async def test_a_later_end_has_an_entry_of_its_own_once_the_work_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction that ends the work may have no response, and delete the entry after the end was declared."""
    monkeypatch.setattr(StoredFlows, "next_far_ends", AsyncMock(return_value={8}))
    monkeypatch.setattr(StoredFlows, "next_edges", AsyncMock(return_value=[]))
    outbox = Outbox()
    coordinator: Any = SimpleNamespace(
        job_lock=lambda _: asyncio.Lock(), outbox=outbox, propagation_stops=frozenset(), propagating_tags=AsyncMock()
    )
    coordinator.propagating_tags.among.return_value = set()
    job = TagJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]

    def awaited(due: int) -> OutboxEntry:
        return awaiting(OutboxEntry(new_entry_id(), "acme", 1, due, tag=ANY_TAG), 7, 6)

    with outbox.committing([awaited(50)]):
        pass
    assert outbox.later(awaited(500), 100) == []
    await job.advance(outbox.due("tag", 100))
    assert [each.due for each in outbox.later(awaited(500), 100)] == [500]


@pytest.mark.parametrize(
    ("write_order", "begun", "searches"),
    [(None, False, 1), (object(), False, 2), (object(), True, 1)],
    ids=["one process", "several", "begun"],
)
async def test_a_step_that_lost_its_turn_searches_the_next_end_anew(
    monkeypatch: pytest.MonkeyPatch, write_order: object, searches: int, *, begun: bool
) -> None:
    """The process that wrote first may have given the asset an end, and leaves no entry unless this one has begun."""
    made = list[NextEnd]()

    class Search(NextEnd):
        """A search that finds no end, by no request."""

        async def advance(self, client: GremlinClient, budget: VisitBudget) -> bool:  # noqa: ARG002 - no request
            """Note the search."""
            assert client.write_order is write_order
            made.append(self)
            return True

    monkeypatch.setattr(awaited_end, "NextEnd", Search)
    monkeypatch.setattr(CarriedTags, "advance", AsyncMock(return_value={}))
    monkeypatch.setattr(CarriedTags, "__bool__", lambda _: False)
    monkeypatch.setattr(Outbox, "done", AsyncMock(side_effect=[LostTurnError("another process wrote first"), None]))
    outbox = Outbox()
    coordinator: Any = SimpleNamespace(
        job_lock=lambda _: asyncio.Lock(), outbox=outbox, propagation_stops=frozenset(), propagating_tags=AsyncMock()
    )
    coordinator.propagating_tags.among.return_value = set()
    job = TagJob(SimpleNamespace(write_order=write_order, write_epoch=None), coordinator)  # type: ignore[arg-type]
    with outbox.committing([awaiting(OutboxEntry(new_entry_id(), "acme", 1, 50, tag=ANY_TAG, begun=begun), 7, 6)]):
        pass
    due = outbox.due("tag", 100)
    with pytest.raises(LostTurnError):
        await job.advance(due)
    await job.advance(due)
    assert len({id(each) for each in made}) == searches


def deleted(x: int, *vids: int, caller: str) -> OutboxEntry:
    """Return the entry of a caller who has deleted assets."""
    return replace(entry(x, ANY_TAG, *vids, caller=caller), around=True)


@dataclass
class Divided:
    """A job that finds both tags at an asset in each step. ``stored`` has what its transactions delete and write."""

    job: TagJob
    stored: list[tuple[list[int], list[tuple[int, list[int]]]]]

    async def divide(self, due: list[OutboxEntry]) -> None:
        """Let the job take steps until it has deleted all entries."""
        while left := [each for each in due if not any(each.x in gone for gone, _ in self.stored)]:
            await self.job.advance(left)


@pytest.fixture
def divided(monkeypatch: pytest.MonkeyPatch) -> Divided:
    """Return such a job, without a store."""
    stored: list[tuple[list[int], list[tuple[int, list[int]]]]] = []

    async def advance(around: TagsAround, *_: object) -> dict[int, list[int]]:
        vid = next(iter(around._waiting))  # noqa: SLF001 - in place of the reads
        del around._waiting[vid]  # noqa: SLF001
        return {GOLD: [vid], PII: [vid]}

    async def done(_: object, *gone: OutboxEntry, followed_by: list[OutboxEntry]) -> None:
        stored.append(([each.x for each in gone], [(each.tag or 0, [*each.frontier]) for each in followed_by]))

    monkeypatch.setattr(TagsAround, "advance", advance)
    monkeypatch.setattr(TagsAround, "concerned", AsyncMock(side_effect=lambda vids: vids))
    monkeypatch.setattr(Outbox, "done", AsyncMock(side_effect=done))
    monkeypatch.setattr(tag_job, "MAX_REPLACED", 1)
    coordinator: Any = SimpleNamespace(job_lock=lambda _: asyncio.Lock(), outbox=Outbox(), propagating_tags=AsyncMock())
    coordinator.propagating_tags.among.side_effect = lambda _, tags: sorted(tags)
    return Divided(TagJob(SimpleNamespace(), coordinator), stored)  # type: ignore[arg-type]


async def test_the_deletions_of_a_caller_are_divided_together_and_delay_no_other_caller(divided: Divided) -> None:
    """What is around the same assets is read once for them, and a caller who deletes again and again has one turn."""
    again = [deleted(100 + number, 10, 11, 12, caller="ada") for number in range(9)]
    await divided.divide([*again, deleted(200, 50, 51, caller="bo")])
    assert divided.stored == [
        ([200], [(GOLD, [50, 51]), (PII, [50, 51])]),
        ([each.x for each in again], [(GOLD, [10, 11, 12]), (PII, [10, 11, 12])]),
    ]


async def test_the_ends_of_edges_of_one_caller_delay_no_other_caller(
    job: TagJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of ends of edges of one caller are due at once. Each is divided alone, and callers take turns."""
    divided = list[int]()

    async def divide(_job: TagJob, _key: object, joined: list[OutboxEntry], *_: object) -> None:
        divided.append(joined[0].x)

    monkeypatch.setattr(TagJob, "_divide", divide)
    monkeypatch.setattr(tag_job, "MAX_REPLACED", 3)
    due = [entry(100 + number, ANY_TAG, number, caller="ada") for number in range(20)]
    await job.advance(due)
    await job.advance([*due, entry(200, ANY_TAG, 50, caller="bo")])
    assert divided == [100, 101, 102, 200, 103, 104]


async def test_the_tags_around_very_many_assets_are_several_transactions(
    divided: Divided, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of deleted assets with a hundred tags would be one that the store refuses, each time that it is tried.

    The entry is deleted with the last one, so that all tags are found again after a crash.
    """
    monkeypatch.setattr(tag_division, "MAX_IDS", 3)
    await divided.divide([deleted(100, 10, 11, caller="ada")])
    assert divided.stored == [([], [(GOLD, [10, 11])]), ([100], [(PII, [10, 11])])]


@pytest.mark.parametrize(("size", "read"), [(100, 130), (60_000, 20)])
async def test_few_long_records_are_read_to_write_some_of_them(
    job: TagJob, monkeypatch: pytest.MonkeyPatch, size: int, read: int
) -> None:
    """A batch may have 250 assets of 60 KB, of which a step writes thirty: all of them were read under the lock."""
    requested, sent = list[int](), list[WriteSet]()

    async def records(_client: GremlinClient, vids: list[int]) -> dict[int, Record]:
        requested.extend(vids)
        names = {vid: f"mlg://{'tag' if vid == PII else 'dataset'}/test/default/d{vid}" for vid in vids}
        return {vid: {**stub("acme", names[vid], "ada", 1), "description": "x" * size} for vid in sorted(vids)}

    async def submitted(writes: WriteSet, _client: GremlinClient) -> None:
        sent.append(writes)

    for module in (tag_job, outbox_worker):
        monkeypatch.setattr(module, "read_records", records)
    monkeypatch.setattr(outbox_worker, "READ_AT_ONCE", 20)
    monkeypatch.setattr(WriteSet, "submit", submitted)
    vids = [*range(140, 10, -1)]
    worklist = TagWorklist(PII, "acme", [entry(100, PII, *vids)])
    worklist.batch = TagBatch([*vids])
    carriers = {vid: Carrier(f"urn {vid}", None, None, closed=False, direct=False) for vid in vids}
    decision = TagDecision(vids, arrivals=dict.fromkeys(vids, Arrival(1, "urn")))
    is_written = await job._write(worklist, decision, carriers, FirstTargets(set()), 1)  # noqa: SLF001 - a part of a step
    assert requested == [PII, *vids[:read]]
    assert (is_written, len(sent)) == ((True, 1) if read == len(vids) else (False, 0))
    if not is_written:
        assert 0 < len(worklist.batch.vids) <= read
        assert worklist.batch.vids == vids[: len(worklist.batch.vids)]
