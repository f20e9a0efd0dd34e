"""Declared and propagated tags share one edge: how it changes, and what is written at which time."""

import threading
from collections.abc import Generator, Iterable
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from app.graph.jobs import tag_job
from app.graph.jobs.tag_job import TagJob
from app.graph.jobs.tag_work.tag_carriers import Carrier, Carriers
from app.graph.jobs.tag_work.tag_worklist import TagDecision, TagWorklist
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    RegisterCommand,
    RestoreCommand,
    RevertCommand,
    UnlinkCommand,
)

ROOT = person("root", roles="admin")
PII = urn("tag pii")
CHAIN = [link("DERIVES", "dataset a", "dataset b"), link("DERIVES", "dataset b", "dataset c")]
SPREADS = asset("tag pii", {"propagates": True})


def tagging(name: str, mode: str | None) -> RegisterCommand:
    """Return the command of `setTags`: set the tag, block it, or remove the declaration."""
    stated = {} if mode is None else {PII: {"mode": mode}}
    edge = DeclaredEdges(TAGGED.out(), "Dataset.tags", stated, adds=True, removes=() if stated else (PII,))
    return RegisterCommand(urn(name), {}, (edge,), action=ChangeAction.TAGGED, right="tag")


async def write(writers: Writers, *items: Command, now: int = NOW) -> list[str]:
    """Write the items and name their outcomes."""
    done = await writers.of(ROOT, now=now).write(items, dry_run=False, atomic=False)
    return [one.outcome.name for one in done]


async def recompute(writers: Writers, now: int = NOW) -> None:
    """Run the job until its outbox is empty."""
    await recompute_by(TagJob(writers.client, writers.coordinator, lambda: now))


async def recompute_by(job: TagJob) -> None:
    """Run a job until its outbox is empty."""
    while await job.step():
        pass


async def tags(graph: StoreGraph, *names: str, now: int = NOW) -> list[str]:
    """Return the mode and source of the tag on some assets, or "" without the tag."""
    records = (await stored(graph)).edge_records
    found = []
    for name in names:
        edge = records.get(("TAGGED", urn(name), PII))
        if edge is None or edge.get("validTo", now + 1) <= now:
            found.append("")
            continue
        via = f" {edge['via'].rpartition('/')[2]}" if edge["mode"] == "PROPAGATED" else ""
        found.append(edge["mode"] + via)
    return found


ABC = ("dataset a", "dataset b", "dataset c")


async def test_a_propagated_tag_changes_nothing_else(graph: StoreGraph, writers: Writers) -> None:
    """A propagated tag names its source; it changes index and edge, and no revision, time or history."""
    await write(writers, SPREADS, *CHAIN)
    before = await stored(graph)
    await write(writers, asset("dataset a", tags=["tag pii"]))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]
    after = await stored(graph)
    for name in ABC[1:]:
        was = before.records[urn(name)]
        assert after.records[urn(name)] == {**was, "index": {**was["index"], "tags": [PII]}}
        assert after.natives[urn(name)]["tags"] == [PII]
        assert after.history(urn(name)) == before.history(urn(name))
    assert writers.coordinator.outbox.entries == []


async def test_a_declared_tag_replaces_a_propagated_one(graph: StoreGraph, writers: Writers) -> None:
    """A declared tag is direct.

    Removed, it is propagated at once; removing a tag that was only propagated changes nothing.
    """
    await write(writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]))
    await recompute(writers)
    assert await write(writers, tagging("dataset b", None)) == ["UNCHANGED"]
    assert await write(writers, tagging("dataset b", "DIRECT")) == ["UPDATED"]
    assert (await tags(graph, "dataset b"))[0] == "DIRECT"
    await recompute(writers)
    record = (await stored(graph)).edge_records["TAGGED", urn("dataset b"), PII]
    assert record["by"] == ["Dataset.tags", "propagation"]
    assert await write(writers, tagging("dataset b", None)) == ["UPDATED"]
    assert await tags(graph, "dataset b") == ["PROPAGATED a"]
    assert (await stored(graph)).natives[urn("dataset b")]["tags"] == [PII]
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]


async def test_a_blocked_tag_is_not_propagated(graph: StoreGraph, writers: Writers) -> None:
    """A blocked tag is not propagated through the asset; unblocked, it is.

    A tag list keeps other tags blocked.
    """
    await write(writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]), asset("dataset b"))
    await recompute(writers)
    assert await write(writers, tagging("dataset b", "BLOCKED")) == ["UPDATED"]
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "BLOCKED", ""]
    assert (await stored(graph)).natives[urn("dataset b")]["tags"] == [""]
    await write(writers, asset("dataset b", tags=["tag gold"]))
    assert await tags(graph, "dataset b") == ["BLOCKED"]
    await write(writers, tagging("dataset b", None))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]
    await write(
        writers, tagging("dataset b", "BLOCKED"), asset("dataset b", tags=["tag pii"]), asset("dataset a", tags=[])
    )
    await recompute(writers)
    assert await tags(graph, *ABC) == ["", "DIRECT", "PROPAGATED b"]


async def test_a_tag_that_was_blocked_on_a_placeholder_arrives_after_its_registration(
    graph: StoreGraph, writers: Writers
) -> None:
    """The registration ends the block, and leaves work for the job: the tag arrives at the asset and passes it."""
    await write(writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]))
    assert await write(writers, tagging("dataset b", "BLOCKED")) == ["UPDATED"]
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "BLOCKED", ""]
    assert await write(writers, asset("dataset b")) == ["CREATED"]
    assert await tags(graph, "dataset b") == [""]
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]


async def test_a_tag_list_keeps_propagated_tags(graph: StoreGraph, writers: Writers) -> None:
    """A tag list replaces the earlier declarations.

    A tag both listed and propagated is direct, and propagated once unlisted.
    """
    await write(writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]))
    await recompute(writers)
    await write(writers, asset("dataset b", tags=["tag gold"]))
    assert await tags(graph, "dataset b") == ["PROPAGATED a"]
    assert (await stored(graph)).natives[urn("dataset b")]["tags"] == [urn("tag gold"), PII]
    await write(writers, asset("dataset b", tags=["tag pii"]))
    assert await tags(graph, "dataset b") == ["DIRECT"]
    await write(writers, asset("dataset b", tags=[]))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]


async def test_one_tag_more_or_less_leaves_the_others_in_the_index(graph: StoreGraph, writers: Writers) -> None:
    """Adding, removing and blocking one tag keeps the other tags in the index."""
    await write(writers, asset("dataset a", tags=["tag gold", "tag fresh"]))
    for mode, wanted in (
        ("DIRECT", ["fresh", "gold", "pii"]),
        ("BLOCKED", ["fresh", "gold"]),
        (None, ["fresh", "gold"]),
    ):
        await write(writers, tagging("dataset a", mode))
        there = (await stored(graph)).natives[urn("dataset a")]["tags"]
        assert there == [urn(f"tag {name}") for name in wanted]


async def test_a_cycle_does_not_hold_itself_up(graph: StoreGraph, writers: Writers) -> None:
    """Without its source a tag leaves a cycle.

    With another source left, the tag names that one and other assets are unchanged.
    """
    ring = [*CHAIN, link("DERIVES", "dataset c", "dataset a"), link("DERIVES", "dataset cause", "dataset a")]
    await write(writers, SPREADS, *ring, asset("dataset cause", tags=["tag pii"]))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["PROPAGATED cause", "PROPAGATED a", "PROPAGATED b"]
    await write(writers, asset("dataset b", tags=["tag pii"]))
    await write(writers, UnlinkCommand("DERIVES", urn("dataset cause"), urn("dataset a")))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["PROPAGATED c", "DIRECT", "PROPAGATED b"]
    await write(writers, asset("dataset b", tags=[]))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["", "", ""]


async def test_the_nearest_source_counts_then_the_smaller_id(graph: StoreGraph, writers: Writers) -> None:
    """A propagated tag names the source on the shortest path, and of equal paths the source with the smaller id."""
    routes = [link("DERIVES", "dataset x", "dataset c"), link("DERIVES", "dataset w", "dataset x")]
    await write(
        writers, SPREADS, *CHAIN, *routes, asset("dataset a", tags=["tag pii"]), asset("dataset w", tags=["tag pii"])
    )
    await recompute(writers)
    assert await tags(graph, "dataset c") == ["PROPAGATED b"]
    await write(writers, asset("dataset x", tags=["tag pii"]))
    await recompute(writers)
    assert await tags(graph, "dataset c") == ["PROPAGATED x"]


async def test_a_tag_that_ceases_to_propagate_and_resumes(graph: StoreGraph, writers: Writers) -> None:
    """If a tag ceases to propagate, propagated edges are removed and declared ones stay; if it resumes, they return."""
    await write(writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]))
    await recompute(writers)
    await write(writers, asset("tag pii", {"propagates": False}))
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "", ""]
    await write(writers, SPREADS)
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]


async def test_a_deleted_asset_propagates_nothing(graph: StoreGraph, writers: Writers) -> None:
    """A deleted asset cuts propagation to the assets behind it; restoring it propagates the tag again."""
    await write(
        writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]), asset("dataset c", {"stage": "RETIRED"})
    )
    await recompute(writers)
    assert await write(writers, DeleteCommand(urn("dataset b"))) == ["UPDATED"]
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "", ""]
    assert await write(writers, RestoreCommand(urn("dataset b"))) == ["UPDATED"]
    await recompute(writers)
    assert await tags(graph, *ABC) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]


async def test_an_edge_that_ends_later_lets_go_when_it_does(graph: StoreGraph, writers: Writers) -> None:
    """An edge with a future end propagates tags until then, including tags set after it was written."""
    await write(writers, SPREADS, link("DERIVES", "dataset a", "dataset b", validTo=NOW + 10))
    await write(writers, asset("dataset a", tags=["tag pii"]))
    await recompute(writers, NOW + 9)
    assert await tags(graph, "dataset b", now=NOW + 9) == ["PROPAGATED a"]
    await recompute(writers, NOW + 10)
    assert await tags(graph, "dataset b", now=NOW + 10) == [""]


async def test_no_kind_stops_a_tag(graph: StoreGraph, writers: Writers) -> None:
    """Unlike sensitivity, a tag reaches models, services and reports, and the assets downstream of them."""
    far = [
        link("FEEDS", "dataset a", "model m"),
        link("BASE_OF", "model m", "model n"),
        link("FEEDS", "dataset a", "report p"),
        link("FEEDS", "report p", "report q"),
        link("FEEDS", "dataset a", "service v"),
        link("PRODUCES", "service v", "dataset log"),
    ]
    await write(writers, SPREADS, *far, asset("dataset a", tags=["tag pii"]), asset("model-version n@1"))
    await recompute(writers)
    reached = ["model n", "model-version n@1", "report q", "dataset log"]
    assert await tags(graph, *reached) == ["PROPAGATED m", "PROPAGATED n", "PROPAGATED p", "PROPAGATED v"]


async def test_the_audit_records_declared_tags_only(graph: StoreGraph, writers: Writers) -> None:
    """Declaring a propagated tag is audited as a change from nothing, without a source.

    The revert restores the propagation.
    """
    await write(writers, SPREADS, *CHAIN, asset("dataset a", tags=["tag pii"]))
    await recompute(writers)
    await write(writers, tagging("dataset b", "DIRECT"), now=NOW + 1)
    change = (await stored(graph)).history(urn("dataset b"))[-1]
    (field,) = change["fields"]
    assert (field["before"], field["after"]["mode"], field["was"]) == (None, "DIRECT", None)
    assert urn("dataset a") not in str(field)
    assert await write(writers, RevertCommand(change["id"]), now=NOW + 2) == ["UPDATED"]
    assert await tags(graph, "dataset b", now=NOW + 2) == ["PROPAGATED a"]
    await write(writers, tagging("dataset b", "BLOCKED"), now=NOW + 3)
    blocked = (await stored(graph)).history(urn("dataset b"))[-1]
    await recompute(writers, NOW + 3)
    assert await write(writers, RevertCommand(blocked["id"]), now=NOW + 4) == ["UPDATED"]
    await recompute(writers, NOW + 4)
    assert await tags(graph, *ABC, now=NOW + 4) == ["DIRECT", "PROPAGATED a", "PROPAGATED b"]


async def test_the_removal_of_a_declaration_is_reverted_after_the_tag_no_longer_propagates(
    graph: StoreGraph, writers: Writers
) -> None:
    """The removal left a propagated tag without a declaration, which has ended: the revert declares the tag again."""
    await write(writers, SPREADS, *CHAIN, tagging("dataset a", "DIRECT"))
    await recompute(writers)
    await write(writers, tagging("dataset b", "DIRECT"), now=NOW + 1)
    await write(writers, tagging("dataset b", None), now=NOW + 2)
    removal = (await stored(graph)).history(urn("dataset b"))[-1]
    await write(writers, tagging("dataset a", None), now=NOW + 3)
    await recompute(writers, NOW + 3)
    assert await tags(graph, "dataset b", now=NOW + 3) == [""]
    assert await write(writers, RevertCommand(removal["id"]), now=NOW + 4) == ["UPDATED"]
    assert await tags(graph, "dataset b", now=NOW + 4) == ["DIRECT"]


async def test_tags_that_do_not_propagate_cost_a_write_nothing(writers: Writers) -> None:
    """With tags that do not propagate a write takes no more requests than without tags, and leaves no outbox entry."""
    await write(writers, asset("dataset-version x@1", tags=["tag gold"]), asset("dataset-version w@1"))
    await write(writers, asset("dataset-version warm@1", derivedFrom=["dataset-version x@1"], tags=["tag gold"]))
    sent = []
    for name, tagged in (("w@1", []), ("x@1", ["tag gold"])):
        writers.client.observers.append(requests := ObservedRequests())
        await write(writers, asset(f"dataset-version of-{name}", derivedFrom=[f"dataset-version {name}"], tags=tagged))
        writers.client.observers.remove(requests)
        sent.append(len(requests.reports))
    assert sent[0] == sent[1]
    assert writers.coordinator.outbox.entries == []


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
async def test_a_tag_of_a_child_follows_the_edges_of_its_parent_in_any_order(
    graph: StoreGraph, writers: Writers, order: list[int]
) -> None:
    """The tag of a version propagates along the edges of its model, but not to the model or to other versions."""
    items = [
        asset("dataset-version d@1", tags=["tag pii"]),
        asset("dataset far", derivedFrom=["dataset d"]),
        asset("dataset-version d@2"),
    ]
    await write(writers, SPREADS)
    for index in order:
        await write(writers, items[index])
        await recompute(writers)
    reached = ["dataset-version d@1", "dataset d", "dataset-version d@2", "dataset far"]
    assert await tags(graph, *reached) == ["DIRECT", "", "", "PROPAGATED d@1"]


async def test_many_sources_of_an_asset_are_read_in_many_steps(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step reads more than a few sources, and an edge that a writer ends after they were read does not count.

    The end leaves no entry for the tag, because the asset does not have it yet.
    """
    sources = [f"dataset s{number}" for number in range(9)]
    await write(writers, SPREADS, *(asset(name, tags=["tag pii"]) for name in sources[:2]))
    await recompute(writers)
    monkeypatch.setattr(tag_job, "AT_ONCE", 2)
    monkeypatch.setattr(tag_job, "MAX_AROUND", 4)
    read: list[int] = []
    every = Carriers.of

    async def read_few(carriers: Carriers, vids: Iterable[int]) -> dict[int, Carrier]:
        some = [*vids]
        read.append(len(some))
        return await every(carriers, some)

    monkeypatch.setattr(Carriers, "of", read_few)
    await write(writers, asset("dataset t", derivedFrom=sources))
    job = TagJob(writers.client, writers.coordinator, lambda: NOW)
    for expected in ([2, 2], [2, 2], [1]):
        await job.step()
        assert read == expected
        assert await tags(graph, "dataset t") == [""]
        read.clear()
    await write(writers, UnlinkCommand("DERIVES", urn(sources[0]), urn("dataset t")))
    await recompute_by(job)
    assert await tags(graph, "dataset t") == ["PROPAGATED s1"]
    await write(writers, UnlinkCommand("DERIVES", urn(sources[1]), urn("dataset t")))
    await recompute_by(job)
    assert await tags(graph, "dataset t") == [""]
    assert [entry for entry in writers.coordinator.outbox.entries if entry.tag] == []


async def test_many_sources_of_a_few_assets_are_decided_in_the_side_thread(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 assets with 20 common sources are 600 pairs: thousands of these held the event loop."""
    monkeypatch.setattr(tag_job, "MANY_PAIRS", 500)
    threads = set[int]()
    decide = TagWorklist.decide

    def observed(*arguments: Any) -> Generator[None, None, TagDecision]:
        threads.add(threading.get_ident())
        return (yield from decide(*arguments))

    sources, targets = ([f"dataset {kind}{number}" for number in range(most)] for kind, most in (("s", 20), ("t", 30)))
    await write(writers, SPREADS, asset(sources[0], tags=["tag pii"]), *(asset(each) for each in sources[1:]))
    await recompute(writers)
    await write(writers, *(asset(each, derivedFrom=sources) for each in targets))
    monkeypatch.setattr(TagWorklist, "decide", observed)
    await recompute(writers)
    assert {*await tags(graph, *targets)} == {"PROPAGATED s0"}
    assert threads - {threading.get_ident()}
