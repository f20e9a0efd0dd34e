"""Walks along lineage on a small estate, whose answers were written by hand from ADR 0010."""

from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from policies.disclosure import Disclosure

ROOT = "mlg://{}/t/default/{}"


def urn(kind: str, name: str) -> str:
    """An id of this estate."""
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
    """The answer of a walk as root."""
    data = await api.ask("root", WALK, roots=roots, direction=direction, **more)
    return data["lineage"]


def depths(known_response: Any) -> dict[str, int]:
    """The depth of each node."""
    return {node["asset"]["id"]: node["depth"] for node in known_response["nodes"]["nodes"]}


async def test_a_walk_downstream_finds_everything_with_its_depth(api: Api) -> None:
    """What comes from the raw data is found, each at its least distance, and the answer is complete."""
    known_response = await walk(api, RAW, depth=20)
    assert depths(known_response) == {
        RAW: 0, CLEAN: 1, RUN: 2, V2: 2, V1: 3, DEPLOYMENT: 4, SERVICE: 5, CELL: 5, CALLER: 6, EXPERIMENT: 6
    }  # fmt: skip
    assert known_response["completeness"]["state"] == "COMPLETE"
    assert len(known_response["edges"]) == 9


async def test_siblings_never_meet(api: Api) -> None:
    """What comes from one version is not what comes from another; who asks about the model gets both."""
    assert set(depths(await walk(api, V2, depth=9))) == {V2}
    assert {DEPLOYMENT, SERVICE} < set(depths(await walk(api, MODEL, depth=9)))
    assert depths(await walk(api, V2, direction="UPSTREAM", depth=9)) == {V2: 0, CLEAN: 1, RAW: 2}


async def test_a_counterpart_shows_where_its_edge_was_followed(api: Api) -> None:
    """A model speaks for its versions and the other way round, as a node of the same depth when it led on."""
    assert depths(await walk(api, MODEL, direction="UPSTREAM", depth=1)) == {MODEL: 0, V1: 0, V2: 0, CLEAN: 1, RUN: 1}


async def test_a_filtered_kind_is_passed_through(api: Api) -> None:
    """Kinds that are left out are no wall, and edges to them are not shown; relations that are left out are one."""
    services = await walk(api, RAW, depth=9, filter={"kinds": ["SERVICE"]})
    assert depths(services) == {SERVICE: 5, CALLER: 6}
    assert [(edge["from"], edge["to"]) for edge in services["edges"]] == [(SERVICE, CALLER)]
    assert set(depths(await walk(api, RAW, depth=9, filter={"relations": ["DERIVES"]}))) == {RAW, CLEAN}
    assert set(depths(await walk(api, RAW, depth=9, filter={"relations": ["VERSION_OF"]}))) == {RAW}


async def test_pages_concatenate_with_their_edges(api: Api) -> None:
    """Pages of two give the same nodes as one page, and the last of them all edges."""
    known_parent = await walk(api, RAW, depth=9)
    nodes, after = [], None
    while True:
        page = await walk(api, RAW, depth=9, first=2, after=after)
        nodes += page["nodes"]["nodes"]
        after = page["nodes"]["pageInfo"]["endCursor"]
        if not page["nodes"]["pageInfo"]["hasNextPage"]:
            break
    assert nodes == known_parent["nodes"]["nodes"]
    assert page["edges"] == known_parent["edges"]


async def test_a_walk_makes_one_request_a_level(api: Api) -> None:
    """Seven levels are seven requests, those of roots and of the last look among them; what is below is one more."""
    await api.recomputed()
    ask = {"roots": [RAW], "direction": "DOWNSTREAM", "depth": 20}
    assert await api.count("root", WALK, **ask) == 7
    assert await api.count("root", WALK, **{**ask, "depth": 2}) == 3
    owners = WALK.replace("asset { id }", "asset { id upstream { nodes { asset { id } } } }")
    assert await api.count("root", owners, **ask) == 8


async def test_roots_that_are_not_there_are_named(api: Api) -> None:
    """What is unknown, or no asset, is among the unknown roots; no root at all is refused with what to do."""
    team = "mlg://team/catalog/default/none"
    known_response = await walk(api, RAW, f"{RAW}-not", team)
    assert known_response["unknownRoots"] == [f"{RAW}-not", team]
    (error,) = (await api.send("root", WALK, roots=[], direction="UPSTREAM"))["errors"]
    assert (error["extensions"]["code"], "the id of at least one" in error["message"]) == ("INVALID", True)


async def test_an_operation_reads_at_one_instant(api: Api) -> None:
    """Two instants in one operation are refused, wherever they stand; who asks is about none."""
    past, then = '(id: $id, asOf: "2026-01-01T00:00:00Z")', '(id: $id, asOf: "2026-02-01T00:00:00Z")'
    spread = "...F } fragment F on Query { nodes(ids: [$id]) { id }"
    for other in (f"asset{then} {{ id }}", "asset(id: $id) { id }", spread, "tags { nodes { id } }"):
        query = f"query ($id: ID!) {{ node{past} {{ id }} {other} }}"
        errors = (await api.send("root", query, id=RAW))["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"INVALID"}
    both = f"query ($id: ID!) {{ viewer {{ subject }} a: asset{past} {{ id }} b: node{past} {{ id }} }}"
    assert await api.ask("root", both, id=RAW) == {"viewer": {"subject": "root"}, "a": None, "b": None}


@pytest.mark.parametrize("budget", [("MLG_WALK_NODES", "NODES", 4), ("MLG_WALK_SECONDS", "TIME", 1)])
async def test_a_budget_that_ends_is_named(
    module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, api: Api, budget: tuple[str, str, int]
) -> None:
    """A walk that is cut says by what, and what it has found is the nearest part of the whole."""
    setting, reason, least = budget
    known_parent = depths(await walk(api, RAW, depth=9))
    given: Any = {setting: "4" if setting == "MLG_WALK_NODES" else "0"}
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), **given) as bounded:
        known_response = await walk(bounded, RAW, depth=9)
    assert (known_response["completeness"]["state"], known_response["completeness"]["reason"]) == ("TRUNCATED", reason)
    found = depths(known_response)
    assert found.items() <= known_parent.items()
    assert len(found) == least
    assert max(found.values()) <= min(depth for urn, depth in known_parent.items() if urn not in found)


@pytest.mark.parametrize("disclosure", Disclosure)
async def test_what_is_hidden_is_told_as_the_policy_says(api: Api, disclosure: Disclosure) -> None:
    """Behind something hidden nothing is shown, and the answer says nothing, that, or how much, by the setting."""
    await api.load({"dataset": {"id": SHUT, "visibility": "TEAM", "derivedFrom": [RAW], "owners": [{"owner": RISK}]}})
    await api.load({"dataset": {"id": BEHIND, "derivedFrom": [SHUT]}})
    was, api.contexts.disclosure = api.contexts.disclosure, disclosure
    try:
        known_response = (await api.ask("bo", WALK, roots=[RAW], direction="DOWNSTREAM", depth=1))["lineage"]
        beyond = (await api.ask("bo", WALK, roots=[RAW], direction="DOWNSTREAM", depth=0))["lineage"]
    finally:
        api.contexts.disclosure = was
    assert set(depths(known_response)) == {RAW, CLEAN}
    stated = known_response["completeness"]
    policy = {"none": "DEPTH", "flag": "DEPTH, POLICY", "count": "DEPTH, POLICY"}[disclosure]
    assert (stated["reason"], stated["hidden"]) == (policy, 1 if disclosure is Disclosure.COUNT else None)
    assert beyond["completeness"]["reason"] == "DEPTH"
    assert {SHUT, BEHIND} < set(depths(await walk(api, RAW)))


async def test_paths_lead_to_a_deleted_end_as_they_lead_from_one(api: Api) -> None:
    """Its whole speaks for a deleted version that is named: data that flows into the model flows into the version."""
    model, gone = urn("model", "old"), urn("model-version", "old@1")
    await api.load({"modelVersion": {"id": gone}}, {"model": {"id": model, "inputs": [RAW]}})
    await api.ask("root", "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { asset { id } } }", id=gone)
    requested = "query ($start: ID!, $end: ID!) { paths(from: $start, to: $end) { paths { length nodes { id } } } }"
    assert (await api.ask("root", requested, start=RAW, end=gone))["paths"]["paths"] == [
        {"length": 1, "nodes": [{"id": RAW}, {"id": model}, {"id": gone}]}
    ]
    upstream = await walk(api, gone, direction="UPSTREAM", depth=9)
    assert depths(upstream) == {gone: 0, model: 0, RAW: 1}


async def test_a_path_over_a_free_step_where_both_searches_meet(api: Api) -> None:
    """The middle of a path may be a set that was reached from its start, and a feature of it from its end."""
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


async def test_paths_between_what_was_deleted(api: Api) -> None:
    """Both ends of a path are named by their ids and stand: the edge between them is found as it is when they live."""
    start, end = urn("dataset", "before"), urn("dataset", "after")
    await api.load({"dataset": {"id": start}}, {"dataset": {"id": end, "derivedFrom": [start]}})
    requested = "query ($start: ID!, $end: ID!) { paths(from: $start, to: $end) { paths { length } unknownRoots } }"
    alive = await api.ask("root", requested, start=start, end=end)
    for each in (end, start):
        await api.ask("root", "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { asset { id } } }", id=each)
    assert alive == {"paths": {"paths": [{"length": 1}], "unknownRoots": []}}
    assert await api.ask("root", requested, start=start, end=end) == alive
