"""Ingestions as a viewer may see them: entries about assets that are not visible are left out; filters of the list."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
CLICKS, GONE = "mlg://dataset/test/default/clicks", "mlg://dataset/test/default/gone"
LIST = """query ($filter: IngestionFilter) { ingestions(filter: $filter) { totalCount nodes {
  source eventType producer state receivedAt eventAt subject { id } names { role name rule asset { id } }
  assets { outcome changed kept outdated asset { id } } edges { field effect source { id } target { id } }
  ignored { facet reason } } } }"""


def about(urn: str, **more: Any) -> dict[str, Any]:
    """Return an entry about an asset."""
    return {"asset": urn, **more}


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a dataset with two ingestions; the second one names an asset that does not exist for the viewer."""
    graph.add("DATASET", "clicks")
    for at, (state, urns) in enumerate([("WRITTEN", [CLICKS]), ("NO_EDGES", [CLICKS, GONE])], 1):
        effect = {"outcome": "UPDATED", "changed": ["format"], "kept": [], "outdated": []}
        urn = graph.add(
            "INGESTION",
            f"i{at}",
            subject=CLICKS,
            subjects=[CLICKS],
            actor="ci",
            source=f"s{at}",
            state=state,
            createdAt=at * 1000,
            eventAt=0,
            eventType="START",
            names=[about(each, role="input", namespace="n", name="t", rule="EXACT") for each in urns],
            assets=[about(each, **effect) for each in urns],
            edges=[{"field": "inputs", "effect": "BEGAN", "source": CLICKS, "target": each} for each in urns],
            ignored=[
                {"facet": "input.of an earlier version", "reason": "no text"},
                *(about(each, facet="run.x", reason=f"no text in {each}") for each in urns),
            ],
        )
        graph.join("INGESTED_INTO", urn, CLICKS)
    return graph


@pytest.mark.usefixtures("estate")
async def test_entries_about_hidden_assets_are_left_out(run: Run) -> None:
    """Of names, assets, edges and ignored facets those remain whose assets are visible at every end."""
    found = (await run(LIST, filter={"states": ["NO_EDGES"]})).data["ingestions"]
    clicks = {"asset": {"id": CLICKS}}
    assert found == {
        "totalCount": 1,
        "nodes": [
            {
                "source": "s2",
                "eventType": "START",
                "producer": None,
                "state": "NO_EDGES",
                "receivedAt": "1970-01-01T00:00:02Z",
                "eventAt": "1970-01-01T00:00:00Z",
                "subject": {"id": CLICKS},
                "names": [{"role": "input", "name": "t", "rule": "EXACT", **clicks}],
                "assets": [{"outcome": "UPDATED", "changed": ["format"], "kept": [], "outdated": [], **clicks}],
                "edges": [{"field": "inputs", "effect": "BEGAN", "source": {"id": CLICKS}, "target": {"id": CLICKS}}],
                "ignored": [{"facet": "run.x", "reason": f"no text in {CLICKS}"}],
            }
        ],
    }


@pytest.mark.usefixtures("estate")
async def test_edges_of_hidden_fields_are_left_out(graph: PlainGraph, run: Run) -> None:
    """An edge is shown by a field of its source, which the viewer must be able to see."""
    graph.hidden = {"DATASET": {"inputs"}}
    found = await run("{ ingestions { nodes { state edges { field } } } }")
    assert found.data["ingestions"]["nodes"] == [{"state": "NO_EDGES", "edges": []}, {"state": "WRITTEN", "edges": []}]


async def test_hidden_fields_are_left_out(graph: PlainGraph, run: Run) -> None:
    """Names and parts of hidden fields are left out without a trace, and so is an effect on these alone."""
    effect = {"outcome": "UPDATED", "kept": [], "outdated": []}
    load, other, shut = (graph.add("RUN", name) for name in ("load", "other", "shut"))
    urn = graph.add(
        "INGESTION",
        "i",
        subject=load,
        createdAt=1,
        state="PARTIAL",
        assets=[
            about(load, outcome="UPDATED", changed=["error", "state"], kept=["params.A", "metrics.b"], outdated=[]),
            about(load, outcome="UNCHANGED", changed=[], kept=["params.A"], outdated=["error"]),
            about(shut, outcome="UPDATED", changed=["params"], kept=[], outdated=[]),
            about(load, outcome="UPDATED", changed=[], kept=[], outdated=[]),
            about(other, outcome="DENIED", changed=[], kept=[], outdated=[]),
        ],
    )
    graph.join("INGESTED_INTO", urn, load)
    graph.hidden = {"RUN": {"params", "error"}}
    found = await run("{ ingestions { nodes { assets { asset { id } outcome changed kept outdated } } } }")
    expected = [
        (load, {**effect, "changed": ["state"], "kept": ["metrics.b"]}),
        (load, {**effect, "changed": []}),
        (other, {**effect, "outcome": "DENIED", "changed": []}),
    ]
    assert found.data["ingestions"]["nodes"] == [
        {"assets": [{"asset": {"id": urn}, **lists} for urn, lists in expected]}
    ]
    assert (dict(graph.report.hidden), graph.report.reads) == ({}, {})


@pytest.mark.usefixtures("estate")
async def test_names_of_secret_fields_are_in_the_access_log(graph: PlainGraph, run: Run) -> None:
    """Who may see a restricted or secret field reads it by the name of the field in an effect."""
    graph.logged = {"DATASET": {"format", "location"}}
    await run("{ ingestions { nodes { assets { changed } } } }")
    assert graph.report.reads == {"Dataset.format": {CLICKS: None}}


async def test_an_edge_ends_at_a_tag_or_an_owner(estate: PlainGraph, run: Run) -> None:
    """The far end of an edge is of any kind that a facet can name, not only an asset."""
    tag, team = estate.add("TAG", "gold"), estate.add("TEAM", "ranking")
    for record in estate.records.values():
        if record["kind"] == "INGESTION":
            record["edges"] = [
                {"field": "x", "effect": "BEGAN", "source": CLICKS, "target": each} for each in (tag, team)
            ]
    found = await run("{ ingestions { nodes { edges { target { __typename id } } } } }")
    assert found.errors is None
    assert found.data is not None
    for node in found.data["ingestions"]["nodes"]:
        assert [each["target"]["__typename"] for each in node["edges"]] == ["Tag", "Team"]


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("where", "sources"),
    [
        (None, ["s2", "s1"]),
        ({"subjects": [CLICKS], "actors": ["ci"]}, ["s2", "s1"]),
        ({"sources": ["s1"]}, ["s1"]),
        ({"since": "1970-01-01T00:00:02Z"}, ["s2"]),
        ({"until": "1970-01-01T00:00:02Z"}, ["s1"]),
        ({"actors": []}, []),
    ],
)
async def test_the_list_is_filtered_newest_first(run: Run, where: Any, sources: list[str]) -> None:
    """Every given condition holds, and an empty list matches nothing."""
    found = (await run(LIST, filter=where)).data["ingestions"]
    assert [node["source"] for node in found["nodes"]] == sources
