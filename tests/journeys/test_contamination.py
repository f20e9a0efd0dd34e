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

TRAINED, BASED = "FEEDS dataset:data model-version:m@1", "BASE_OF model-version:b@1 model-version:m@1"
WEEKLY = "FEEDS dataset-version:data@1 model-version:m@1"
PATHS: dict[str, tuple[str, str, str]] = {
    "a feature": ("FEEDS feature:f model-version:m@1; DERIVES dataset:data feature:f", "dataset:data", "DIRECT"),
    "a source of a feature": (
        "FEEDS feature:f model-version:m@1; DERIVES dataset:made feature:f; DERIVES dataset:data dataset:made",
        "dataset:data",
        "DIRECT",
    ),
    "a feature of a set": (
        "FEEDS feature-set:s model-version:m@1; CONTAINS feature-set:s feature:f; DERIVES dataset:data feature:f",
        "dataset:data",
        "DIRECT",
    ),
    "a run": ("PRODUCES run:r model-version:m@1; INPUT_TO dataset:data run:r", "dataset:data", "DIRECT"),
    "a workflow": ("PRODUCES workflow:w model-version:m@1; INPUT_TO dataset:data workflow:w", "dataset:data", "DIRECT"),
    "the model as a whole": ("FEEDS dataset:data model:m", "dataset:data", "DIRECT"),
    "a base": (f"{BASED}; FEEDS dataset:data model-version:b@1", "dataset:data", "DIRECT"),
    "the model of a base": (f"{BASED}; FEEDS dataset:data model:b", "dataset:data", "DIRECT"),
    "a snapshot": (WEEKLY, "dataset-version:data@1", "DIRECT"),
    "another snapshot": (WEEKLY, "dataset-version:data@2", "DERIVED"),
    "the whole of a snapshot": (WEEKLY, "dataset:data", "DERIVED"),
    "a snapshot of the whole": (TRAINED, "dataset-version:data@1", "DERIVED"),
    "a derivation": (f"{TRAINED}; DERIVES dataset:data dataset:made", "dataset:made", "DERIVED"),
    "what the run of the evaluation read": (
        f"{TRAINED}; PRODUCES run:r evaluation:e; INPUT_TO dataset:data run:r",
        "",
        "DIRECT",
    ),
    "the training of a sibling": (f"{TRAINED}; FEEDS dataset:other model-version:m@2", "dataset:other", "CLEAN"),
}
"""Links by which data reaches the training or the evaluation, the data of the evaluation, and its verdict."""


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


@pytest.mark.parametrize("path", PATHS)
async def test_each_path_into_the_training_counts(api: Api, path: str) -> None:
    """Features, runs, bases and the model as a whole lead to training data; snapshots and derivations share it."""
    links, data, verdict = PATHS[path]

    def named(text: str) -> str:
        """Return the id of an asset of this path."""
        kind, _, name = text.partition(":")
        return urn(kind, f"{path.replace(' ', '-')}-{name}")

    ends = [link.split() for link in links.split("; ")]
    measured = {"evaluatedOn": [named(data)]} if data else {}
    await api.load(
        {"evaluation": {"id": named("evaluation:e"), "modelVersion": named("model-version:m@1"), **measured}},
        *({"link": {"relation": relation, "from": named(a), "to": named(b)}} for relation, a, b in ends),
    )
    query = "query ($id: ID!) { asset(id: $id) { ... on Evaluation { contamination { verdict } } } }"
    found = (await api.ask("ada", query, id=named("evaluation:e")))["asset"]["contamination"]
    assert found == {"verdict": verdict}
