"""The effect of a write on the sensitivity of other assets: at once, by the job, and by declassification."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn, write_at_once

from app.graph.commits.write_statements import WRITE
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.propagation.stored_levels import levels_of
from app.graph.records.edge_record import EdgeKey
from app.graph.records.native.write_cost import rewrite_size
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import call_batch, group_commit
from app.graph.writing.effects import raise_sensitivity
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.ports.commands import LinkCommand, RegisterCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns import loop_turns
from policies import blurred_limit
from policies.principal import Principal

ROOT = person("root", roles="admin")
ADA = person("ada", "team ranking", roles="engineer")
APPROVER = person("ann", "team ranking", roles="engineer approver")
RESTRICTED = {"sensitivity": "RESTRICTED"}
LONG = {"description": "d" * 1_000}


async def write(
    writers: Writers,
    *items: RegisterCommand | LinkCommand,
    who: Principal = ROOT,
    now: int = NOW,
    dry_run: bool = False,
) -> list[str]:
    """Write the items and name their outcomes."""
    done: Sequence[WriteOutcome] = await writers.of(who, now=now).write(items, dry_run=dry_run, atomic=False)
    return [one.outcome.name for one in done]


async def levels(graph: StoreGraph, *names: str) -> list[str]:
    """Return the stored sensitivity of some assets."""
    there = await stored(graph)
    return [there.natives[urn(name)]["sensitivity"] for name in names]


async def recomputed(writers: Writers, now: int = NOW) -> None:
    """Run the job until its outbox is empty."""
    coordinator = writers.coordinator
    job = SensitivityJob(
        writers.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops, lambda: now
    )
    while await job.step():
        pass


async def test_a_write_raises_downstream_assets(graph: StoreGraph, writers: Writers) -> None:
    """A write raises downstream versions, runs and features at once, but no models and reports.

    No revision or time changes.
    """
    chain: list[RegisterCommand | LinkCommand] = [
        asset("dataset a"),
        asset("run r", {"state": "START"}, inputs=["dataset a"], outputs=["dataset-version b@1"]),
        asset("dataset-version b@1"),
        link("DERIVES", "dataset-version b@1", "feature f"),
        asset("model-version m@1", usedFeatures=["feature f"]),
        link("FEEDS", "feature f", "model m"),
        link("FEEDS", "dataset-version b@1", "report p"),
        link("DERIVES", "dataset c", "dataset a"),
    ]
    await write(writers, *chain)
    before = await stored(graph)
    assert await write(writers, asset("dataset a", RESTRICTED), now=NOW + 1) == ["UPDATED"]
    raised = ["dataset a", "run r", "dataset-version b@1", "feature f", "model-version m@1"]
    assert await levels(graph, *raised) == ["RESTRICTED"] * 5
    assert await levels(graph, "model m", "report p", "dataset b", "dataset c") == ["INTERNAL"] * 4
    after = await stored(graph)
    for name in raised[1:]:
        assert after.records[urn(name)] == {**before.records[urn(name)], **RESTRICTED}
    assert writers.coordinator.outbox.entries == []


async def test_the_records_that_are_raised_are_measured_in_turns(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To measure 5,000 of them in one callback holds the event loop for 50 ms; too many are not measured."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    order, pause = list[str](), OperationBudget.pause

    def measured(record: Record) -> int:
        order.append("measured")
        return rewrite_size(record)

    async def paused(budget: OperationBudget) -> None:
        order.append("paused")
        await pause(budget)

    monkeypatch.setattr(raise_sensitivity, "rewrite_size", measured)
    monkeypatch.setattr(OperationBudget, "pause", paused)
    outputs = [f"dataset-version o@{number}" for number in range(9)]
    await write(writers, asset("run r", {"state": "START"}, inputs=["dataset a"], outputs=outputs))
    order.clear()
    await write(writers, asset("dataset a", RESTRICTED), now=NOW + 1)
    assert order.count("measured") >= 9
    assert all("paused" in pair for pair in pairwise(order))
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 5)
    await write(writers, asset("dataset b"), link("DERIVES", "dataset b", "dataset a"), now=NOW + 2)
    await write(writers, *(link("DERIVES", "dataset b", f"dataset d{n}") for n in range(9)), now=NOW + 3)
    order.clear()
    await write(writers, asset("dataset b", RESTRICTED), now=NOW + 4)
    assert "measured" not in order


async def test_the_parents_of_what_rises_are_found_in_turns(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred features may be in five hundred sets each: to look at all these edges held the loop for 0.07 s."""
    features = [f"feature f{number}" for number in range(3)]
    sets = [asset(f"feature-set s{number}", features=features) for number in range(4)]
    await write(writers, *map(asset, features), *sets)
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    order, pause, joined = list[str](), OperationBudget.pause, BatchDiff.joined_parent

    def looked(diff: BatchDiff, key: EdgeKey) -> int | None:
        order.append("looked")
        return joined(diff, key)

    async def paused(budget: OperationBudget) -> None:
        order.append("paused")
        await pause(budget)

    monkeypatch.setattr(BatchDiff, "joined_parent", looked)
    monkeypatch.setattr(OperationBudget, "pause", paused)
    await write(writers, *(asset(each, RESTRICTED) for each in features), now=NOW + 1)
    assert order.count("looked") >= len(features) * len(sets)
    assert ("looked", "looked") not in pairwise(order)


async def test_many_vertices_of_a_floor_are_visited_in_the_side_thread(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The floor of a hub has 25,000 of them, whose known edges take 0.3 seconds, also if the item is a small one."""
    visits, visit = list[tuple[int, bool]](), raise_sensitivity._Raising._known_targets  # noqa: SLF001

    def visited(raising: Any, vids: Collection[int]) -> set[int]:
        visits.append((len(vids), threading.current_thread() is threading.main_thread()))
        return visit(raising, vids)

    monkeypatch.setattr(raise_sensitivity._Raising, "_known_targets", visited)  # noqa: SLF001
    monkeypatch.setattr(raise_sensitivity, "LONG_STATE", 5)
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 5)
    await write(writers, *(link("DERIVES", "dataset b", f"dataset d{number}") for number in range(9)))
    visits.clear()
    await write(writers, asset("dataset b", RESTRICTED), now=NOW + 1)
    assert {here for count, here in visits if count > 5} == {False}
    assert {here for count, here in visits if count <= 5} == {True}


async def test_a_new_child_raises_along_the_edges_of_its_parent(graph: StoreGraph, writers: Writers) -> None:
    """A version or feature more sensitive than its parent raises the assets downstream of the parent.

    The parent is not raised.
    """
    await write(
        writers,
        link("DERIVES", "dataset d", "dataset far"),
        link("FEEDS", "feature-set s", "model-version m@1"),
        asset("feature f", RESTRICTED),
    )
    await write(writers, asset("dataset-version d@1", RESTRICTED), link("CONTAINS", "feature-set s", "feature f"))
    assert await levels(graph, "dataset far", "model-version m@1") == ["RESTRICTED"] * 2
    assert await levels(graph, "dataset d", "feature-set s") == ["INTERNAL"] * 2
    await write(writers, link("DERIVES", "dataset d", "dataset later"))
    assert await levels(graph, "dataset later") == ["RESTRICTED"]


async def test_a_child_that_leaves_takes_its_sensitivity_along(graph: StoreGraph, writers: Writers) -> None:
    """If a feature more sensitive than its set leaves, assets fed by the set are lowered.

    The feature keeps its sensitivity.
    """
    await write(
        writers,
        asset("feature f", {"sensitivity": "CONFIDENTIAL"}),
        asset("feature g"),
        asset("feature-set s", {"sensitivity": "INTERNAL"}, features=["feature f", "feature g"]),
        link("FEEDS", "feature-set s", "model-version m@1"),
    )
    assert await levels(graph, "model-version m@1", "feature g") == ["CONFIDENTIAL", "INTERNAL"]
    await write(writers, asset("feature-set s", {"sensitivity": "RESTRICTED"}))
    assert await levels(graph, "model-version m@1", "feature g") == ["RESTRICTED"] * 2
    await write(writers, asset("feature-set s", {"sensitivity": "INTERNAL"}, features=["feature g"]))
    await recomputed(writers)
    assert await levels(graph, "model-version m@1", "feature f", "feature g") == [
        "INTERNAL",
        "CONFIDENTIAL",
        "INTERNAL",
    ]


def covered(writers: Writers) -> list[set[int]]:
    """Return the vertices that each active floor covers."""
    return [set(floor.covered or ()) for floor in writers.coordinator.outbox.floors.active.values()]


def vids(*names: str) -> set[int]:
    """Return the vertex ids of assets."""
    return {vertex_id("default", urn(name)) for name in names}


@pytest.mark.usefixtures("by_chance")
@pytest.mark.parametrize("limit", ["MAX_RAISED", "MAX_RAISED_SIZE", "MAX_VISITED", "MAX_COVERED"])
async def test_what_is_raised_at_once_has_no_sharp_limit(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """32 assets are raised or get a floor, for them or the tenant, by chance: no caller can count hidden ones so."""
    names = [f"dataset each{number}" for number in range(32)]
    await write(writers, asset("dataset hub"), *(asset(name, LONG, derivedFrom=["dataset hub"]) for name in names))
    records = (await stored(graph)).records
    size = sum(rewrite_size(records[urn(name)]) for name in names)
    limits = {"MAX_RAISED": 32, "MAX_RAISED_SIZE": size * 9 // 8, "MAX_VISITED": 128, "MAX_COVERED": 34}
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 1 if limit == "MAX_COVERED" else 1_000)
    monkeypatch.setattr(raise_sensitivity, limit, limits[limit])
    each = vids(*names)
    expected = [[each], [set()]] if limit == "MAX_COVERED" else [[], [each]]
    for chance, level, floors in ((0, "CONFIDENTIAL", expected[0]), (1, "RESTRICTED", expected[1])):
        monkeypatch.setattr(blurred_limit, "randbelow", lambda below, chance=chance: chance * (below - 1))
        assert await write(writers, asset("dataset hub", {"sensitivity": level})) == ["UPDATED"]
        assert covered(writers)[-1:] == floors


async def test_few_long_records_get_a_floor_as_many_short_ones_do(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long assets that others derive from a dataset do not prevent that it becomes more sensitive.

    The floor covers what is farther downstream, too, and the job raises all of it.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED_SIZE", 4_000)
    long = [f"dataset long{number}" for number in range(6)]
    await write(writers, asset("dataset hub"), *(asset(name, LONG, derivedFrom=["dataset hub"]) for name in long))
    await write(writers, asset("dataset below", derivedFrom=long[-1:]))
    assert await write(writers, asset("dataset hub", RESTRICTED)) == ["UPDATED"]
    assert await levels(graph, "dataset hub", *long) == ["RESTRICTED", *["INTERNAL"] * 6]
    assert covered(writers) == [vids(*long, "dataset below")]
    await recomputed(writers)
    assert await levels(graph, *long, "dataset below") == ["RESTRICTED"] * 7
    assert covered(writers) == []


async def test_calls_that_share_a_transaction_share_the_size_of_what_they_raise(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two calls raises three long records, and those of the second one get a floor."""
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED_SIZE", 7_000)
    hubs = ["dataset hub0", "dataset hub1"]
    below = [[f"dataset long{hub}{number}" for number in range(3)] for hub in range(2)]
    for hub, names in zip(hubs, below, strict=True):
        await write(writers, asset(hub), *(asset(name, LONG, derivedFrom=[hub]) for name in names))
    writers.client.observers.append(requests := ObservedRequests())
    await write_at_once(writers.of(ROOT), [asset(hub, RESTRICTED) for hub in hubs])
    assert requests.texts[WRITE.text] == 1
    assert await levels(graph, *hubs) == ["RESTRICTED"] * 2
    assert [await levels(graph, *names) for names in below] == [["RESTRICTED"] * 3, ["INTERNAL"] * 3]
    assert covered(writers) == [vids(*below[1])]


async def test_dense_texts_get_a_floor_and_refuse_no_raise(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short words take the store more than their length, so they count as more; what is raised refuses no item."""
    monkeypatch.setattr(call_batch, "MAX_WRITE_COST", 10_000)
    dense = [f"dataset dense{number}" for number in range(4)]
    texts = {"description": "a b " * 300}
    await write(writers, asset("dataset hub"))
    for name in dense:
        await write(writers, asset(name, texts, derivedFrom=["dataset hub"]))
    monkeypatch.setattr(group_commit, "MAX_TRANSACTION_BYTES", 4_000)
    assert await write(writers, asset("dataset hub", {"sensitivity": "CONFIDENTIAL"})) == ["UPDATED"]
    assert await levels(graph, *dense) == ["CONFIDENTIAL"] * 4
    assert await write(writers, asset("dataset hub", {"description": "x" * 4_000})) == ["INVALID"]
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED_SIZE", 10_000)
    assert await write(writers, asset("dataset hub", RESTRICTED)) == ["UPDATED"]
    assert covered(writers) == [vids(*dense)]


async def test_long_records_that_are_restricted_already_cause_no_floor(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read to their maximal size, the level of each once, and what is below is raised, along the chain."""
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED_SIZE", 4_000)
    looked_up = list[int]()

    def recorded(client: Any, vertices: Collection[int]) -> Any:
        looked_up.extend(vertices)
        return levels_of(client, vertices)

    chain = ["dataset hub", "dataset near", "dataset far"]
    await write(writers, asset(chain[0]), *(asset(b, derivedFrom=[a]) for a, b in pairwise(chain)))
    long = [asset(f"dataset long{number}", {**LONG, **RESTRICTED}, derivedFrom=chain) for number in range(6)]
    await write(writers, *long)
    monkeypatch.setattr(raise_sensitivity, "levels_of", recorded)
    assert await write(writers, asset("dataset hub", RESTRICTED)) == ["UPDATED"]
    assert await levels(graph, *chain) == ["RESTRICTED"] * 3
    assert len(looked_up) == len(set(looked_up)) > len(long)
    assert covered(writers) == []


async def test_a_dry_run_stores_no_raise_and_no_outbox_entry(graph: StoreGraph, writers: Writers) -> None:
    """A dry run changes neither the store nor the outbox."""
    await write(writers, asset("dataset a"), link("DERIVES", "dataset a", "dataset b"))
    before = await stored(graph)
    assert await write(writers, asset("dataset a", RESTRICTED), dry_run=True) == ["UPDATED"]
    assert await write(writers, asset("dataset a", {"sensitivity": "PUBLIC"}), dry_run=True) == ["UPDATED"]
    assert (await stored(graph), writers.coordinator.outbox.entries) == (before, [])


async def test_a_cycle_does_not_hold_itself_up(graph: StoreGraph, writers: Writers) -> None:
    """Without its source a cycle is lowered; with another source left, only to that sensitivity."""
    ring = ["dataset a", "dataset b", "dataset c"]
    links: list[RegisterCommand | LinkCommand] = [
        link("DERIVES", one, other) for one, other in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    await write(writers, *links, link("DERIVES", "dataset cause", "dataset a"), asset("dataset cause", RESTRICTED))
    assert await levels(graph, *ring) == ["RESTRICTED"] * 3
    await write(writers, asset("dataset b", {"sensitivity": "CONFIDENTIAL"}))
    await write(writers, asset("dataset cause", {"sensitivity": "PUBLIC"}))
    assert await levels(graph, *ring) == ["RESTRICTED"] * 3
    await recomputed(writers)
    assert await levels(graph, *ring, "dataset cause") == ["CONFIDENTIAL"] * 3 + ["PUBLIC"]
    await write(writers, asset("dataset b", {"sensitivity": None}))
    await recomputed(writers)
    assert await levels(graph, *ring) == ["INTERNAL"] * 3


async def test_an_edge_that_ends_later_lets_go_when_it_does(graph: StoreGraph, writers: Writers) -> None:
    """The target of an edge with a future end stays raised, with an outbox entry, and is lowered after that end."""
    ends = link("DERIVES", "dataset a", "dataset b", validTo=NOW + 10)
    await write(writers, asset("dataset a", RESTRICTED), ends)
    await recomputed(writers, NOW + 9)
    assert await levels(graph, "dataset b") == ["RESTRICTED"]
    await recomputed(writers, NOW + 10)
    assert await levels(graph, "dataset b") == ["INTERNAL"]
    assert [entry for entry in writers.coordinator.outbox.entries if entry.tag is None] == []


async def test_only_an_approver_declassifies_an_edge(graph: StoreGraph, writers: Writers) -> None:
    """Setting and clearing `declassify` requires `approve` on the target.

    Links of callers who do not see the source leave it as it is, and clearing raises at once.
    """
    owned = asset("dataset clean", owners={"team ranking": ["TECHNICAL"]})
    await write(writers, asset("dataset raw", RESTRICTED), owned)
    plain = link("DERIVES", "dataset raw", "dataset clean")
    clean, raw = (replace(plain, values={**plain.values, "declassified": value}) for value in (True, False))
    assert await write(writers, clean, who=ADA) == ["DENIED"]
    assert await write(writers, clean, who=APPROVER) == ["CREATED"]
    assert await write(writers, plain, who=ADA) == ["CREATED"]  # as if the edge from what is hidden did not exist
    assert await write(writers, plain, clean, raw, who=ADA) == ["UNCHANGED", "DENIED", "UNCHANGED"]
    assert await levels(graph, "dataset clean") == ["INTERNAL"]
    other = replace(ADA, subject="another")
    assert await write(writers, raw, who=other) == ["CREATED"]  # as for an edge that does not exist, without an effect
    assert await levels(graph, "dataset clean") == ["INTERNAL"]
    assert await write(writers, raw, who=APPROVER) == ["UPDATED"]
    assert await levels(graph, "dataset clean") == ["RESTRICTED"]
    assert await write(writers, clean, who=APPROVER) == ["UPDATED"]
    await recomputed(writers)
    assert await levels(graph, "dataset clean") == ["INTERNAL"]


async def test_an_edge_without_data_is_not_declassified(writers: Writers) -> None:
    """An edge that carries no data cannot be declassified."""
    odd = link("CALLED_BY", "service a", "service b", declassified=True)
    assert await write(writers, odd) == ["INVALID"]


@pytest.mark.parametrize(("owners", "outcome"), [({}, "DENIED"), ({"team ranking": ["TECHNICAL"]}, "UPDATED")])
async def test_effective_sensitivity_decides_on_changes(
    writers: Writers, graph: StoreGraph, owners: dict[str, list[str]], outcome: str
) -> None:
    """Creation is permitted by declared sensitivity, because the source may be hidden.

    Changes by effective sensitivity.
    """
    await write(writers, asset("dataset raw", RESTRICTED), link("DERIVES", "dataset raw", "dataset middle"))
    made = asset("dataset made", owners=owners, derivedFrom=["dataset middle"])
    assert await write(writers, made, who=ADA) == ["CREATED"]
    assert await levels(graph, "dataset made") == ["RESTRICTED"]
    assert await write(writers, asset("dataset made", {"format": "x"}), who=ADA) == [outcome]
