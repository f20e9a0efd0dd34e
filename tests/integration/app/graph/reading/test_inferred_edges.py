"""Inferred edges in the API: visibility, precedence of declared edges, and their creation and removal."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, person, stored, urn

from graphql_schema.ports.commands import LinkCommand

RISK, RANKING = "mlg://team/catalog/default/risk", "mlg://team/catalog/default/ranking"
EDGES = """query ($id: ID!, $filter: LineageFilter) { asset(id: $id) { id
  upstream(filter: $filter) { totalCount nodes { ...Row } pageInfo { endCursor } }
  downstream(filter: $filter) { totalCount nodes { ...Row } pageInfo { endCursor } } } }
fragment Row on Neighbour { asset { id } edgeId relation from to origin confidence validFrom validTo runId
  properties { key value } }"""
CELLS = "query ($id: ID!) { asset(id: $id) { ... on ModelVersion { experimentCells { totalCount nodes { id } } } } }"
FEATURES = "query ($id: ID!) { asset(id: $id) { sensitivity ... on ModelVersion { features { nodes { id } } } } }"
LINK = """mutation ($input: LinkInput!) { link(input: $input) { changed edge { origin confidence validFrom }
  errors { code message } } }"""
UNLINK = "mutation ($input: UnlinkInput!) { unlink(input: $input) { changed errors { code message } } }"
DELETE = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { changed errors { message } } }"
RESTORE = "mutation ($input: RestoreAssetInput!) { restoreAsset(input: $input) { changed errors { message } } }"
BEFORE = "2025-01-01T00:00:00Z"
GUESS = {"origin": "INFERRED", "confidence": 0.5}


@dataclass(frozen=True)
class Estate:
    """A few assets of one test."""

    mark: str

    def id(self, kind: str) -> str:
        """Return the id of the asset of a kind."""
        return urn(f"{kind} {self.mark}{'@1' if kind.endswith('version') else ''}")

    @property
    def edge(self) -> dict[str, Any]:
        """Return the edge inferred from the deployment."""
        return {"relation": "TESTED_IN", "from": self.id("model-version"), "to": self.id("experiment-cell")}

    @property
    def cause(self) -> dict[str, Any]:
        """Return the edge of the deployment from which the other is inferred."""
        return {**self.edge, "from": self.id("deployment")}

    def tested(self, *, hidden: bool = False) -> Iterator[dict[str, Any]]:
        """Return a version tested in a cell by a deployment, which is visible to its team alone if ``hidden``."""
        shut = {"owners": [{"owner": RISK}], "visibility": "TEAM"} if hidden else {}
        version, deployment = self.id("model-version"), self.id("deployment")
        yield {"modelVersion": {"id": version}}
        yield {"deployment": {"id": deployment, "modelVersion": version, **shut}}
        subjects = {"experiment": self.id("experiment"), "subjects": [deployment]}
        yield {"experimentCell": {"id": self.id("experiment-cell"), "owners": [{"owner": RANKING}], **subjects}}

    def trained(self) -> Iterator[dict[str, Any]]:
        """Return a run that read a feature and made a version."""
        yield {"run": {"id": self.id("run"), "state": "COMPLETE", "outputs": [self.id("model-version")]}}
        yield {"link": {"relation": "INPUT_TO", "from": self.id("feature"), "to": self.id("run")}}


@pytest.fixture
def estate(request: pytest.FixtureRequest) -> Estate:
    """Return names that no other test uses."""
    return Estate(f"t{zlib.crc32(request.node.name.encode()):x}")


async def rows(api: Api, who: str, urn: str, direction: str, **where: Any) -> list[dict[str, Any]]:
    """Return the neighbours of an asset, and assert that the total is their number."""
    found = (await api.ask(who, EDGES, id=urn, filter=where or None))["asset"][direction]
    assert found["totalCount"] == len(found["nodes"])
    return list(found["nodes"])


async def test_an_inferred_edge_replaces_a_hop(api: Api, estate: Estate) -> None:
    """An inferred edge returns confidence, rule and start, and filters match it.

    Its start is that of the last edge of its chain.
    """
    await api.load(*estate.tested())
    await api.load(
        {"link": {**estate.cause, "validFrom": "2024-01-01T00:00:00Z"}},
        {
            "link": {
                "relation": "DEPLOYED_AS",
                "from": estate.id("model-version"),
                "to": estate.id("deployment"),
                "validFrom": BEFORE,
            }
        },
    )
    await api.wait_for_jobs()
    found = await rows(api, "bo", estate.id("model-version"), "downstream", relations=["TESTED_IN"])
    assert found == await rows(api, "bo", estate.id("model-version"), "downstream", origins=["INFERRED"])
    (row,) = found
    (back,) = await rows(api, "bo", estate.id("experiment-cell"), "upstream", kinds=["MODEL_VERSION"])
    assert back == {**row, "asset": {"id": estate.id("model-version")}}
    assert row["edgeId"].startswith("TESTED_IN:")
    del row["edgeId"]
    assert row == {
        "asset": {"id": estate.id("experiment-cell")},
        "relation": "TESTED_IN",
        "from": estate.id("model-version"),
        "to": estate.id("experiment-cell"),
        "origin": "INFERRED",
        "confidence": 0.9,
        "validFrom": BEFORE,
        "validTo": None,
        "runId": None,
        "properties": [{"key": "enrichment", "value": "tested-as-deployed"}],
    }
    assert (
        await rows(api, "bo", estate.id("model-version"), "downstream", origins=["DECLARED"], relations=["TESTED_IN"])
        == []
    )
    assert (await api.ask("bo", CELLS, id=estate.id("model-version")))["asset"]["experimentCells"]["nodes"] == [
        {"id": estate.id("experiment-cell")}
    ]


async def test_a_hidden_middle_is_not_bridged(api: Api, estate: Estate) -> None:
    """If the deployment is hidden, no inferred edge bridges it: as many rows, after as many requests, as without it."""
    await api.load(*estate.tested(hidden=True))
    other = Estate(f"{estate.mark}-not")
    version, _, cell = other.tested()
    await api.load(version, {"experimentCell": {**cell["experimentCell"], "subjects": []}})
    await api.wait_for_jobs()
    for kind in ("model-version", "experiment-cell"):
        pair = [each.id(kind) for each in (estate, other)]
        for direction in ("upstream", "downstream"):
            reported, plain = [await rows(api, "bo", one, direction) for one in pair]
            assert [row["relation"] for row in reported] == [row["relation"] for row in plain]
        counts = [await api.count("bo", EDGES, id=one) for one in pair]
        assert counts[0] == counts[1]
    assert (await api.ask("bo", CELLS, id=estate.id("model-version")))["asset"]["experimentCells"] == {
        "totalCount": 0,
        "nodes": [],
    }
    assert len(await rows(api, "root", estate.id("model-version"), "downstream", relations=["TESTED_IN"])) == 1
    assert (await api.ask("root", CELLS, id=estate.id("model-version")))["asset"]["experimentCells"]["totalCount"] == 1


async def test_one_visible_chain_is_enough_and_sets_age_and_confidence(api: Api, estate: Estate) -> None:
    """If one of two deployments is hidden, age and confidence of the edge are those of the visible chain."""
    await api.load(*estate.tested(hidden=True))
    await api.load(
        {
            "link": {
                "relation": "DEPLOYED_AS",
                "from": estate.id("model-version"),
                "to": estate.id("deployment"),
                "validFrom": BEFORE,
            }
        }
    )
    shown = urn(f"deployment {estate.mark}-shown")
    observed = {"deployment": {"id": shown, "modelVersion": estate.id("model-version")}}
    await api.load(
        observed, {"link": {"relation": "TESTED_IN", "from": shown, "to": estate.id("experiment-cell"), **GUESS}}
    )
    await api.wait_for_jobs()
    ((mine,), (all_of_it,)) = [
        await rows(api, who, estate.id("model-version"), "downstream", relations=["TESTED_IN"])
        for who in ("bo", "root")
    ]
    assert (mine["confidence"], all_of_it["confidence"]) == (0.45, 0.9)
    assert datetime.fromisoformat(mine["validFrom"]) > datetime.fromisoformat(all_of_it["validFrom"])


async def test_declaring_an_inferred_edge_discloses_no_hidden_chain(api: Api, estate: Estate) -> None:
    """An edge declared beside a hidden chain is new and certain from now on. It stays when the chain is removed."""
    await api.load(*estate.tested(hidden=True))
    await api.wait_for_jobs()
    body = await api.send("ada", UNLINK, input=estate.edge)
    assert [error["code"] for error in body["data"]["unlink"]["errors"]] == ["NOT_FOUND"]
    linked = (await api.ask("ada", LINK, input=estate.edge))["link"]
    assert (linked["changed"], linked["edge"]["origin"], linked["edge"]["confidence"]) == (True, "DECLARED", None)
    for who in ("ada", "root"):
        (row,) = await rows(api, who, estate.id("model-version"), "downstream", relations=["TESTED_IN"])
        assert (row["origin"], row["validFrom"]) == ("DECLARED", linked["edge"]["validFrom"])
        assert await rows(api, who, estate.id("model-version"), "downstream", origins=["INFERRED"]) == []
    await api.ask("root", UNLINK, input=estate.cause)
    await api.wait_for_jobs()
    assert [
        row["origin"]
        for row in await rows(api, "root", estate.id("model-version"), "downstream", relations=["TESTED_IN"])
    ] == ["DECLARED"]


@pytest.mark.parametrize("cause", ["an edge", "the middle"])
async def test_an_inferred_edge_ends_and_returns_with_its_source(
    api: Api, estate: Estate, module_graph: StoreGraph, cause: str
) -> None:
    """An inferred edge ends with its source and returns with it; revision and history of both ends do not change."""
    await api.load(*estate.trained())
    await api.wait_for_jobs()
    before = await stored(module_graph)
    edge = {"relation": "INPUT_TO", "from": estate.id("feature"), "to": estate.id("run")}
    gone, back = (
        ((UNLINK, edge), (LINK, edge))
        if cause == "an edge"
        else ((DELETE, {"asset": estate.id("run")}), (RESTORE, {"asset": estate.id("run")}))
    )
    assert (await api.ask("bo", FEATURES, id=estate.id("model-version")))["asset"]["features"]["nodes"] == [
        {"id": estate.id("feature")}
    ]
    for (mutation, given), number in ((gone, 0), (back, 1), (gone, 0)):
        done = await api.ask("root", mutation, input=given)
        assert [each["errors"] for each in done.values()] == [[]]
        await api.wait_for_jobs()
        assert (
            len((await api.ask("bo", FEATURES, id=estate.id("model-version")))["asset"]["features"]["nodes"]) == number
        )
    after = await stored(module_graph)
    for end in (estate.id("feature"), estate.id("model-version")):
        assert before.records[end] == after.records[end]
        assert before.history(end)[0] in after.history(end)


async def test_an_inferred_edge_carries_no_sensitivity_and_blocks_no_deletion(api: Api, estate: Estate) -> None:
    """Sensitivity stops at a declassified hop despite an inferred shortcut.

    A source with an inferred edge can be deleted.
    """
    await api.load(*estate.trained())
    writers = Writers(api.client, api.process.policy, api.coordinator)
    auditor = person("root", roles="admin auditor")
    await writers.of(auditor).write(
        [LinkCommand("INPUT_TO", estate.id("feature"), estate.id("run"), {"declassified": True})],
        dry_run=False,
        atomic=True,
    )
    await api.load({"feature": {"id": estate.id("feature"), "sensitivity": "RESTRICTED"}})
    await api.wait_for_jobs()
    assert (await api.ask("root", FEATURES, id=estate.id("model-version")))["asset"] == {
        "sensitivity": "INTERNAL",
        "features": {"nodes": [{"id": estate.id("feature")}]},
    }
    assert (await api.ask("root", DELETE, input={"asset": estate.id("feature")}))["deleteAsset"] == {
        "changed": True,
        "errors": [],
    }
    assert (await api.ask("root", FEATURES, id=estate.id("model-version")))["asset"]["features"]["nodes"] == []


async def test_a_store_from_before_inference(estate: Estate, graph: StoreGraph, tmp_path: Path) -> None:
    """A store from before inference is processed at start; with inference off, all inferred edges are removed."""
    observed: list[int] = []
    for switch in ("0", "1", "1", "0"):
        async with open_api(graph, tmp_path, MLG_ENRICHMENT=switch) as api:
            if not observed:
                await api.load(*estate.tested())
            await api.wait_for_jobs()
            found = await rows(api, "root", estate.id("model-version"), "downstream", relations=["TESTED_IN"])
            observed.append(len(found))
    assert observed == [0, 1, 1, 0]
