"""Stored sensitivities without records: those of vertices, and which parents have a child at a level."""

from pathlib import Path

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.driver.edge_pages import EdgePages, read_edge_page
from app.graph.propagation import stored_levels
from app.graph.propagation.stored_levels import bearing, levels_of
from app.graph.records.vertex_id import vertex_id

LEVELS = {"open": "PUBLIC", "inner": "INTERNAL", "kept": "CONFIDENTIAL", "shut": "RESTRICTED"}


def vid(urn: str) -> int:
    """Return the vertex id of an asset."""
    return vertex_id("default", urn)


def data(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


async def test_the_levels_of_vertices(graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several requests too; a vertex that is not stored has none."""
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(*({"dataset": {"id": data(name), "sensitivity": level}} for name, level in LEVELS.items()))
        monkeypatch.setattr(stored_levels, "AT_ONCE", 2)
        expected = {vid(data(name)): level for name, level in LEVELS.items()}
        assert await levels_of(api.client, [vid(data("absent")), *expected]) == expected
        assert await levels_of(api.client, [vid(data("absent"))]) == {}
        assert await levels_of(api.client, []) == {}


async def _bearing(api: Api, level: str, *teams: str) -> set[str]:
    parents = {vid(urn): urn for urn in (data("a"), data("b"), data("c"), "mlg://feature-set/test/default/s")}
    return {parents[each] for each in await bearing(api.client, parents, level, teams or {""})}


async def test_parents_with_a_child_at_a_level(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version and a feature are children; a feature that left its set, and what is derived, are not.

    A parent is left out if the child is not among those that are examined, or belongs to another owner.
    """
    group, feature = "mlg://feature-set/test/default/s", "mlg://feature/test/default/s.f"
    async with open_api(graph, tmp_path, no_jobs) as api:
        version = {"id": "mlg://dataset-version/test/default/a@1", "sensitivity": "CONFIDENTIAL"}
        await api.load({"datasetVersion": version}, {"dataset": {"id": data("b")}})
        await api.load({"dataset": {"id": data("c"), "sensitivity": "RESTRICTED", "derivedFrom": [data("b")]}})
        await api.load({"featureSet": {"id": group, "features": [feature]}})
        await api.load({"feature": {"id": feature, "sensitivity": "RESTRICTED"}})
        assert await _bearing(api, "CONFIDENTIAL") == {data("a"), group}
        assert await _bearing(api, "RESTRICTED") == {group}
        ranking = "mlg://team/catalog/default/ranking"
        version = {"id": "mlg://dataset-version/test/default/b@1", "sensitivity": "RESTRICTED"}
        await api.load({"team": {"name": "ranking"}}, {"datasetVersion": {**version, "owners": [{"owner": ranking}]}})
        assert await _bearing(api, "RESTRICTED") == {group}
        assert await _bearing(api, "RESTRICTED", ranking) == {data("b")}
        monkeypatch.setattr(stored_levels, "EXAMINED", 0)
        assert await _bearing(api, "RESTRICTED") == set()
        monkeypatch.undo()
        await api.load({"featureSet": {"id": group, "features": []}})
        assert await _bearing(api, "RESTRICTED") == set()
        assert await bearing(api.client, [], "PUBLIC", {""}) == set()


async def _contained(api: Api, urn: str) -> list[int]:
    """Return the members that a feature set has or had, in the order in which the store goes through their edges."""
    page = await read_edge_page(api.client, EdgePages.at_vertex("out", ["CONTAINS"], vid(urn)))
    return [*page.rows[0][2::5]]


async def test_edges_that_have_ended_are_among_those_examined(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All writers wait, so a request does not pass thousands of them, of one parent or of many, to find a child.

    Nor does it pass more edges of all parents together than it may.
    """
    group = "mlg://feature-set/test/default/s"
    features = {vid(urn): urn for urn in (f"mlg://feature/test/default/s.f{number}" for number in range(8))}
    async with open_api(graph, tmp_path, no_jobs) as api:
        await api.load(*({"feature": {"id": urn, "sensitivity": "RESTRICTED"}} for urn in features.values()))
        await api.load({"featureSet": {"id": group, "features": [*features.values()]}})
        kept = (await _contained(api, group))[-1]
        await api.load({"featureSet": {"id": group, "features": [features[kept]]}})
        place = (await _contained(api, group)).index(kept)
        assert place > 0
        for limit, expected in ((place, set()), (place + 1, {group})):
            with monkeypatch.context() as lower:
                lower.setattr(stored_levels, "EXAMINED", limit)
                assert await _bearing(api, "RESTRICTED") == expected
        monkeypatch.setattr(stored_levels, "MAX_VISITED", place)
        assert await _bearing(api, "RESTRICTED") == set()
