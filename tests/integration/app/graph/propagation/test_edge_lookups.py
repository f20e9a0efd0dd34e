"""Edges looked up one by one in the store: the memberships as the reading of all children finds them, and no more."""

from pathlib import Path

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests

from app.fair_queue import PROCESS
from app.graph.driver import edge_pages
from app.graph.propagation import edge_lookups
from app.graph.propagation.children_ahead import ChildrenAhead
from app.graph.propagation.edge_lookups import CARRIED, current_edges
from app.graph.propagation.flow_statement import PARENT_STEPS
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.operation_budget import OperationBudget

TO_DATASET, TO_SET = (
    next(number for number, step in enumerate(PARENT_STEPS) if step.label == label)
    for label in ("VERSION_OF", "CONTAINS")
)
VERSION, DATA = "mlg://dataset-version/test/default/a@1", "mlg://dataset/test/default/a"
FEATURES = [f"mlg://feature/test/default/s.f{number}" for number in range(3)]
ABSENT = "mlg://feature/test/default/s.absent"


def vid(urn: str) -> int:
    """Return the vertex id of an asset."""
    return vertex_id("default", urn)


def group(number: int) -> str:
    """Return the id of a feature set."""
    return f"mlg://feature-set/test/default/s{number}"


async def contain(api: Api, number: int, features: list[str]) -> None:
    """Let a feature set have these features."""
    await api.load({"featureSet": {"id": group(number), "features": features}})


async def test_current_edges_are_found(graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several requests too; one that has ended, one of another parent, and one of an absent child are not."""
    monkeypatch.setattr(edge_lookups, "EDGES_AT_ONCE", 2)
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"datasetVersion": {"id": VERSION}})
        await contain(api, 0, FEATURES[:2])
        await contain(api, 0, FEATURES[1:2])
        await contain(api, 1, FEATURES[2:])
        pairs = [(TO_SET, each, group(0)) for each in (*FEATURES, ABSENT)] + [(TO_DATASET, VERSION, DATA)]
        memberships = [(step, vid(child), vid(parent)) for step, child, parent in pairs]
        expected = [(TO_SET, vid(FEATURES[1]), vid(group(0))), (TO_DATASET, vid(VERSION), vid(DATA))]
        assert sorted(await current_edges(api.client, memberships, FOREVER - 1, PROCESS)) == sorted(expected)
        assert await current_edges(api.client, [], FOREVER - 1, PROCESS) == []


async def test_current_carrying_edges_are_found(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has ended carries nothing, nor does one in the other direction; over several requests too."""
    monkeypatch.setattr(edge_lookups, "EDGES_AT_ONCE", 2)
    urns = [f"mlg://dataset/test/default/c{number}" for number in range(4)]
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load({"dataset": {"id": urns[0], "derivedFrom": urns[1:]}})
        await api.load({"dataset": {"id": urns[0], "derivedFrom": urns[2:]}})
        pairs = [(0, number) for number in range(1, 4)] + [(2, 0), (0, 0)]
        lookups = [(CARRIED, vid(urns[near]), vid(urns[far])) for near, far in pairs]
        assert await StoredFlows(api.client, frozenset(), FOREVER - 1).current_edges(lookups) == {*lookups[1:3]}


async def test_a_feature_of_many_sets_is_read_again_without_them(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All writers wait for what is read again, and strangers may have added the feature to any number of sets."""
    async with open_api(graph, tmp_path, no_jobs) as api:
        for number in range(20):
            await contain(api, number, FEATURES[:2])
        flows, ahead = StoredFlows(api.client, frozenset(), FOREVER - 1), ChildrenAhead()
        with ahead.in_use():
            ahead.written.begin(api.client)
            await ahead.read(flows, [vid(group(0))], OperationBudget())
            await api.load({"feature": {"id": FEATURES[0], "sensitivity": "RESTRICTED"}})
            await contain(api, 0, FEATURES[::2])
            monkeypatch.setattr(edge_pages, "PAGE", 1)
            requests = ObservedRequests()
            api.client.observers.append(requests)
            assert await ahead.refresh(flows, 100)
            assert len(requests.reports) == 2
            assert ahead.children.of[vid(group(0))] == {vid(FEATURES[0]), vid(FEATURES[2])}
            levels = [ahead.children.records[vid(each)]["sensitivity"] for each in FEATURES[::2]]
        assert levels == ["RESTRICTED", "INTERNAL"]
