"""Raises of many assets: a job confirms them by the rights of the writer, and raises what is very far away."""

import asyncio
from contextlib import AsyncExitStack
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests

from app.graph.commits.write_statements import WRITE
from app.graph.propagation.flow_statement import FLOW
from app.graph.writing import plan_time
from app.graph.writing.effects import raise_sensitivity
from app.graph.writing.plan_time import PLAN_SECONDS, PlanTime
from app.runtime.background_jobs import background_jobs

ADS, RANKING = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ads", "ranking"))
STATE = """query ($id: ID!) { asset(id: $id) {
  sensitivity confirmedSensitivity description viewerAccess { grade } } }"""


SMALL = {
    "MAX_RAISED": 1,
    "MAX_VISITED": 5,
    "MAX_COVER_VISITED": 60,
    "MAX_DIRECT_VISITED": 10,
    "MANY_TARGETS": 13,
}
"""Limits of a raise that are a thousandth of the real ones, or less."""


def dataset(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


async def _states(api: Api) -> list[Any]:
    """Return what bo of ads sees of assets that ranking raised, and root of one of ranking's; null: all confirmed."""
    asked = [("bo", "ads-0"), ("bo", "ads-4"), ("root", "ranking-0")]
    return [(await api.ask(who, STATE, id=dataset(name)))["asset"] for who, name in asked]


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_owner_still_reads_what_others_raised_by_a_job(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    """Under the floor and after the job, assets of others stay readable for their owners' readers; own ones do not.

    The same holds if the entry is read from the store by another process.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    readable = {"description": "d", "viewerAccess": {"grade": "READ"}, "sensitivity": "RESTRICTED"}
    expected = [
        {**readable, "confirmedSensitivity": "INTERNAL"},
        {**readable, "confirmedSensitivity": "INTERNAL"},
        {**readable, "confirmedSensitivity": None},
    ]
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}})
        for team, owner in (("ads", ADS), ("ranking", RANKING)):
            consumers = [{"id": dataset(f"{team}-{n}"), "owners": [owner], "description": "d"} for n in range(5)]
            await api.load(*({"dataset": {**each, "derivedFrom": [dataset("source")]}} for each in consumers))
        squat = {"dataset": {"id": dataset("source"), "sensitivity": "RESTRICTED", "owners": [RANKING]}}
        assert (await api.register("ada", squat))["failed"] == 0
        await api.contexts.learn()
        assert api.coordinator.outbox.floors.active
        assert await _states(api) == expected
        if not restarted:
            await stack.enter_async_context(background_jobs(api.client, api.coordinator))
            await api.wait_for_jobs()
            assert await _states(api) == expected
    if restarted:
        async with open_api(graph, tmp_path) as api:
            await api.wait_for_jobs()
            assert await _states(api) == expected


@pytest.mark.parametrize("raised", [100, 2], ids=["raised", "under a floor"])
async def test_a_raise_over_many_levels_takes_few_requests(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: int
) -> None:
    """A chain of 20 is restricted from its begin on with the write, and to its end by the job."""
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", raised)
    monkeypatch.setattr(raise_sensitivity, "MAX_LEVELS", 4)
    ids = [dataset(f"chain-{number}") for number in range(20)]
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        later = [{"id": urn, "derivedFrom": [before]} for before, urn in pairwise(ids)]
        await api.load({"dataset": {"id": ids[0], "owners": [RANKING]}}, *({"dataset": each} for each in later))
        api.client.observers.append(requests := ObservedRequests())
        await api.load({"dataset": {"id": ids[0], "owners": [RANKING], "sensitivity": "RESTRICTED"}})
        api.client.observers.remove(requests)
        assert requests.texts[FLOW.text] <= 2 * 4 + 2
        await api.contexts.learn()
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        shown = [node is not None for node in (await api.ask("bo", query, ids=ids))["nodes"]]
        assert shown[:4] == [False] * 4
        assert shown[-1]
        await stack.enter_async_context(background_jobs(api.client, api.coordinator))
        await api.wait_for_jobs()
        assert (await api.ask("bo", query, ids=ids))["nodes"] == [None] * 20


@pytest.mark.parametrize("raised", [1_000, 2], ids=["raised", "under a floor"])
async def test_a_raise_visits_few_of_many_edges(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: int
) -> None:
    """20 assets with all earlier ones as sources: those that are found are covered, and the job raises all of them."""
    most, ids, visited = 40, [dataset(f"dense-{number}") for number in range(20)], list[int]()
    behind = [ids[-1], *(dataset(f"behind-{number}") for number in range(4))]
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", raised)
    for name in ("MAX_VISITED", "MAX_COVER_VISITED"):
        monkeypatch.setattr(raise_sensitivity, name, most)
    count_read = PlanTime.count_read

    def counted(time: PlanTime, characters: int, count: int) -> None:
        visited.append(count)
        count_read(time, characters, count)

    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await api.load(*({"dataset": {"id": urn, "derivedFrom": ids[:number]}} for number, urn in enumerate(ids)))
        await api.load(*({"dataset": {"id": urn, "derivedFrom": [before]}} for before, urn in pairwise(behind)))
        monkeypatch.setattr(PlanTime, "count_read", counted)
        await api.load({"dataset": {"id": ids[0], "sensitivity": "RESTRICTED"}})
        assert most <= sum(visited) < 3 * most
        await api.contexts.learn()
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert (await api.ask("bo", query, ids=ids))["nodes"] == [None] * 20
        await stack.enter_async_context(background_jobs(api.client, api.coordinator))
        await api.wait_for_jobs()
        for urn in (*ids, *behind):
            assert (await api.ask("root", STATE, id=urn))["asset"]["sensitivity"] == "RESTRICTED"


@pytest.mark.parametrize("count", [6, 24, 61, 100])
async def test_a_raise_of_a_hub_covers_all_that_is_near(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """What a raise has visited does not count for its floor, which covers the tenant if direct targets are unread.

    The limits are a thousandth of the real ones, or less.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_COVERED", 25 if count < 100 else 200)
    for name, value in SMALL.items():
        monkeypatch.setattr(raise_sensitivity, name, value)
    hub, ids = dataset("hub"), [dataset(f"near-{number}") for number in range(count)]
    far = dataset("far")
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"dataset": {"id": hub}}, *({"dataset": {"id": each, "derivedFrom": [hub]}} for each in ids))
        await api.load({"dataset": {"id": far, "derivedFrom": [ids[-1]]}})
        await api.load({"dataset": {"id": hub, "sensitivity": "RESTRICTED"}})
        await api.contexts.learn()
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert (await api.ask("bo", query, ids=[*ids, far]))["nodes"] == [None] * (count + 1)


@pytest.mark.parametrize("spent", [8, 4])
async def test_a_hub_at_another_rank_covers_all_that_is_near(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spent: int
) -> None:
    """A call also raises dense lineage to RESTRICTED, whose floor has visited all, or nearly all, that it may."""
    for name, value in SMALL.items():
        monkeypatch.setattr(raise_sensitivity, name, value)
    sources, near = ([dataset(f"{name}-{number}") for number in range(count)] for name, count in (("s", 8), ("n", 12)))
    hub, ids = dataset("hub"), [dataset(f"near-{number}") for number in range(40)]
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(*({"dataset": {"id": each}} for each in (*sources, hub)))
        await api.load(*({"dataset": {"id": each, "derivedFrom": sources[:spent]}} for each in near))
        await api.load(*({"dataset": {"id": each, "derivedFrom": [hub]}} for each in ids))
        raised = [{"dataset": {"id": each, "sensitivity": "RESTRICTED"}} for each in sources]
        await api.load(*raised, {"dataset": {"id": hub, "sensitivity": "CONFIDENTIAL"}})
        await api.contexts.learn()
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Dataset { sensitivity } } }"
        nodes = (await api.ask("root", query, ids=ids))["nodes"]
        assert [node["sensitivity"] for node in nodes] == ["CONFIDENTIAL"] * 40


async def test_dense_lineage_does_not_cover_the_tenant(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight assets with the same twelve consumers have many edges; these are covered, as is one at another rank."""
    for name, value in SMALL.items():
        monkeypatch.setattr(raise_sensitivity, name, value)
    sources, near = ([dataset(f"{name}-{number}") for number in range(count)] for name, count in (("s", 8), ("n", 12)))
    one, two, other = map(dataset, ("one", "two", "other"))
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(*({"dataset": {"id": each}} for each in (*sources, one, other)))
        await api.load(*({"dataset": {"id": each, "derivedFrom": sources}} for each in near))
        await api.load({"dataset": {"id": two, "derivedFrom": [one]}})
        raised = [{"dataset": {"id": each, "sensitivity": "RESTRICTED"}} for each in sources]
        await api.load(*raised, {"dataset": {"id": one, "sensitivity": "CONFIDENTIAL"}})
        await api.contexts.learn()
        query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert (await api.ask("bo", query, ids=near))["nodes"] == [None] * 12
        for urn, sensitivity in ((two, "CONFIDENTIAL"), (other, "INTERNAL")):
            assert (await api.ask("root", STATE, id=urn))["asset"]["sensitivity"] == sensitivity


async def test_a_call_waits_for_no_second_raise_over_many_levels(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several long chains that are raised at once have a transaction each, and all are restricted at the end."""
    monkeypatch.setattr(plan_time, "READ_SECONDS", 0.3 * PLAN_SECONDS)
    chains = [[dataset(f"chain-{name}-{number}") for number in range(5)] for name in "abc"]
    async with open_api(graph, tmp_path, no_jobs) as api:
        for ids in chains:
            later = [{"id": urn, "derivedFrom": [before]} for before, urn in pairwise(ids)]
            await api.load({"dataset": {"id": ids[0]}}, *({"dataset": each} for each in later))
        api.client.observers.append(requests := ObservedRequests())
        await asyncio.gather(*(api.load({"dataset": {"id": ids[0], "sensitivity": "RESTRICTED"}}) for ids in chains))
        assert requests.texts[WRITE.text] == len(chains)
        for urn in chain.from_iterable(chains):
            assert (await api.ask("root", STATE, id=urn))["asset"]["sensitivity"] == "RESTRICTED"


async def test_a_further_version_of_a_restricted_hub_leaves_no_floor(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is restricted already needs no raise, however much it is; the few others are raised with the write.

    Where a version is restricted already, a further one reads none of what is derived from the dataset.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    hub = dataset("hub")
    secret = {"sensitivity": "RESTRICTED"}
    async with open_api(graph, tmp_path, no_jobs) as api:
        derived = [{"id": dataset(f"d{n}"), "derivedFrom": [hub], **secret} for n in range(40)]
        await api.load({"dataset": {"id": hub}}, *({"dataset": each} for each in derived))
        await api.load({"dataset": {"id": dataset("open"), "derivedFrom": [hub]}})
        floors = api.coordinator.outbox.floors
        api.client.observers.append(requests := ObservedRequests())
        for number in range(3):
            version = f"mlg://dataset-version/test/default/hub@{number}"
            await api.load({"datasetVersion": {"id": version, **secret}})
            assert floors.active == {}
            # Of the first version: the targets, the record of the one to raise, and the targets of that.
            assert requests.texts[FLOW.text] == 3
        state = await api.ask("root", STATE, id=dataset("open"))
        assert state["asset"]["sensitivity"] == "RESTRICTED"


async def test_children_that_join_a_parent_under_a_floor_take_few_requests(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The targets of the parent are read once for all children of a transaction, and get a floor as well."""
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    features = [f"mlg://feature/test/default/s.f{number}" for number in range(50)]
    group, below, source = "mlg://feature-set/test/default/s", "mlg://model-version/test/default/m@1", dataset("source")
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"dataset": {"id": source}})
        await api.load(*({"feature": {"id": urn, "derivedFrom": [source]}} for urn in features))
        await api.load({"modelVersion": {"id": below, "features": [group]}})
        await api.load({"dataset": {"id": source, "sensitivity": "RESTRICTED"}})
        assert api.coordinator.outbox.floors.active
        api.client.observers.append(requests := ObservedRequests())
        await api.load({"featureSet": {"id": group, "features": features}})
        api.client.observers.remove(requests)
        assert requests.texts[FLOW.text] <= 8
        assert (await api.ask("bo", STATE, id=below))["asset"] is None


@pytest.mark.parametrize("is_own", [False, True], ids=["of others", "own"])
async def test_who_causes_a_raise_decides_whichever_entry_comes_first(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_own: bool
) -> None:
    """An asset is raised under a floor while the other caller lowers something: an entry of that one reaches it first.

    The other caller has ended a further source of the asset, or has lowered one. The first entries of the caller who
    raises it are older and take two steps.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    raising, lowering = ("root", "ada") if is_own else ("ada", "root")
    owner = {"owners": [ADS if raising == "root" else RANKING]}
    target, source, slow, below, other = map(dataset, ("target", "source", "slow", "below", "other"))
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}})
        others = {"owners": [RANKING if raising == "root" else ADS], "sensitivity": "CONFIDENTIAL"}
        await api.load({"dataset": {"id": source, **owner}}, {"dataset": {"id": other, **others}})
        await api.load({"dataset": {"id": slow, **owner, "sensitivity": "CONFIDENTIAL"}})
        await api.load({"dataset": {"id": below, **owner, "derivedFrom": [slow]}})
        await api.load({"dataset": {"id": target, "owners": [ADS], "derivedFrom": [source, other]}})
        await api.load(*({"dataset": {"id": dataset(f"n{n}"), **owner, "derivedFrom": [source]}} for n in range(5)))
        for who, item in (
            (raising, {"id": slow, "sensitivity": "INTERNAL"}),
            (lowering, {"id": other, "sensitivity": "INTERNAL"}),
            (raising, {"id": source, "sensitivity": "RESTRICTED"}),
        ):
            assert (await api.register(who, {"dataset": item}))["failed"] == 0
        entries = api.coordinator.outbox.entries
        assert [entry.floor is not None for entry in entries if entry.kind == "sensitivity"] == [False, False, True]
        await stack.enter_async_context(background_jobs(api.client, api.coordinator))
        await api.wait_for_jobs()
        state = (await api.ask("root", STATE, id=target))["asset"]
    confirmed = None if is_own else "CONFIDENTIAL"
    assert (state["sensitivity"], state["confirmedSensitivity"]) == ("RESTRICTED", confirmed)
