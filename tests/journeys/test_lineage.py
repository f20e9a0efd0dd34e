"""Lineage queries on a small estate; the expected results were derived by hand from ADR 0010."""

from itertools import pairwise
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from policies.installation.disclosure import Disclosure

ROOT = "mlg://{}/t/default/{}"


def urn(kind: str, name: str) -> str:
    """Return an id of this estate."""
    return ROOT.format(kind, name)


RAW, CLEAN = urn("dataset", "raw"), urn("dataset", "clean")
RUN = urn("run", "train")
MODEL, V1, V2 = urn("model", "ranker"), urn("model-version", "ranker@1"), urn("model-version", "ranker@2")
DEPLOYMENT, SERVICE, CALLER = urn("deployment", "canary"), urn("service", "search"), urn("service", "app")
SHUT, BEHIND, RISK = urn("dataset", "shut"), urn("dataset", "behind"), "mlg://team/catalog/default/risk"
CELL, EXPERIMENT = urn("experiment-cell", "b"), urn("experiment", "ctr")
WALK = """query ($roots: [ID!]!, $direction: LineageDirection!, $depth: Int, $filter: LineageFilter, $asOf: DateTime,
  $first: Int, $after: Cursor) {
  lineage(roots: $roots, direction: $direction, maxDepth: $depth, filter: $filter, asOf: $asOf, first: $first,
    after: $after) {
    nodes { nodes { depth asset { id } } pageInfo { hasNextPage endCursor } totalCount }
    edges { from to relation origin }
    countsByKind { kind count }
    completeness { state reason visited depthReached hidden asOf }
    unknownRoots
  }
}"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over the estate."""
    await api.load(
        {"dataset": {"id": RAW}},
        {"dataset": {"id": CLEAN, "derivedFrom": [RAW]}},
        {"run": {"id": RUN, "state": "COMPLETE", "inputs": [CLEAN], "outputs": [V1]}},
        {"modelVersion": {"id": V2, "trainedOn": [CLEAN]}},
        {"service": {"id": SERVICE}},
        {"service": {"id": CALLER, "calls": [SERVICE]}},
        {"deployment": {"id": DEPLOYMENT, "modelVersion": V1, "service": SERVICE, "status": "ACTIVE"}},
        {"experiment": {"id": EXPERIMENT}},
        {"experimentCell": {"id": CELL, "experiment": EXPERIMENT, "subjects": [DEPLOYMENT]}},
    )
    return api


async def walk(api: Api, *roots: str, direction: str = "DOWNSTREAM", **more: Any) -> Any:
    """Return the result of a lineage query by root."""
    data = await api.ask("root", WALK, roots=roots, direction=direction, **more)
    return data["lineage"]


def depths(response: Any) -> dict[str, int]:
    """Return the depth of each node by id."""
    return {node["asset"]["id"]: node["depth"] for node in response["nodes"]["nodes"]}


async def test_downstream_lineage_is_complete_with_depths(api: Api) -> None:
    """Everything downstream of the raw data is returned at its shortest distance, and the result is COMPLETE."""
    response = await walk(api, RAW, depth=20)
    assert depths(response) == {
        RAW: 0, CLEAN: 1, RUN: 2, V2: 2, V1: 3, DEPLOYMENT: 4, SERVICE: 5, CELL: 5, CALLER: 6, EXPERIMENT: 6
    }  # fmt: skip
    assert response["completeness"]["state"] == "COMPLETE"
    assert len(response["edges"]) == 9


async def test_six_levels_of_downstream_are_one_query(api: Api) -> None:
    """A nested query reads a chain of seven datasets, level by level; wrappers of lists do not count as depth."""
    chain = [urn("dataset", f"step{number}") for number in range(7)]
    await api.load(
        {"dataset": {"id": chain[0]}},
        *({"dataset": {"id": far, "derivedFrom": [near]}} for near, far in pairwise(chain)),
    )
    query = (
        f'{{ asset(id: "{chain[0]}") {{ id ' + "downstream(first: 2) { nodes { asset { id " * 6 + "} } }" * 6 + "} }"
    )
    found, read = (await api.ask("root", query))["asset"], []
    while found:
        read.append(found["id"])
        nodes = found.get("downstream", {"nodes": []})["nodes"]
        found = nodes[0]["asset"] if nodes else None
    assert read == chain


async def test_the_lineage_of_a_version_excludes_its_siblings(api: Api) -> None:
    """The lineage of a version excludes that of its sibling; the lineage of the model includes both."""
    assert set(depths(await walk(api, V2, depth=9))) == {V2}
    assert {DEPLOYMENT, SERVICE} < set(depths(await walk(api, MODEL, depth=9)))
    assert depths(await walk(api, V2, direction="UPSTREAM", depth=9)) == {V2: 0, CLEAN: 1, RAW: 2}


async def test_group_members_with_followed_edges_have_the_same_depth(api: Api) -> None:
    """Edges of versions count for their model; a version whose edge was followed is a node of the model's depth."""
    assert depths(await walk(api, MODEL, direction="UPSTREAM", depth=1)) == {MODEL: 0, V1: 0, V2: 0, CLEAN: 1, RUN: 1}


async def test_filtered_kinds_are_traversed_and_filtered_relations_are_not(api: Api) -> None:
    """Excluded kinds are traversed without being returned; excluded relations are not traversed."""
    services = await walk(api, RAW, depth=9, filter={"kinds": ["SERVICE"]})
    assert depths(services) == {SERVICE: 5, CALLER: 6}
    assert [(edge["from"], edge["to"]) for edge in services["edges"]] == [(SERVICE, CALLER)]
    assert set(depths(await walk(api, RAW, depth=9, filter={"relations": ["DERIVES"]}))) == {RAW, CLEAN}
    assert set(depths(await walk(api, RAW, depth=9, filter={"relations": ["VERSION_OF"]}))) == {RAW}


async def test_pages_concatenate_with_their_edges(api: Api) -> None:
    """Pages of two nodes concatenate to the nodes and edges of one page; each edge is on the page of its later end."""
    complete = await walk(api, RAW, depth=9)
    nodes, edges, after = [], [], None
    while True:
        page = await walk(api, RAW, depth=9, first=2, after=after)
        nodes += page["nodes"]["nodes"]
        edges += page["edges"]
        here = {node["asset"]["id"] for node in page["nodes"]["nodes"]}
        assert all(here & {edge["from"], edge["to"]} for edge in page["edges"])
        after = page["nodes"]["pageInfo"]["endCursor"]
        if not page["nodes"]["pageInfo"]["hasNextPage"]:
            break
    assert nodes == complete["nodes"]["nodes"]
    assert edges == complete["edges"]


async def test_lineage_takes_one_request_per_level(api: Api) -> None:
    """Seven levels take seven store requests, the last empty level included; roots and nested fields take one each."""
    await api.wait_for_jobs()
    ask = {"roots": [RAW], "direction": "DOWNSTREAM", "depth": 20}
    assert await api.count("root", WALK, **ask) == 8
    assert await api.count("root", WALK, **{**ask, "depth": 2}) == 4
    owners = WALK.replace("asset { id }", "asset { id upstream { nodes { asset { id } } } }")
    assert await api.count("root", owners, **ask) == 9


async def test_unknown_roots_are_listed(api: Api) -> None:
    """Ids that do not exist or are no assets are listed in `unknownRoots`; an empty list of roots is INVALID."""
    team = "mlg://team/catalog/default/none"
    response = await walk(api, RAW, f"{RAW}-not", team)
    assert response["unknownRoots"] == [f"{RAW}-not", team]
    (error,) = (await api.send("root", WALK, roots=[], direction="UPSTREAM"))["errors"]
    assert (error["extensions"]["code"], "the id of at least one" in error["message"]) == ("INVALID", True)


async def test_an_operation_reads_at_one_instant(api: Api) -> None:
    """Fields of one operation with different values of `asOf` are INVALID; `viewer` has no instant."""
    past, then = '(id: $id, asOf: "2026-01-01T00:00:00Z")', '(id: $id, asOf: "2026-02-01T00:00:00Z")'
    spread = "...F } fragment F on Query { nodes(ids: [$id]) { id }"
    for other in (f"b: asset{then} {{ id }}", "node(id: $id) { id }", spread, "tags { nodes { id } }"):
        query = f"query ($id: ID!) {{ asset{past} {{ id }} {other} }}"
        errors = (await api.send("root", query, id=RAW))["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"INVALID"}
    both = f"query ($id: ID!) {{ viewer {{ subject }} a: asset{past} {{ id }} b: asset{past} {{ id }} }}"
    assert await api.ask("root", both, id=RAW) == {"viewer": {"subject": "root"}, "a": None, "b": None}


@pytest.mark.parametrize("budget", [("MLG_WALK_NODES", "NODES", 4), ("MLG_WALK_SECONDS", "TIME", 1)])
async def test_an_exhausted_budget_is_named(
    module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, api: Api, budget: tuple[str, str, int]
) -> None:
    """A lineage result cut by a budget names the budget, and has the nearest nodes of the complete result."""
    setting, reason, least = budget
    complete = depths(await walk(api, RAW, depth=9))
    given: Any = {setting: "4" if setting == "MLG_WALK_NODES" else "0"}
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), **given) as bounded:
        response = await walk(bounded, RAW, depth=9)
    assert (response["completeness"]["state"], response["completeness"]["reason"]) == ("TRUNCATED", reason)
    found = depths(response)
    assert found.items() <= complete.items()
    assert len(found) == least
    assert max(found.values()) <= min(depth for urn, depth in complete.items() if urn not in found)


async def test_a_path_search_ends_at_the_level_that_exceeds_the_node_limit(
    module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, api: Api
) -> None:
    """If the first levels of both ends exceed the limit, no further level is read, and the result names the budget."""
    start, end = urn("dataset", "wide-start"), urn("dataset", "wide-end")
    around = [urn("dataset", f"wide{number}") for number in range(6)]
    await api.load(*({"dataset": {"id": each, "derivedFrom": [start]}} for each in around[:3]))
    await api.load({"dataset": {"id": end, "derivedFrom": around[3:]}})
    requested = "query ($a: ID!, $b: ID!) { paths(from: $a, to: $b) { completeness { reason visited } } }"
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), MLG_WALK_NODES="4") as bounded:
        found = await bounded.ask("root", requested, a=start, b=end)
        assert found["paths"]["completeness"] == {"reason": "NODES", "visited": 8}
        assert await bounded.count("root", requested, a=start, b=end) == 2  # both ends, then their neighbours


@pytest.mark.parametrize("disclosure", Disclosure)
async def test_hidden_nodes_are_reported_as_the_policy_discloses(api: Api, disclosure: Disclosure) -> None:
    """Nothing behind a hidden node is returned; completeness reports nothing, a flag or a count, by the setting."""
    await api.load({"dataset": {"id": SHUT, "visibility": "TEAM", "derivedFrom": [RAW], "owners": [{"owner": RISK}]}})
    await api.load({"dataset": {"id": BEHIND, "derivedFrom": [SHUT]}})
    was, api.contexts.disclosure = api.contexts.disclosure, disclosure
    try:
        response = (await api.ask("bo", WALK, roots=[RAW], direction="DOWNSTREAM", depth=1))["lineage"]
        beyond = (await api.ask("bo", WALK, roots=[RAW], direction="DOWNSTREAM", depth=0))["lineage"]
    finally:
        api.contexts.disclosure = was
    assert set(depths(response)) == {RAW, CLEAN}
    stated = response["completeness"]
    policy = {"none": "DEPTH", "flag": "DEPTH, POLICY", "count": "DEPTH, POLICY"}[disclosure]
    assert (stated["reason"], stated["hidden"]) == (policy, 1 if disclosure is Disclosure.COUNT else None)
    assert beyond["completeness"]["reason"] == "DEPTH"
    assert {SHUT, BEHIND} < set(depths(await walk(api, RAW)))


async def test_a_path_to_a_deleted_version_leads_through_its_model(api: Api) -> None:
    """Edges of a model count for its deleted version, if the version is named as end of a path or as root."""
    model, gone = urn("model", "old"), urn("model-version", "old@1")
    await api.load({"modelVersion": {"id": gone}}, {"model": {"id": model, "inputs": [RAW]}})
    await api.ask("root", "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { asset { id } } }", id=gone)
    requested = "query ($start: ID!, $end: ID!) { paths(from: $start, to: $end) { paths { length nodes { id } } } }"
    assert (await api.ask("root", requested, start=RAW, end=gone))["paths"]["paths"] == [
        {"length": 1, "nodes": [{"id": RAW}, {"id": model}, {"id": gone}]}
    ]
    upstream = await walk(api, gone, direction="UPSTREAM", depth=9)
    assert depths(upstream) == {gone: 0, model: 0, RAW: 1}


async def test_both_searches_may_meet_inside_an_asset_group(api: Api) -> None:
    """A path is found when one search reaches a feature set and the other one a feature of the set."""
    start, end, between = urn("dataset", "orders"), urn("report", "weekly"), urn("dataset", "sums")
    several, one = urn("feature-set", "buyer"), urn("feature", "buyer.spend")
    await api.load(
        *({"dataset": {"id": urn("dataset", f"orders{number}"), "derivedFrom": [start]}} for number in range(3)),
        {"featureSet": {"id": several, "derivedFrom": [start], "features": [one]}},
        {"dataset": {"id": between, "derivedFrom": [one]}},
        {"report": {"id": end, "inputs": [between]}},
    )
    requested = "query ($start: ID!, $end: ID!) { paths(from: $start, to: $end, maxPaths: 1, maxLength: 3) {"
    found = await api.ask("root", f"{requested} paths {{ nodes {{ id }} }} }} }}", start=start, end=end)
    assert found["paths"]["paths"] == [{"nodes": [{"id": each} for each in (start, several, one, between, end)]}]


async def test_paths_between_deleted_assets_are_found(api: Api) -> None:
    """The path between two deleted assets, given by their ids, is the same as before their deletion."""
    start, end = urn("dataset", "before"), urn("dataset", "after")
    await api.load({"dataset": {"id": start}}, {"dataset": {"id": end, "derivedFrom": [start]}})
    requested = "query ($start: ID!, $end: ID!) { paths(from: $start, to: $end) { paths { length } unknownRoots } }"
    alive = await api.ask("root", requested, start=start, end=end)
    for each in (end, start):
        await api.ask("root", "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { asset { id } } }", id=each)
    assert alive == {"paths": {"paths": [{"length": 1}], "unknownRoots": []}}
    assert await api.ask("root", requested, start=start, end=end) == alive
