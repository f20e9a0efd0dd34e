"""Lineage of the published showcase, compared with results that independent scripts computed from the raw files.

A job of DataHub is a workflow here, a chart or dashboard is a report. Each edge of the files is one lineage edge, so
the distances are equal. For callers with hidden nodes, the test removes these from a graph that it reads itself.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import networkx as nx
import pytest
from support.estates.showcase import ECOMMERCE, EXPECTED, FILES, showcase_items, team_only
from support.servers.in_process import Api

from graphql_schema.catalog.urn import parse_urn

NAMED: dict[str, Any] = EXPECTED["named_entities"]
KIND_OF = {
    "dataset": "DATASET",
    "dataJob": "WORKFLOW",
    "chart": "REPORT",
    "dashboard": "REPORT",
    "mlFeature": "FEATURE",
    "mlModel": "MODEL_VERSION",
    "mlModelDeployment": "DEPLOYMENT",
    "dataProcessInstance": "RUN",
}
EVERY_HIDDEN = 9

ASSETS = '{ assets(first: 500) { nodes { id foreign: property(key: "datahub.urn") } } }'
WALK = """query ($root: ID!, $direction: LineageDirection!, $depth: Int!) {
  lineage(roots: [$root], direction: $direction, maxDepth: $depth, first: 500) {
    nodes { nodes { depth asset { id } } } countsByKind { kind count } completeness { state reason visited } } }"""
IMPACT = """query ($root: ID!) { impact(roots: [$root], maxDepth: 50) {
  total countsByDepth countsByKind { kind count } assets(first: 500) { nodes { depth asset { id } } } } }"""

Flow: TypeAlias = "nx.DiGraph[str]"


@pytest.fixture(scope="module")
def flow() -> Flow:
    """Return the lineage of the files, read by the rules of their README."""
    found: Flow = nx.DiGraph()
    aspects: dict[tuple[str, str], Any] = {}
    paths = [ECOMMERCE / name for name in ("01-definitions.json", "02-data.json", "03-context.json")]
    for path in [*paths, FILES[1]]:
        for record in json.loads(path.read_text()):
            body = record["aspect"]
            aspects[record["entityUrn"], record["aspectName"]] = body.get("json") or json.loads(body["value"])
    for (urn, name), aspect in aspects.items():
        found.add_edges_from(_edges(urn, name, aspect))
    return found


def _edges(urn: str, name: str, aspect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    sources = {
        "upstreamLineage": ["upstreams"],
        "dataJobInputOutput": ["inputDatasets", "inputDatasetEdges", "inputDatajobs", "inputDatajobEdges"],
        "mlModelProperties": ["mlFeatures", "trainingJobs"],
        "chartInfo": ["inputs", "inputEdges"],
        "dashboardInfo": ["charts", "chartEdges", "datasets", "datasetEdges", "dashboards"],
        "dataProcessInstanceInput": ["inputs", "inputEdges"],
        "mlFeatureProperties": ["sources"],
    }
    targets = {"dataJobInputOutput": ["outputDatasets", "outputDatasetEdges"], "mlModelProperties": ["deployments"]}
    yield from ((source, urn) for key in sources.get(name, ()) for source in _named(aspect.get(key)))
    yield from ((urn, target) for key in targets.get(name, ()) for target in _named(aspect.get(key)))


def _named(values: Any) -> Iterator[str]:
    for value in values or ():
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            found = value.get("destinationUrn") or value.get("dataset") or value.get("string")
            yield from [found] if found else list(value.values())[:1]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over the imported showcase."""
    await api.load(*showcase_items())
    return api


@pytest.fixture(scope="module")
async def ids(api: Api) -> dict[str, str]:
    """Return our id of each DataHub id; a node without a record is found by its name."""
    nodes = (await api.ask("root", ASSETS))["assets"]["nodes"]
    bare = EXPECTED["quirks"]["lineage_nodes_without_record"]
    found = {node["foreign"]: node["id"] for node in nodes if node["foreign"]}
    for node in nodes:
        if not node["foreign"]:
            (foreign,) = (each for each in bare if f",{parse_urn(node['id']).name}," in each)
            found[foreign] = node["id"]
    return found


@pytest.fixture(scope="module")
async def hidden(api: Api, ids: dict[str, str], flow: Flow) -> set[str]:
    """Make every ninth other entity team-only, and return the DataHub ids of these."""
    several = set(sorted(set(flow) - set(NAMED))[::EVERY_HIDDEN])
    await api.load(*(team_only(ids[foreign]) for foreign in sorted(several)))
    return several


def test_the_expected_graph_equals_the_published_closures(flow: Flow) -> None:
    """The graph that the test reads, before nodes are hidden, has the closures that the script computed."""
    assert (len(flow), flow.number_of_edges()) == (
        EXPECTED["counts"]["lineage_nodes"],
        EXPECTED["counts"]["lineage_edges"],
    )
    for foreign, node in NAMED.items():
        assert nx.descendants(flow, foreign) == set(node["downstream"]["full"])
        assert nx.ancestors(flow, foreign) == set(node["upstream"]["full"])


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("who", ["root", "cy"])
@pytest.mark.parametrize("direction", ["upstream", "downstream"])
@pytest.mark.parametrize("foreign", NAMED)
async def test_lineage_equals_the_published_closures(
    api: Api, ids: dict[str, str], foreign: str, direction: str, who: str
) -> None:
    """For callers who see everything, closure, first level, distances and types equal the published results."""
    expected = NAMED[foreign][direction]
    found = await _walk(api, who, ids[foreign], direction)
    theirs = {ours: their for their, ours in ids.items()}
    depths = {theirs[node["asset"]["id"]]: node["depth"] for node in found["nodes"]["nodes"]}
    assert depths.pop(foreign) == 0
    assert set(depths) == set(expected["full"])
    assert Counter(map(str, depths.values())) == expected["count_by_distance"]
    assert Counter(their.split(":")[2] for their in depths) == expected["full_by_type"]
    assert found["completeness"] == {"state": "COMPLETE", "reason": None, "visited": expected["full_count"] + 1}
    first = await _walk(api, who, ids[foreign], direction, 1)
    level = {theirs[node["asset"]["id"]] for node in first["nodes"]["nodes"] if node["depth"] == 1}
    assert level == set(expected["depth_1"])


@pytest.mark.parametrize("foreign", NAMED)
async def test_impact_equals_the_published_counts(api: Api, ids: dict[str, str], foreign: str) -> None:
    """Impact has the published total and counts by distance and kind."""
    expected = NAMED[foreign]["downstream"]
    found = (await api.ask("root", IMPACT, root=ids[foreign]))["impact"]
    kinds: Counter[str] = Counter()
    for theirs, count in expected["full_by_type"].items():
        kinds[KIND_OF[theirs]] += count
    distances = expected["count_by_distance"]
    assert found["total"] == expected["full_count"]
    assert found["countsByDepth"] == [distances[str(depth + 1)] for depth in range(len(distances))]
    assert {each["kind"]: each["count"] for each in found["countsByKind"]} == kinds


@pytest.mark.parametrize(("foreign", "direction"), [*product(NAMED, ["upstream", "downstream"])])
async def test_lineage_excludes_nodes_behind_hidden_ones(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    api: Api, ids: dict[str, str], flow: Flow, hidden: set[str], foreign: str, direction: str
) -> None:
    """Bo gets the nodes that are reachable without hidden nodes, at those distances, and completeness PARTIAL."""
    route = flow if direction == "downstream" else flow.reverse()
    left = route.subgraph(set(route) - hidden)
    expected = nx.single_source_shortest_path_length(left, foreign)
    met = {far for near in expected for far in route.successors(near)} & hidden
    found = await _walk(api, "bo", ids[foreign], direction)
    assert {node["asset"]["id"]: node["depth"] for node in found["nodes"]["nodes"]} == {
        ids[their]: depth for their, depth in expected.items()
    }
    state, reason = ("PARTIAL", "POLICY") if met else ("COMPLETE", None)
    assert found["completeness"] == {"state": state, "reason": reason, "visited": len(expected)}


async def _walk(api: Api, who: str, root: str, direction: str, depth: int = 50) -> dict[str, Any]:
    response = await api.ask(who, WALK, root=root, direction=direction.upper(), depth=depth)
    found: dict[str, Any] = response["lineage"]
    return found
