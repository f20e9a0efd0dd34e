"""An asset is in use if a part of it is, a run reads it, a deployment serves it, or a service calls it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.documents.observability import recorded
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.today import TODAY, skip_after_midnight

from app.graph.reading import used_assets

FOUND = "query ($filter: AssetFilter) { assets(filter: $filter, first: 500) { totalCount nodes { name kind } } }"
OLD = "2020-01-01T00:00:00Z"
SECRET: dict[str, Any] = {"by": "ads", "visibility": "TEAM"}
"""Values of an asset of team ads that is hidden from ada, of team ranking, and from bo."""


def ago(days: int) -> str:
    """Return noon of a day before today."""
    return (datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(days=days)).strftime("%Y-%m-%dT12:00:00Z")


def old(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Return an item of an asset that was created long ago."""
    return owned(kind, name, sourceCreatedAt=OLD, **more)


def version(kind: str, of: str, **more: Any) -> dict[str, Any]:
    """Return an item of the version 1 of a model or dataset."""
    key = "modelVersion" if kind == "model" else "datasetVersion"
    owner = {"owners": [{"owner": team(more.pop("by", "ranking"))}]}
    return {key: {"id": f"{urn(f'{kind}-version', of)}@1", "sourceCreatedAt": OLD, **owner, **more}}


def run(name: str, read: str, days: int, **more: Any) -> dict[str, Any]:
    """Return an item of a run that read an asset and ended some days ago."""
    times = {"state": "COMPLETE", "startedAt": ago(days + 1), "endedAt": ago(days)}
    return owned("run", name, inputs=[read], sourceCreatedAt=OLD, **times, **more)


def deployed(name: str, model: str, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    """Return an item of a deployment of version 1 of a model."""
    return old("deployment", name, modelVersion=f"{urn('model-version', model)}@1", status=status, **more)


ITEMS = (
    *(old("dataset", name) for name in ("never", "read", "once", "whole", "feed", "veiled")),
    run("reads", urn("dataset", "read"), 3),
    run("once", urn("dataset", "once"), 40),
    run("hidden", urn("dataset", "veiled"), 3, **SECRET),
    version("dataset", "whole"),
    run("parts", f"{urn('dataset-version', 'whole')}@1", 3),
    *(old("model", name) for name in ("served", "paused", "called", "retired", "secret")),
    *(version("model", name) for name in ("served", "paused", "called", "retired")),
    version("model", "secret", **SECRET),
    old("service", "front"),
    old("service", "back", calls=[]),
    old("service", "alone"),
    old("service", "caller", calls=[urn("service", "back")]),
    deployed("live", "served", service=urn("service", "front")),
    deployed("waiting", "paused", "PENDING", service=urn("service", "alone")),
    deployed("gone", "retired", "RETIRED", retiredAt=ago(10)),
    old("feature-set", "set"),
    old("feature", "part", featureSet=urn("feature-set", "set")),
    run("features", urn("feature", "part"), 3),
    old("workflow", "flow"),
    owned("run", "of-flow", workflow=urn("workflow", "flow"), state="COMPLETE", endedAt=ago(3), sourceCreatedAt=OLD),
    old("workflow", "still"),
)

UNUSED = {
    "root": "alone:SERVICE caller:SERVICE feed:DATASET never:DATASET once:DATASET paused:MODEL "
    "paused:MODEL_VERSION still:WORKFLOW waiting:DEPLOYMENT",
    "ada": "alone:SERVICE caller:SERVICE feed:DATASET never:DATASET once:DATASET secret:MODEL "
    "paused:MODEL paused:MODEL_VERSION still:WORKFLOW veiled:DATASET waiting:DEPLOYMENT",
}
"""The assets without use for 30 days, by hand. Hidden runs and versions are no use for ada."""

KINDS = ["DATASET", "DATASET_VERSION", "MODEL", "MODEL_VERSION", "FEATURE_SET", "FEATURE", "SERVICE", "DEPLOYMENT"]
EVERY = {"kinds": [*KINDS, "WORKFLOW"]}


@pytest.fixture(scope="module")
async def estate(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the items, with calls of two model versions."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(*ITEMS)
        day = (TODAY - timedelta(days=2)).isoformat()
        for name in ("called", "secret"):
            use = {"asset": f"{urn('model-version', name)}@1", "consumer": team("ads"), "day": day, "calls": 32e6}
            assert (await recorded(api, "root", use))["errors"] == []
        yield api


async def found(api: Api, who: str, **where: Any) -> list[str]:
    """Return name and kind of the assets that match a filter, sorted; check that the total is their number."""
    page = (await api.ask(who, FOUND, filter={**EVERY, **where}))["assets"]
    assert page["totalCount"] == len(page["nodes"])
    return sorted(f"{node['name']}:{node['kind']}" for node in page["nodes"])


@pytest.mark.parametrize("who", UNUSED)
async def test_only_what_nothing_uses_is_unused(estate: Api, who: str) -> None:
    """The unused assets are those of a table written by hand, and the others match the negation."""
    skip_after_midnight()
    wanted = sorted(UNUSED[who].split())
    assert await found(estate, who, unusedForDays=30) == wanted
    others = sorted({*await found(estate, who)} - {*wanted})
    assert await found(estate, who, **{"not": {"unusedForDays": 30}}) == others


async def test_the_span_decides(estate: Api) -> None:
    """A run 40 days ago, and a deployment that was retired 10 days ago, are uses within longer spans only."""
    skip_after_midnight()
    for days, wanted in ((9, ["once", "retired"]), (12, ["once"]), (45, [])):
        names = {each.partition(":")[0] for each in await found(estate, "root", unusedForDays=days)}
        assert sorted(names & {"once", "retired"}) == wanted


async def test_unread_considers_recorded_usage_only(estate: Api) -> None:
    """With `unread`, every asset without recorded usage of its own is listed, in one request for root."""
    skip_after_midnight()
    every = await found(estate, "root")
    used = {"called:MODEL_VERSION", "secret:MODEL_VERSION"}
    assert await found(estate, "root", unusedForDays=30, unread=True) == sorted({*every} - used)
    assert await estate.count("root", FOUND, filter={**EVERY, "unusedForDays": 30, "unread": True}) == 1


async def test_a_fixed_number_of_requests_decides(estate: Api) -> None:
    """The uses of all candidates are read in two requests, beside those of the list."""
    assert await estate.count("root", FOUND, filter={**EVERY, "unusedForDays": 30}) == 3
    assert await estate.count("ada", FOUND, filter={**EVERY, "unusedForDays": 30}) == 4


@pytest.mark.parametrize("limit", ["MAX_CANDIDATES", "MAX_USED"])
async def test_the_reads_are_bounded(estate: Api, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Too many candidates, or too many used ones among them, are refused with the limit and with what to do."""
    monkeypatch.setattr(used_assets, limit, 2)
    body = await estate.send("root", FOUND, filter={**EVERY, "unusedForDays": 30})
    (error,) = body["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", 2)
    assert "`unread: true`" in error["message"]
    assert await found(estate, "root", unusedForDays=30, unread=True)


async def test_too_many_edges_are_read_in_parts(estate: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the edges of all candidates exceed one request, those of each half are read by themselves."""
    skip_after_midnight()
    together = await found(estate, "root", unusedForDays=30)
    monkeypatch.setattr("app.graph.reading.level.level_batcher.EDGE_CAP", 4)
    assert await found(estate, "root", unusedForDays=30) == together
