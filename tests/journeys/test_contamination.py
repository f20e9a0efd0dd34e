"""Contamination of evaluations; the expected verdicts were derived by hand from docs/contamination.md."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

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
