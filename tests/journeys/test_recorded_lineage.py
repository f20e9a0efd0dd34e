"""Lineage of recorded OpenLineage events and an MLflow registry, compared with results of independent scripts.

No importer exists for these files, so the test builds the items. A job is a workflow with the inputs and outputs of
all its runs, because ``expected.json`` was computed that way: dataset to job to dataset. A digest of a data
set is a dataset version, and an MLflow run reads digests and produces model versions. For callers with hidden
nodes, the test removes these from a graph that it reads from the files itself.
"""

import ast
import json
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import pytest
from support.estates.showcase import team_only
from support.servers.in_process import Api

from graphql_schema.catalog.urn import make_urn

DATA = Path(__file__).parents[1] / "data"
EVENTS: dict[str, Any] = {
    name: found
    for name, found in json.loads((DATA / "openlineage" / "expected.json").read_text()).items()
    if isinstance(found, dict) and "lineage" in found
}
REGISTRY: dict[str, Any] = json.loads((DATA / "mlflow" / "expected.json").read_text())
EVERY_HIDDEN = 4

Flow: TypeAlias = "nx.DiGraph[str]"

WALK = """query ($root: ID!, $direction: LineageDirection!, $depth: Int, $kinds: [AssetKind!]) {
  lineage(roots: [$root], direction: $direction, maxDepth: $depth, filter: {kinds: $kinds}, first: 500) {
    nodes { nodes { depth asset { id kind } } } completeness { state reason } } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over all events and the registry."""
    for folder in EVENTS:
        await api.load(*_jobs(folder))
    await api.load(*_registry())
    return api


def _foreign(kind: str, key: str) -> str:
    namespace, _, name = key.partition("|")
    return make_urn(kind, "openlineage", namespace, name)


def _jobs(folder: str) -> list[dict[str, Any]]:
    """Return one workflow item per job, with the inputs and outputs of all events of its runs."""
    ends: dict[str, dict[str, set[str]]] = defaultdict(lambda: {"inputs": set(), "outputs": set()})
    for line in (DATA / "openlineage" / folder / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        job = ends[f"{event['job']['namespace']}|{event['job']['name']}"]
        for side, found in job.items():
            found |= {f"{each['namespace']}|{each['name']}" for each in event.get(side) or ()}
    return [
        {"workflow": {"id": _foreign("workflow", job)} | {
            side: [_foreign("dataset", key) for key in sorted(found)] for side, found in sides.items()
        }}
        for job, sides in ends.items()
    ]  # fmt: skip


def _made_of() -> dict[str, Any]:
    """Return the constants of the registry script: data sets, runs and models; the script itself needs MLflow."""
    tree = ast.parse((DATA / "mlflow" / "make_registry.py").read_text())
    plain = ast.Module([node for node in tree.body if isinstance(node, ast.Assign)], [])
    found: dict[str, Any] = {}
    exec(compile(plain, "make_registry", "exec"), found)  # noqa: S102 - constants of a file beside this one
    return found


def _digest(data: str, digest: str) -> str:
    return make_urn("dataset-version", "mlflow", "", data, digest)


def _run(name: str) -> str:
    return make_urn("run", "mlflow", "", name)


def _version(model: str, number: int) -> str:
    return make_urn("model-version", "mlflow", "", model, str(number))


def _registry() -> list[dict[str, Any]]:
    made = _made_of()
    runs = [
        {"run": {"id": _run(name), "state": "COMPLETE" if status == "FINISHED" else "FAIL",
                 "inputs": [_digest(data, made["DATASETS"][data][at]) for data, at, _ in inputs]}}
        for _, name, status, inputs, _, _, _ in made["RUNS"]
    ]  # fmt: skip
    versions = [
        {"modelVersion": {"id": _version(model, number), **({"trainingRun": _run(run)} if run else {})}}
        for model, (_, _, numbered, _) in made["MODELS"].items()
        for number, (run, _) in enumerate(numbered, 1)
    ]
    return runs + versions


ASKED = {
    *(_foreign("dataset", dataset) for found in EVENTS.values() for dataset in found["lineage"]),
    *(_version(each["model"], each["version"]) for each in REGISTRY["versions"]),
}


@pytest.fixture(scope="module")
def flow() -> Flow:
    """Return the lineage graph of the events and the registry, in our ids."""
    found: Flow = nx.DiGraph()
    for folder in EVENTS:
        for item in _jobs(folder):
            job = item["workflow"]
            found.add_edges_from((data, job["id"]) for data in job["inputs"])
            found.add_edges_from((job["id"], data) for data in job["outputs"])
    for item in _registry():
        if run := item.get("run"):
            found.add_edges_from((digest, run["id"]) for digest in run["inputs"])
        else:
            version = item["modelVersion"]
            found.add_node(version["id"])
            found.add_edges_from((run, version["id"]) for run in (version.get("trainingRun"),) if run)
    return found


@pytest.fixture(scope="module")
async def hidden(api: Api, flow: Flow) -> set[str]:
    """Make every fourth node that is no root of a test team-only, and return the ids of these."""
    several = set(sorted(set(flow) - ASKED)[::EVERY_HIDDEN])
    await api.load(*(team_only(urn) for urn in sorted(several)))
    return several


async def _ask(api: Api, who: str, root: str, direction: str, *kinds: str, depth: int = 50) -> dict[str, Any]:
    requested = {"root": root, "direction": direction.upper(), "kinds": kinds, "depth": depth}
    found: dict[str, Any] = (await api.ask(who, WALK, **requested))["lineage"]
    return found


async def _walk(api: Api, root: str, direction: str, *kinds: str, depth: int = 50) -> dict[str, int]:
    found = await _ask(api, "root", root, direction, *kinds, depth=depth)
    if depth == 50:
        assert found["completeness"] == {"state": "COMPLETE", "reason": None}
    return {node["asset"]["id"]: node["depth"] for node in found["nodes"]["nodes"] if node["depth"]}


@pytest.mark.parametrize("direction", ["upstream", "downstream"])
@pytest.mark.parametrize(
    ("folder", "dataset"), [(folder, key) for folder, found in EVENTS.items() for key in found["lineage"]]
)
async def test_lineage_of_recorded_events(api: Api, folder: str, dataset: str, direction: str) -> None:
    """The datasets and jobs upstream and downstream of a dataset equal those computed from the events."""
    expected = EVENTS[folder]["lineage"][dataset][direction]
    found = await _walk(api, _foreign("dataset", dataset), direction)
    assert set(found) == {_foreign("dataset", key) for key in expected["datasets"]} | {
        _foreign("workflow", key) for key in expected["jobs"]
    }
    jobs = await _walk(api, _foreign("dataset", dataset), direction, "WORKFLOW")
    assert set(jobs) == {_foreign("workflow", key) for key in expected["jobs"]}


@pytest.mark.parametrize("version", REGISTRY["versions"], ids=lambda each: f"{each['model']} {each['version']}")
async def test_upstream_of_a_registered_version(api: Api, version: dict[str, Any]) -> None:
    """Upstream of a version are its run at depth 1 and the digests that the run read at depth 2."""
    found = await _walk(api, _version(version["model"], version["version"]), "upstream")
    run = {_run(version["run"]): 1} if version["run"] else {}
    assert found == run | {_digest(data, digest): 2 for data, digest, _ in version["datasets"]}


@pytest.mark.parametrize("digest", REGISTRY["runs_by_dataset_digest"])
async def test_runs_that_read_a_digest(api: Api, digest: str) -> None:
    """At depth 1 downstream of a digest are exactly the runs that read it, not those of sibling digests."""
    data, _, name = digest.rpartition("@")
    found = await _walk(api, _digest(data, name), "downstream", depth=1)
    assert found == {_run(run): 1 for run in REGISTRY["runs_by_dataset_digest"][digest]}


@pytest.mark.parametrize("model", REGISTRY["champion_training_data"])
async def test_edges_of_all_versions_count_for_their_model(api: Api, model: str) -> None:
    """Upstream of a model are the runs and digests of all its versions, at the same depths."""
    versions = [each for each in REGISTRY["versions"] if each["model"] == model]
    read = {_digest(data, digest): 2 for each in versions for data, digest, _ in each["datasets"]}
    runs = {_run(each["run"]): 1 for each in versions if each["run"]}
    assert await _walk(api, make_urn("model", "mlflow", "", model), "upstream") == read | runs


@pytest.mark.parametrize(("root", "direction"), [*product(sorted(ASKED), ["upstream", "downstream"])])
async def test_lineage_excludes_nodes_behind_hidden_ones(
    api: Api, flow: Flow, hidden: set[str], root: str, direction: str
) -> None:
    """Bo gets the nodes that are reachable without hidden nodes, at those distances, and completeness PARTIAL."""
    route = flow if direction == "downstream" else flow.reverse()
    left = route.subgraph(set(route) - hidden)
    expected = nx.single_source_shortest_path_length(left, root)
    met = {far for near in expected for far in route.successors(near)} & hidden
    found = await _ask(api, "bo", root, direction)
    assert {node["asset"]["id"]: node["depth"] for node in found["nodes"]["nodes"]} == expected
    state, reason = ("PARTIAL", "POLICY") if met else ("COMPLETE", None)
    assert found["completeness"] == {"state": state, "reason": reason}


@pytest.mark.parametrize("dataset", sorted({key for found in EVENTS.values() for key in found["lineage"]}))
def test_the_expected_graph_equals_the_computed_closures(flow: Flow, dataset: str) -> None:
    """The graph that the test reads, before nodes are hidden, has the closures that the script computed."""
    for expected in (found["lineage"][dataset] for found in EVENTS.values() if dataset in found["lineage"]):
        root = _foreign("dataset", dataset)
        for direction, reached in (("upstream", nx.ancestors), ("downstream", nx.descendants)):
            datasets, jobs = expected[direction]["datasets"], expected[direction]["jobs"]
            ours = {*(_foreign("dataset", key) for key in datasets), *(_foreign("workflow", key) for key in jobs)}
            assert reached(flow, root) == ours
