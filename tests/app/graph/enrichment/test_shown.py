"""Inferred edges as the API shows them: to whom, beside what was declared, and when they come and go."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from harness.api import Api, open_api
from harness.janusgraph import StoreGraph
from harness.registrations import Writers, link, person, stored, urn

RISK, RANKING = "mlg://team/catalog/default/risk", "mlg://team/catalog/default/ranking"
VERSION, CELL, DEPLOYMENT = urn("model-version m@1"), urn("experiment-cell c"), urn("deployment d")
FEATURE, RUN, NEXT = urn("feature f"), urn("run r"), urn("model-version m@2")
EDGES = """query ($id: ID!, $filter: LineageFilter) { asset(id: $id) { id
  upstream(filter: $filter) { totalCount nodes { ...Row } pageInfo { endCursor } }
  downstream(filter: $filter) { totalCount nodes { ...Row } pageInfo { endCursor } } } }
fragment Row on Neighbour { asset { id } edgeId relation from to origin confidence validFrom validTo runId
  properties { key value } }"""
CELLS = "query ($id: ID!) { asset(id: $id) { ... on ModelVersion { experimentCells { totalCount nodes { id } } } } }"
FEATURES = "query ($id: ID!) { asset(id: $id) { sensitivity ... on ModelVersion { features { nodes { id } } } } }"
LEARNT: tuple[dict[str, Any], ...] = (
    {"run": {"id": RUN, "state": "COMPLETE", "outputs": [NEXT]}},
    {"link": {"relation": "INPUT_TO", "from": FEATURE, "to": RUN}},
)
"""A run that read a feature and made a version."""
LINK = """mutation ($input: LinkInput!) { link(input: $input) { changed edge { origin confidence validFrom }
  errors { code message } } }"""
UNLINK = "mutation ($input: UnlinkInput!) { unlink(input: $input) { changed errors { code message } } }"
DELETE = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { changed errors { message } } }"
RESTORE = "mutation ($input: RestoreAssetInput!) { restoreAsset(input: $input) { changed errors { message } } }"
TESTED = {"relation": "TESTED_IN", "from": VERSION, "to": CELL}
CAUSE = {"relation": "TESTED_IN", "from": DEPLOYMENT, "to": CELL}
BEFORE = "2025-01-01T00:00:00Z"
GUESS = {"origin": "INFERRED", "confidence": 0.5}


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Run the API over an empty store."""
    async with open_api(graph, tmp_path) as api:
        yield api


def estate(*, hidden: bool) -> Iterable[dict[str, Any]]:
    """A version that is tested in a cell by a deployment, which is there for its team alone if it is hidden."""
    shut = {"owners": [{"owner": RISK}], "visibility": "TEAM"} if hidden else {}
    yield {"modelVersion": {"id": VERSION}}
    yield {"deployment": {"id": DEPLOYMENT, "modelVersion": VERSION, **shut}}
    yield {"experimentCell": {"id": CELL, "experiment": urn("experiment e"), "subjects": [DEPLOYMENT]}}


async def rows(api: Api, who: str, urn: str, direction: str, **where: Any) -> list[dict[str, Any]]:
    """The neighbours of an asset, as many as are counted."""
    found = (await api.ask(who, EDGES, id=urn, filter=where or None))["asset"][direction]
    assert found["totalCount"] == len(found["nodes"])
    return list(found["nodes"])


async def test_a_question_is_one_hop_shorter(api: Api) -> None:
    """It says how sure it is, by which rule and since when: since the last edge of its chain; filters know of it."""
    await api.load(*estate(hidden=False))
    await api.load(
        {"link": {**CAUSE, "validFrom": "2024-01-01T00:00:00Z"}},
        {"link": {"relation": "DEPLOYED_AS", "from": VERSION, "to": DEPLOYMENT, "validFrom": BEFORE}},
    )
    await api.settled()
    found = await rows(api, "bo", VERSION, "downstream", relations=["TESTED_IN"])
    assert found == await rows(api, "bo", VERSION, "downstream", origins=["INFERRED"])
    (row,) = found
    (back,) = await rows(api, "bo", CELL, "upstream", kinds=["MODEL_VERSION"])
    assert back == {**row, "asset": {"id": VERSION}}
    assert row["edgeId"].startswith("TESTED_IN:")
    del row["edgeId"]
    assert row == {
        "asset": {"id": CELL},
        "relation": "TESTED_IN",
        "from": VERSION,
        "to": CELL,
        "origin": "INFERRED",
        "confidence": 0.9,
        "validFrom": BEFORE,
        "validTo": None,
        "runId": None,
        "properties": [{"key": "rule", "value": "tested-as-deployed"}],
    }
    assert await rows(api, "bo", VERSION, "downstream", origins=["DECLARED"], relations=["TESTED_IN"]) == []
    assert (await api.ask("bo", CELLS, id=VERSION))["asset"]["experimentCells"]["nodes"] == [{"id": CELL}]


async def test_a_hidden_middle_is_not_bridged(api: Api) -> None:
    """Who may not know of the deployment reads what there is without it: as many rows, after as many requests."""
    await api.load(*estate(hidden=True))
    apart = {name: urn(f"{text}-not") for name, text in (("v", "model-version m@1"), ("c", "experiment-cell c"))}
    await api.load(
        {"modelVersion": {"id": apart["v"]}},
        {"experimentCell": {"id": apart["c"], "experiment": urn("experiment e")}},
    )
    await api.settled()
    for one, other in ((VERSION, apart["v"]), (CELL, apart["c"])):
        for direction in ("upstream", "downstream"):
            told, plain = [await rows(api, "bo", each, direction) for each in (one, other)]
            assert [row["relation"] for row in told] == [row["relation"] for row in plain]
        counts = [await api.count("bo", EDGES, id=each) for each in (one, other)]
        assert counts[0] == counts[1]
    assert (await api.ask("bo", CELLS, id=VERSION))["asset"]["experimentCells"] == {"totalCount": 0, "nodes": []}
    assert len(await rows(api, "root", VERSION, "downstream", relations=["TESTED_IN"])) == 1
    assert (await api.ask("root", CELLS, id=VERSION))["asset"]["experimentCells"]["totalCount"] == 1


async def test_one_visible_chain_is_enough_and_says_what_it_says(api: Api) -> None:
    """Of two deployments one is hidden: the edge is as old and as sure as the other has it be."""
    await api.load(*estate(hidden=True))
    await api.load({"link": {"relation": "DEPLOYED_AS", "from": VERSION, "to": DEPLOYMENT, "validFrom": BEFORE}})
    seen = {"deployment": {"id": urn("deployment o"), "modelVersion": VERSION}}
    await api.load(seen, {"link": {"relation": "TESTED_IN", "from": urn("deployment o"), "to": CELL, **GUESS}})
    await api.settled()
    ((mine,), (all_of_it,)) = [
        await rows(api, who, VERSION, "downstream", relations=["TESTED_IN"]) for who in ("bo", "root")
    ]
    assert (mine["confidence"], all_of_it["confidence"]) == (0.45, 0.9)
    assert mine["validFrom"] > all_of_it["validFrom"]


async def test_who_declares_it_is_told_nothing_of_it(api: Api) -> None:
    """A declaration beside a hidden chain is new, since now, and certain; it stays when the cause goes."""
    await api.load(*estate(hidden=True), {"experimentCell": {"id": CELL, "owners": [{"owner": RANKING}]}})
    await api.settled()
    body = await api.send("eli", UNLINK, input=TESTED)
    assert [error["code"] for error in body["data"]["unlink"]["errors"]] == ["NOT_FOUND"]
    linked = (await api.ask("eli", LINK, input=TESTED))["link"]
    assert (linked["changed"], linked["edge"]["origin"], linked["edge"]["confidence"]) == (True, "DECLARED", None)
    for who in ("eli", "root"):
        (row,) = await rows(api, who, VERSION, "downstream", relations=["TESTED_IN"])
        assert (row["origin"], row["validFrom"]) == ("DECLARED", linked["edge"]["validFrom"])
        assert await rows(api, who, VERSION, "downstream", origins=["INFERRED"]) == []
    await api.ask("root", UNLINK, input=CAUSE)
    await api.settled()
    assert [row["origin"] for row in await rows(api, "root", VERSION, "downstream", relations=["TESTED_IN"])] == [
        "DECLARED"
    ]


@pytest.mark.parametrize("cause", ["an edge", "the middle"])
async def test_it_goes_and_comes_with_its_cause(api: Api, graph: StoreGraph, cause: str) -> None:
    """Unlinked or deleted, linked again or restored; revision and history of both ends say nothing of it."""
    await api.load(*LEARNT)
    await api.settled()
    before = await stored(graph)
    edge = {"relation": "INPUT_TO", "from": FEATURE, "to": RUN}
    gone, back = (
        ((UNLINK, edge), (LINK, edge)) if cause == "an edge" else ((DELETE, {"asset": RUN}), (RESTORE, {"asset": RUN}))
    )
    assert (await api.ask("bo", FEATURES, id=NEXT))["asset"]["features"]["nodes"] == [{"id": FEATURE}]
    for (mutation, given), number in ((gone, 0), (back, 1), (gone, 0)):
        done = await api.ask("root", mutation, input=given)
        assert [each["errors"] for each in done.values()] == [[]]
        await api.settled()
        assert len((await api.ask("bo", FEATURES, id=NEXT))["asset"]["features"]["nodes"]) == number
    after = await stored(graph)
    for end in (FEATURE, NEXT):
        assert before.records[end] == after.records[end]
        assert before.history(end)[0] in after.history(end)


async def test_it_holds_nothing_up_and_carries_nothing(api: Api) -> None:
    """Sensitivity stops at a declassified hop, though a shortcut leads over it; and what it starts from may go."""
    await api.load(*LEARNT)
    writers = Writers(api.services.client, api.services.policy, api.services.desk)
    auditor = person("root", roles="admin auditor")
    await writers.of(auditor).write(
        [link("INPUT_TO", "feature f", "run r", declassified=True)], dry_run=False, atomic=True
    )
    await api.load({"feature": {"id": FEATURE, "sensitivity": "RESTRICTED"}})
    await api.settled()
    assert (await api.ask("root", FEATURES, id=NEXT))["asset"] == {
        "sensitivity": "INTERNAL",
        "features": {"nodes": [{"id": FEATURE}]},
    }
    assert (await api.ask("root", DELETE, input={"asset": FEATURE}))["deleteAsset"] == {"changed": True, "errors": []}
    assert (await api.ask("root", FEATURES, id=NEXT))["asset"]["features"]["nodes"] == []


async def test_a_store_that_was_there_before(graph: StoreGraph, tmp_path: Path) -> None:
    """It is gone through at the start, and without enrichment all that was inferred is taken back."""
    seen = []
    for switch in ("0", "1", "1", "0"):
        async with open_api(graph, tmp_path, MLG_ENRICHMENT=switch) as api:
            if not seen:
                await api.load(*estate(hidden=False))
            await api.settled()
            found = await rows(api, "root", VERSION, "downstream", relations=["TESTED_IN"])
            seen.append(len(found))
    assert seen == [0, 1, 1, 0]
