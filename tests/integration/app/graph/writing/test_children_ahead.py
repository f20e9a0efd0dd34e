"""Children of parents with many of them are read before a plan, while others write; the result is that of one plan."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.reads_ahead import ROOT, HeldReads, load, write
from support.stores.writers import NOW, Writers, asset, stored, urn
from support.waiting import until

from app.graph.commits.write_statements import WRITE
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.propagation.sources import Sources
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.touched import EVERYTHING
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.batch_planner import plan_item
from app.graph.writing.effects import counting_children
from graphql_schema.ports.commands import Command
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from policies.errors import LimitError

PARENT = vertex_id("default", urn("dataset big"))
VERSIONS = [f"dataset-version big@{number}" for number in range(6)]
OUT = asset("dataset out", derivedFrom=["dataset big"])


@dataclass
class Pages(HeldReads):
    """The pages of children that calls have read ahead; ``read`` has the parents of each reading."""

    read: list[list[int]] = field(default_factory=list)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    """Let a plan read three parents and children at most, and return the pages that are read ahead instead."""
    found, pages = Pages(), StoredFlows.child_pages

    async def child_pages(flows: StoredFlows, parents: Iterable[int]) -> AsyncIterator[tuple[Sources, int]]:
        found.read.append([*parents])
        async for page in pages(flows, found.read[-1]):
            yield page
            await found.hold()

    monkeypatch.setattr(StoredFlows, "child_pages", child_pages)
    monkeypatch.setattr(counting_children, "MAX_CHILDREN", 3)
    return found


async def load_versions(writers: Writers, *values: tuple[str, dict[str, object]]) -> None:
    """Store the versions of the parent, with values of some of them."""
    items = {each: asset(each, {"digest": f"sha256:{number:064x}"}) for number, each in enumerate(VERSIONS)}
    items |= {name: asset(name, {**items[name].values, **given}) for name, given in values}
    await load(writers, asset("dataset big"), *items.values())


async def recomputed(writers: Writers) -> None:
    """Lower what is to be lowered."""
    coordinator = writers.coordinator
    job = SensitivityJob(
        writers.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops, lambda: NOW
    )
    while await job.step():
        pass


async def level(graph: StoreGraph) -> object:
    """Return the stored sensitivity of the asset that is derived from the parent."""
    return (await stored(graph)).natives[urn("dataset out")]["sensitivity"]


async def test_others_write_while_many_children_are_read(graph: StoreGraph, writers: Writers, pages: Pages) -> None:
    """No writer waits for the children of a call, and these are read once.

    The asset that is derived from their parent gets the highest sensitivity among them.
    """
    await load_versions(writers, (VERSIONS[4], {"sensitivity": "CONFIDENTIAL"}))
    watches = [*writers.client.write_watches]
    async with pages.during(writers.of(ROOT), OUT) as call:
        assert await write(writers, asset("dataset other")) == ["CREATED"]
        assert not call.done()
    (done,) = call.result()
    assert (done.outcome.name, pages.read) == ("CREATED", [[PARENT]])
    assert await level(graph) == "CONFIDENTIAL"
    assert writers.client.write_watches == watches


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ([asset(VERSIONS[0], {"sensitivity": "RESTRICTED"})], "RESTRICTED"),
        ([asset("dataset-version big@new", {"sensitivity": "RESTRICTED"})], "RESTRICTED"),
        ([asset("dataset-version small@1", {"sensitivity": "RESTRICTED"})], "CONFIDENTIAL"),
        ([asset(VERSIONS[4], {"sensitivity": "INTERNAL"})], "INTERNAL"),
    ],
)
async def test_what_is_written_meanwhile_counts(
    graph: StoreGraph, writers: Writers, pages: Pages, meanwhile: list[Command], expected: str
) -> None:
    """A child that is raised, lowered or added while the others are read counts as the plan finds it."""
    await load_versions(writers, (VERSIONS[4], {"sensitivity": "CONFIDENTIAL"}))
    async with pages.during(writers.of(ROOT), OUT) as call:
        assert await write(writers, *meanwhile) in (["CREATED"], ["UPDATED"])
        await recomputed(writers)
    assert [each.outcome.name for each in call.result()] == ["CREATED"]
    assert (await level(graph), len(pages.read)) == (expected, 1)


async def test_a_call_that_has_read_children_is_written_alone(writers: Writers, pages: Pages) -> None:
    """Its plan knows the stored children: one that an earlier call of the same transaction adds would not count."""
    await load_versions(writers)
    coordinator = writers.coordinator
    writers.client.observers.append(requests := ObservedRequests())

    async def release() -> None:
        await until(lambda: len(coordinator.queue) == 2)
        coordinator.lock.release()

    async with pages.during(writers.of(ROOT), OUT) as call, asyncio.TaskGroup() as others:
        await coordinator.lock.acquire()
        child = asset("dataset-version big@new", {"sensitivity": "RESTRICTED"})
        added = others.create_task(write(writers, child))
        await until(lambda: len(coordinator.queue) == 1)
        others.create_task(release())
        pages.others.set()
    assert (added.result(), call.result()[0].outcome.name) == (["CREATED"], "CREATED")
    assert requests.texts[WRITE.text] == 2


async def test_an_item_is_planned_in_the_side_thread_over_many_children(
    writers: Writers, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy decides about each child that differs: 20,000 of them would hold the event loop."""
    threads = list[int]()

    def planned(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.get_ident())
        return plan_item(*arguments, **options)

    await load_versions(writers)
    monkeypatch.setattr("app.graph.writing.group_plan.plan_item", planned)
    pages.others.set()
    assert await write(writers, OUT) == ["CREATED"]
    assert len(pages.read) == 1
    assert threads[-1] != threading.get_ident()


async def test_a_feature_that_leaves_its_set_does_not_count(graph: StoreGraph, writers: Writers, pages: Pages) -> None:
    """Members of a feature set that end meanwhile do not count, and those that stay do."""
    features = [f"feature f{number}" for number in range(4)]
    levels = ["INTERNAL", "PUBLIC", "CONFIDENTIAL", "RESTRICTED"]
    items = [asset(name, {"sensitivity": level}) for name, level in zip(features, levels, strict=True)]
    made = asset("feature-set s", {"sensitivity": "INTERNAL"}, features=features)
    await load(writers, *items, made)
    item = asset("model-version m@1", usedFeatures=["feature-set s"])
    async with pages.during(writers.of(ROOT, now=NOW + 1), item) as call:
        assert await write(writers, asset("feature-set s", features=features[:3])) == ["UPDATED"]
    assert call.result()[0].outcome.name == "CREATED"
    assert (await stored(graph)).natives[urn("model-version m@1")]["sensitivity"] == "CONFIDENTIAL"


async def test_many_features_that_have_left_are_read_ahead(graph: StoreGraph, writers: Writers, pages: Pages) -> None:
    """Members of a feature set that have ended are edges through which the store goes, so a plan counts them too."""
    pages.others.set()
    features = [f"feature f{number}" for number in range(20)]
    kept = asset(features[0], {"sensitivity": "CONFIDENTIAL"})
    made = asset("feature-set s", {"sensitivity": "INTERNAL"}, features=features)
    items = [kept, *map(asset, features[1:]), made]
    await load(writers, *items)
    assert await write(writers, asset("feature-set s", features=features[:1])) == ["UPDATED"]
    item = asset("model-version m@1", usedFeatures=["feature-set s"])
    (done,) = await writers.of(ROOT, now=NOW + 1).write([item], dry_run=False, atomic=False)
    assert (done.outcome.name, pages.read) == ("CREATED", [[vertex_id("default", urn("feature-set s"))]])
    assert (await stored(graph)).natives[urn("model-version m@1")]["sensitivity"] == "CONFIDENTIAL"


async def test_tags_of_many_children_arrive(graph: StoreGraph, writers: Writers, pages: Pages) -> None:
    """A propagating tag of one of many children arrives where data of their parent goes."""
    pages.others.set()
    await load_versions(writers)
    tagged = [asset("tag pii", {"propagates": True}), asset(VERSIONS[5], tags=["tag pii"]), OUT]
    await load(writers, *tagged)
    job = TagJob(writers.client, writers.coordinator, lambda: NOW)
    while await job.step():
        pass
    assert ("TAGGED", urn("dataset out"), urn("tag pii")) in (await stored(graph)).edge_records


@pytest.mark.parametrize("lost", [False, True])
async def test_after_very_many_writes_all_is_read_again(
    graph: StoreGraph,
    writers: Writers,
    pages: Pages,
    lost: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Children are read anew if more of them were written than a plan reads, or if it is unknown what was written."""
    await load_versions(writers)
    meanwhile = [asset(each, {"sensitivity": "CONFIDENTIAL"}) for each in VERSIONS[: 1 if lost else 5]]
    async with pages.during(writers.of(ROOT), OUT) as call:
        await write(writers, *meanwhile)
        if lost:
            for watch in writers.client.write_watches:
                watch.ended(EVERYTHING, certain=True)
    assert [each.outcome.name for each in call.result()] == ["CREATED"]
    assert (await level(graph), len(pages.read)) == ("CONFIDENTIAL", 2)


async def test_batches_of_a_call_share_what_was_read(writers: Writers, pages: Pages) -> None:
    """A later batch of the same call does not read the children again, and a later call does."""
    pages.others.set()
    await load_versions(writers)
    items = [asset(f"dataset out{number}", derivedFrom=["dataset big"]) for number in range(4)]
    assert all(each.stored for each in await writers.of(ROOT, chunk=1).write(items, dry_run=False, atomic=False))
    assert pages.read == [[PARENT]]
    await write(writers, asset("dataset out9", derivedFrom=["dataset big"]))
    assert pages.read == [[PARENT]] * 2


async def test_few_children_take_no_further_request(writers: Writers) -> None:
    """A plan reads few children by itself, by one request."""
    await load_versions(writers)
    requests = ObservedRequests()
    writers.client.observers.append(requests)
    assert await write(writers, OUT) == ["CREATED"]
    assert sorted(report.prepared.name for report in requests.reports) == ["flows", "state", "write"]


async def test_a_call_that_ends_while_it_reads_leaves_nothing(writers: Writers, pages: Pages) -> None:
    """Children count in the budget of the operation; its end, or a cancellation, ends the reading and its watch."""
    await load_versions(writers)
    watches = [*writers.client.write_watches]
    writer = writers.of(ROOT)
    writer.budget = OperationBudget(UsageLimits(rows=5))
    with pytest.raises(LimitError, match="rows"):
        await writer.write([OUT], dry_run=False, atomic=False)
    await pages.cancelled(writers.of(ROOT), OUT)
    assert writers.client.write_watches == watches
    pages.others.set()
    assert await write(writers, OUT) == ["CREATED"]
