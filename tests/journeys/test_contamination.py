"""Contamination of evaluations; the expected verdicts were derived by hand from docs/contamination.md."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.owned_items import owned, urn
from support.estates.promotions import SET
from support.estates.promotions import VERSION as REPORT
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading.lineage.walk_budget import WalkLimits
from policies.disclosure import Disclosure
from policies.gates import Gate, Gates, Needs

RAW, TRAIN, TEST, OTHER = (urn("dataset", name) for name in ("raw", "train", "test", "other"))
VERSION = urn("model-version", "ranker@1")
RUN = urn("run", "training")
DIRECT, DERIVED, CLEAN, STRANGE = (urn("evaluation", name) for name in ("direct", "derived", "clean", "strange"))
HEALTH = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { health { status
  causes { depth counts asset { id } evaluation { id } contamination } completeness { state } } } } }"""


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over a version that was trained on a part of a table, and four evaluations of it."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        await opened.load(
            owned("dataset", "raw"),
            owned("dataset", "train", derivedFrom=[RAW]),
            owned("dataset", "test", derivedFrom=[RAW]),
            owned("dataset", "other"),
            owned("run", "training", state="COMPLETE", inputs=[TRAIN, OTHER]),
            owned("model-version", "ranker@1", trainedOn=[TRAIN]),
            owned("evaluation", "direct", modelVersion=VERSION, evaluatedOn=[TRAIN]),
            owned("evaluation", "derived", modelVersion=VERSION, evaluatedOn=[TEST]),
            owned("evaluation", "clean", modelVersion=VERSION, evaluatedOn=[OTHER]),
            owned("evaluation", "strange", by="ads", modelVersion=VERSION, evaluatedOn=[TRAIN]),
        )
        yield opened


async def health(api: Api, *ids: str) -> list[Any]:
    """Return the health of assets, read by ada."""
    return [each["health"] for each in (await api.ask("ada", HEALTH, ids=ids))["nodes"]]


def cause(asset: str, evaluation: str, verdict: str, *, counts: bool) -> dict[str, Any]:
    """Return a cause in the form of the response."""
    found = {"depth": 0, "counts": counts, "asset": {"id": asset}, "evaluation": {"id": evaluation}}
    return {**found, "contamination": verdict}


async def test_the_path_leads_from_the_version_over_the_common_source_to_the_data(api: Api) -> None:
    """The source names what the version was trained on, what it was tested on, and where both meet."""
    query = """query ($id: ID!) { asset(id: $id) { ... on Evaluation { contamination { verdict
      sources { verdict training { id } evaluated { id } via { id } path { id } } completeness { state } } } } }"""
    found = (await api.ask("ada", query, id=DERIVED))["asset"]["contamination"]
    assert found == {
        "verdict": "DERIVED",
        "sources": [
            {
                "verdict": "DERIVED",
                "training": {"id": TRAIN},
                "evaluated": {"id": TEST},
                "via": {"id": RAW},
                "path": [{"id": each} for each in (VERSION, TRAIN, RAW, TEST)],
            }
        ],
        "completeness": {"state": "COMPLETE"},
    }
    clean = (await api.ask("ada", query, id=CLEAN))["asset"]["contamination"]
    assert (clean["verdict"], clean["sources"]) == ("CLEAN", [])


async def test_contamination_is_a_cause_of_the_evaluation_and_of_its_version(api: Api) -> None:
    """A DIRECT evaluation is degraded, and so is its version; DERIVED and evaluations of others are only listed."""
    direct, derived, clean, version, data = await health(api, DIRECT, DERIVED, CLEAN, VERSION, TRAIN)
    assert (direct["status"], direct["causes"]) == ("DEGRADED", [cause(DIRECT, DIRECT, "DIRECT", counts=True)])
    assert (derived["status"], derived["causes"]) == ("UNKNOWN", [cause(DERIVED, DERIVED, "DERIVED", counts=False)])
    assert clean["causes"] == data["causes"] == []
    assert (version["status"], version["completeness"]["state"]) == ("DEGRADED", "COMPLETE")
    assert version["causes"] == [
        cause(VERSION, DERIVED, "DERIVED", counts=False),
        cause(VERSION, DIRECT, "DIRECT", counts=True),
        cause(VERSION, STRANGE, "DIRECT", counts=False),
    ]


async def test_a_training_run_counts_as_training(api: Api) -> None:
    """Once a run that also read the other dataset is known to have made the version, the clean evaluation is DIRECT."""
    link = {"link": {"relation": "PRODUCES", "from": RUN, "to": VERSION}}
    await api.load(link)
    query = "query ($id: ID!) { asset(id: $id) { ... on Evaluation { contamination { verdict } } } }"
    assert (await api.ask("ada", query, id=CLEAN))["asset"]["contamination"]["verdict"] == "DIRECT"


async def test_a_gate_needs_uncontaminated_evaluations(
    module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate names each evaluation of the team that is not CLEAN and opens when the last one is retired.

    Data that is hidden from the promoter closes it too, unless the policy discloses nothing of what is hidden.
    """
    gates = Gates((Gate("clean", Needs(uncontaminated=True)),))
    monkeypatch.setattr("app.runtime.process.load_gates", lambda: gates)
    model, version, shut = urn("model", "ads"), urn("model-version", "ads@1"), urn("dataset", "shut")
    bad, good = urn("evaluation", "ads-bad"), urn("evaluation", "ads-good")
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        opened.tokens["approver"] = token(opened, "approver", "ads", roles="reader approver")
        await opened.load(
            *(owned("dataset", f"ads-{name}", by="ads") for name in ("train", "test")),
            owned("dataset", "shut", visibility="TEAM"),
            owned("model", "ads", by="ads"),
            owned("model-version", "ads@1", by="ads", trainedOn=[urn("dataset", "ads-train")]),
            owned("evaluation", "ads-bad", by="ads", modelVersion=version, evaluatedOn=[urn("dataset", "ads-train")]),
            owned("evaluation", "ads-good", by="ads", modelVersion=version, evaluatedOn=[urn("dataset", "ads-test")]),
            owned("evaluation", "ads-strange", modelVersion=version, evaluatedOn=[urn("dataset", "ads-train")]),
        )

        async def move() -> Any:
            given = {"model": model, "version": version, "alias": "champion", "protected": True}
            payload = (await opened.ask("approver", SET, input=given))["setAlias"]
            report = (await opened.ask("approver", REPORT, id=version, alias="champion"))["asset"]["gate"]
            assert payload["gate"] == report
            return payload

        closed = await move()
        assert closed["gate"]["contaminatedEvaluations"] == [{"id": bad}]
        assert f"has the evaluation {bad}, which is not known to be uncontaminated" in closed["errors"][0]["message"]
        await opened.load(owned("evaluation", "ads-bad", by="ads", stage="RETIRED"))
        assert ((await move())["errors"], (await move())["gate"]["open"]) == ([], True)
        await opened.load({"link": {"relation": "DERIVES", "from": shut, "to": urn("dataset", "ads-test")}})
        assert (await move())["gate"]["contaminatedEvaluations"] == [{"id": good}]
    monkeypatch.setattr("app.runtime.process.load_disclosure", lambda: Disclosure.NONE)
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        opened.tokens["approver"] = token(opened, "approver", "ads", roles="reader approver")
        assert (await move())["gate"]["open"]


async def test_a_filter_that_cannot_examine_all_evaluations_is_an_error(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter lists what it can decide exactly; above its limit or a budget the error says what to do."""
    query = "query ($where: AssetFilter!) { assets(filter: $where) { nodes { id } } }"
    where = {"contaminated": True, "namespace": {"eq": "default"}, "ids": [DERIVED, DIRECT, STRANGE, TRAIN]}
    found = (await api.ask("ada", query, where=where))["assets"]["nodes"]
    assert [each["id"] for each in found] == [DERIVED, DIRECT, STRANGE]
    monkeypatch.setattr("app.graph.reading.contaminated_evaluations.MAX_EXAMINED", 2)
    (error,) = (await api.send("ada", query, where=where))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", 2)
    assert "narrow the filter" in error["message"]
    found = (await api.ask("ada", query, where={**where, "ids": [DERIVED, TRAIN]}))["assets"]["nodes"]
    assert [each["id"] for each in found] == [DERIVED]
    monkeypatch.setattr(api.contexts, "walk_limits", WalkLimits(edges=3))
    (error,) = (await api.send("ada", query, where={**where, "ids": [DERIVED]}))["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "budget EDGES" in error["message"]
