"""Edges with ends in the future: few outbox entries wait for them, and sensitivity and tags are right at each end."""

from collections.abc import Collection, Iterable, Mapping

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from app.graph.commits import outbox_worker
from app.graph.commits.entries import stored_entries
from app.graph.commits.outbox_entry import ANY_TAG, OutboxEntry
from app.graph.commits.state_read import read_records
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import tag_job
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.propagation import carried_tags
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.commands import Command, UnlinkCommand
from graphql_schema.ports.record import Record
from policies.principal import Principal

ROOT = person("root", roles="admin")
RESTRICTED = {"sensitivity": "RESTRICTED"}


async def write(writers: Writers, *items: Command, now: int = NOW, who: Principal = ROOT) -> None:
    """Write the items."""
    done = await writers.of(who, now=now).write(items, dry_run=False, atomic=False)
    assert {one.outcome.name for one in done} <= {"CREATED", "UPDATED"}


async def work_off(writers: Writers, now: int) -> list[tuple[str, int]]:
    """Run both jobs until nothing is due; return the entries that wait."""
    coordinator = writers.coordinator
    stops = coordinator.propagation_stops
    for job in (
        SensitivityJob(writers.client, coordinator.lock, coordinator.outbox, stops, lambda: now),
        TagJob(writers.client, coordinator, lambda: now),
    ):
        while await job.step():
            pass
    return waiting(coordinator.outbox)


def waiting(entries: Iterable[OutboxEntry]) -> list[tuple[str, int]]:
    """Return the kinds and instants of entries, the latter from NOW on."""
    return sorted((entry.kind, entry.due - NOW) for entry in entries)


async def state(graph: StoreGraph, name: str) -> tuple[str, list[str]]:
    """Return the sensitivity and the tags of an asset."""
    record = (await stored(graph)).records[urn(name)]
    return record["sensitivity"], record["index"]["tags"]


@pytest.mark.parametrize("ends", [[10, 20, 30, 40, 50], [50, 40, 30, 20, 10], [30, 10, 50, 20, 40]])
async def test_declarations_with_other_ends_leave_one_entry_of_a_kind(
    graph: StoreGraph, writers: Writers, ends: list[int]
) -> None:
    """The entry is due at the earliest end that was declared, and then at that of the last declaration."""
    await write(writers, asset("dataset a", RESTRICTED))
    for end in ends:
        await write(writers, link("DERIVES", "dataset a", "dataset b", validTo=NOW + end))
        assert len(waiting(writers.coordinator.outbox)) == 2
    assert waiting(writers.coordinator.outbox) == [("sensitivity", 10), ("tag", 10)]
    await writers.coordinator.outbox.load(writers.client)
    assert waiting(writers.coordinator.outbox) == [("sensitivity", 10), ("tag", 10)]
    for end in [end for end in (10, 20, 30, 40) if end < ends[-1]]:
        assert await work_off(writers, NOW + end) == [("sensitivity", ends[-1]), ("tag", ends[-1])]
        assert (await state(graph, "dataset b"))[0] == "RESTRICTED"
    assert await work_off(writers, NOW + ends[-1]) == []
    assert (await state(graph, "dataset b"))[0] == "INTERNAL"


async def test_each_end_takes_effect_at_its_instant(graph: StoreGraph, writers: Writers) -> None:
    """Three sources with other ends, also after the entries were loaded again: each source counts until its end."""
    pii = asset("tag pii", {"propagates": True})
    await write(
        writers,
        pii,
        asset("dataset a", RESTRICTED),
        asset("dataset b", {"sensitivity": "CONFIDENTIAL"}, tags=["tag pii"]),
    )
    await write(writers, asset("dataset c"), asset("dataset d"), link("DERIVES", "dataset d", "dataset e"))
    sources = (("dataset a", 10), ("dataset b", 20), ("dataset c", 30))
    await write(writers, *(link("DERIVES", name, "dataset d", validTo=NOW + end) for name, end in sources))
    assert await work_off(writers, NOW + 9) == [("sensitivity", 10), ("tag", 10)]
    assert await state(graph, "dataset e") == ("RESTRICTED", [urn("tag pii")])
    assert await work_off(writers, NOW + 10) == [("sensitivity", 20), ("tag", 20)]
    assert await state(graph, "dataset e") == ("CONFIDENTIAL", [urn("tag pii")])
    await writers.coordinator.outbox.load(writers.client)
    assert await work_off(writers, NOW + 20) == [("sensitivity", 30), ("tag", 30)]
    assert await state(graph, "dataset e") == ("INTERNAL", [])
    assert await work_off(writers, NOW + 30) == []


async def test_a_child_that_leaves_later_is_awaited_with_its_parent(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feature of a set until an instant counts for what the set feeds until then, also if that was moved.

    An earlier version accepted such an end.
    """
    monkeypatch.setattr("app.graph.writing.handlers.link._refuse_dated", lambda *_, **__: None)
    await write(writers, asset("feature f", RESTRICTED), asset("feature-set s"))
    await write(writers, link("FEEDS", "feature-set s", "model-version m@1"))
    for end in (10, 20):
        await write(writers, link("CONTAINS", "feature-set s", "feature f", validTo=NOW + end))
    assert await work_off(writers, NOW + 10) == [("sensitivity", 20), ("tag", 20)]
    assert (await state(graph, "model-version m@1"))[0] == "RESTRICTED"
    assert await work_off(writers, NOW + 20) == []
    assert (await state(graph, "model-version m@1"))[0] == "INTERNAL"


async def test_the_tags_of_all_targets_of_a_parent_are_read_in_batches(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feature leaves a set that feeds five models: no batch reads more than two, and a writer runs between them.

    An earlier version accepted an end in the future.
    """
    models = [f"model-version m{number}@1" for number in range(5)]
    await write(writers, asset("tag pii", {"propagates": True}), asset("feature f", tags=["tag pii"]))
    await write(writers, asset("feature-set s"), *(link("FEEDS", "feature-set s", name) for name in models[:4]))
    monkeypatch.setattr("app.graph.writing.handlers.link._refuse_dated", lambda *_, **__: None)
    await write(writers, link("CONTAINS", "feature-set s", "feature f", validTo=NOW + 10))
    await work_off(writers, NOW)
    assert [(await state(graph, name))[1] for name in models[:4]] == 4 * [[urn("tag pii")]]
    monkeypatch.setattr(tag_job, "BATCH", 2)
    monkeypatch.setattr(carried_tags, "AT_ONCE", 2)
    read: list[int] = []

    async def read_few(client: GremlinClient, vids: Collection[int]) -> Mapping[int, Record]:
        read.append(len(vids))
        return await read_records(client, vids)

    monkeypatch.setattr(outbox_worker, "read_records", read_few)
    job = TagJob(writers.client, writers.coordinator, lambda: NOW + 10)
    await job.step()
    assert {entry.tag for entry in writers.coordinator.outbox} == {ANY_TAG, None}
    await write(writers, link("FEEDS", "feature-set s", models[4]), now=NOW + 10)
    assert await work_off(writers, NOW + 10) == []
    assert [(await state(graph, name))[1] for name in models] == 5 * [[]]
    assert max(read) == 2


async def test_an_end_that_its_caller_takes_back_is_not_awaited(graph: StoreGraph, writers: Writers) -> None:
    """Who declared the ends of many edges and takes them back has no entry left, unless another edge ends later."""
    await write(writers, asset("dataset a", RESTRICTED), asset("dataset z"))
    names = [f"dataset {name}" for name in "bcd"]
    await write(writers, *(link("DERIVES", "dataset a", name, validTo=NOW + 50) for name in names))
    await write(writers, link("DERIVES", "dataset z", "dataset d", validTo=NOW + 90))
    assert len(await work_off(writers, NOW)) == 6
    ended = [UnlinkCommand("DERIVES", urn("dataset a"), urn(name)) for name in ("dataset b", "dataset d")]
    await write(writers, *ended, link("DERIVES", "dataset a", "dataset c", validTo=None), now=NOW + 1)
    assert await work_off(writers, NOW + 2) == [("sensitivity", 90), ("tag", 90)]
    levels = [(await state(graph, name))[0] for name in names]
    assert levels == ["INTERNAL", "RESTRICTED", "INTERNAL"]


async def test_an_end_that_is_taken_back_makes_nothing_due(graph: StoreGraph, writers: Writers) -> None:
    """Edges that another caller lets end now or never leave the entries of who declared the ends as they are.

    These are gone after their instant, unless another edge of the asset ends later.
    """
    bob, outbox = person("bob", roles="admin"), writers.coordinator.outbox
    await write(writers, asset("dataset a", RESTRICTED), asset("dataset z"))
    names = [f"dataset {name}" for name in "bcd"]
    await write(writers, *(link("DERIVES", "dataset a", name, validTo=NOW + 50) for name in names))
    await write(writers, link("DERIVES", "dataset z", "dataset d", validTo=NOW + 90))
    planned = await work_off(writers, NOW)
    assert planned == 3 * [("sensitivity", 50)] + 3 * [("tag", 50)]
    ended = [UnlinkCommand("DERIVES", urn("dataset a"), urn(name)) for name in ("dataset b", "dataset d")]
    await write(writers, *ended, link("DERIVES", "dataset a", "dataset c", validTo=None), now=NOW + 1, who=bob)
    due = [*outbox.due("sensitivity", NOW + 1), *outbox.due("tag", NOW + 1)]
    assert {entry.caller for entry in due} == {("default", "bob")}
    assert {vid for entry in due for vid in entry.frontier} == {vertex_id("default", urn(f"dataset {x}")) for x in "bd"}
    assert await work_off(writers, NOW + 2) == planned
    assert {entry.caller for entry in outbox} == {("default", ROOT.subject)}
    assert await work_off(writers, NOW + 50) == [("sensitivity", 90), ("tag", 90)]
    levels = [(await state(graph, name))[0] for name in names]
    assert levels == ["INTERNAL", "RESTRICTED", "INTERNAL"]
    assert await work_off(writers, NOW + 90) == []


async def test_ends_that_are_given_and_taken_back_leave_one_entry_of_a_kind(
    graph: StoreGraph, writers: Writers
) -> None:
    """However often that is done before a job runs; an end that is given last takes effect at its instant."""
    await write(writers, asset("dataset a", RESTRICTED))
    for now in range(NOW, NOW + 5):
        await write(writers, link("DERIVES", "dataset a", "dataset b", validTo=NOW + 1_000), now=now)
        await write(writers, link("DERIVES", "dataset a", "dataset b", validTo=None), now=now)
        assert {kind for kind, _ in waiting(writers.coordinator.outbox)} == {"sensitivity", "tag"}
        assert len(waiting(writers.coordinator.outbox)) == 2
    await write(writers, link("DERIVES", "dataset a", "dataset b", validTo=NOW + 90), now=NOW + 5)
    assert await work_off(writers, NOW + 6) == [("sensitivity", 90), ("tag", 90)]
    assert (await state(graph, "dataset b"))[0] == "RESTRICTED"
    assert await work_off(writers, NOW + 90) == []
    assert (await state(graph, "dataset b"))[0] == "INTERNAL"


async def test_entries_are_read_in_pages(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of a page, all entries are loaded, with their callers, and each of them once."""
    names = [f"dataset {number}" for number in range(7)]
    await write(writers, asset("dataset a"), *(link("DERIVES", "dataset a", name, validTo=NOW + 9) for name in names))
    outbox = writers.coordinator.outbox
    before = outbox.entries
    assert {entry.caller for entry in before} == {("default", ROOT.subject)}
    for name, value in (("PAGE", 4), ("PAGE_CHARACTERS", 1)):
        monkeypatch.setattr(stored_entries, name, value)
        await outbox.load(writers.client)
        assert outbox.entries == before
    await outbox.load(writers.client, NOW)
    assert outbox.entries == before
