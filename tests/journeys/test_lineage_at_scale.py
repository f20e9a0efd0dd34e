"""Store requests of lineage queries: one for the roots and one per level for every persona, bounded path search."""

from itertools import pairwise, product
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.servers.in_process import Api
from support.stores.received_rows import received_rows

from app.graph.reading.lineage.walk_budget import WalkLimits
from graphql_schema.lineage import traversal

LAYERS, WIDTH = 12, 10
CONSUMERS = 1_000
CHAIN = 6
TEAM = "mlg://team/catalog/default/ranking"
PERSONAS = ["root", "cy", "ada", "bo", "eli", "ci-ranking", "guest"]

WALK = """query ($roots: [ID!]!, $direction: LineageDirection!, $depth: Int) {
  lineage(roots: $roots, direction: $direction, maxDepth: $depth) {
    nodes { nodes { depth asset { id } } } edges { from to } completeness { state depthReached } } }"""
DEEPER = """query ($roots: [ID!]!) { lineage(roots: $roots, direction: DOWNSTREAM, maxDepth: 20) {
  nodes { nodes { asset { owners { owner { ... on Team { displayName } } } } } } } }"""
IMPACT = """query ($roots: [ID!]!) {
  impact(roots: $roots) { total countsByDepth completeness { depthReached reason } } }"""
PATHS = """query ($from: ID!, $to: ID!, $most: Int, $longest: Int) {
  paths(from: $from, to: $to, maxPaths: $most, maxLength: $longest) {
    paths { length nodes { id } edges { relation } } completeness { state reason } } }"""


def urn(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/scale/{name}"


def dataset(name: str, *sources: str) -> dict[str, Any]:
    """Return the item of a dataset derived from ``sources``."""
    return {"dataset": {"id": urn(name), "derivedFrom": [urn(each) for each in sources]}}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a lattice, a hub with many consumers that are versions of one dataset, and a chain."""
    layers = [[f"layer{layer:02}-{number}" for number in range(WIDTH)] for layer in range(LAYERS)]
    lattice = [dataset("first"), *(dataset(name, "first") for name in layers[0])]
    lattice += [dataset(name, *layers[at]) for at, layer in enumerate(layers[1:]) for name in layer]
    versions = [
        {"datasetVersion": {"id": f"mlg://dataset-version/test/scale/big@{number}", "derivedFrom": [urn("hub")]}}
        for number in range(CONSUMERS)
    ]
    chain = [dataset("chain0"), *(dataset(f"chain{number}", f"chain{number - 1}") for number in range(1, CHAIN))]
    owned = [{"dataset": {"id": urn(f"chain{number}"), "owners": [{"owner": TEAM}]}} for number in range(CHAIN)]
    api.tokens["guest"] = token(api, "guest")
    await api.load(*lattice, dataset("last", *layers[-1]))
    await api.load(dataset("before"), dataset("hub", "before"), *versions, dataset("beside", "big"))
    await api.load({"team": {"name": "ranking"}}, *chain)
    await api.load(*owned)
    return api


async def test_few_of_a_trillion_paths_are_found_without_enumeration(api: Api) -> None:
    """The first five of 10^12 shortest paths, ordered by ids, take at most three requests more than layers."""
    ends = {"from": urn("first"), "to": urn("last"), "longest": LAYERS + 1}
    found = (await api.ask("root", PATHS, most=5, **ends))["paths"]
    middle = [[f"layer{layer:02}-0" for layer in range(LAYERS - 1)] + [f"layer{LAYERS - 1:02}-{at}"] for at in range(5)]
    assert [[node["id"] for node in path["nodes"]] for path in found["paths"]] == [
        [urn(name) for name in ("first", *names, "last")] for names in middle
    ]
    assert [(path["length"], len(path["edges"])) for path in found["paths"]] == [(LAYERS + 1, LAYERS + 1)] * 5
    assert found["completeness"]["state"] == "TRUNCATED"
    assert await api.count("root", PATHS, most=5, **ends) <= LAYERS + 3


async def test_the_maximal_number_of_paths_is_found(api: Api) -> None:
    """A request for 50 paths returns the first 50, ordered by ids."""
    ends = {"from": urn("first"), "to": urn("last"), "longest": 50}
    found = (await api.ask("root", PATHS, most=50, **ends))["paths"]
    routes = [("0", *at) for at in product("01234", "0123456789")]
    assert [[node["id"][-1] for node in path["nodes"][-4:-1]] for path in found["paths"]] == [
        list(route) for route in routes
    ]


async def test_a_path_over_the_maximal_length_is_not_found(api: Api) -> None:
    """With `maxLength` one below the shortest path no path is found, and the reason is DEPTH."""
    ends = {"from": urn("first"), "to": urn("last"), "longest": LAYERS}
    found = (await api.ask("root", PATHS, most=5, **ends))["paths"]
    assert found == {"paths": [], "completeness": {"state": "TRUNCATED", "reason": "DEPTH"}}


async def test_path_searches_of_one_operation_share_a_step_budget(api: Api) -> None:
    """Five searches in a cyclic graph share one step budget: one finds its path, and all have the reason STEPS."""
    names = [f"round{number}" for number in range(12)]
    await api.load(*(dataset(name, "in", *(each for each in names if each != name)) for name in names))
    await api.load(dataset("in", *names), dataset("out", "in"))
    ends = f'from: "{urn("in")}", to: "{urn("out")}"'
    searches = (
        f"p{number}: paths({ends}, maxLength: {15 + number}) {{ paths {{ length }} completeness {{ reason }} }}"
        for number in range(5)  # equal searches would be one
    )
    found = await api.ask("root", "{" + " ".join(searches) + "}")
    assert [each["completeness"]["reason"] for each in found.values()] == ["STEPS"] * 5
    assert sorted(len(each["paths"]) for each in found.values()) == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("query", [PATHS, IMPACT], ids=["paths", "impact"])
async def test_the_number_of_traversed_edges_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    """Impact and paths end when the operation has traversed its budget of edges, with the reason EDGES."""
    monkeypatch.setattr(api.contexts, "walk_limits", WalkLimits(edges=3 * WIDTH * WIDTH))
    ends = {"from": urn("first"), "to": urn("last"), "longest": LAYERS + 1}
    found = await api.ask("root", query, **(ends if query == PATHS else {"roots": [urn("first")]}))
    ((_, response),) = found.items()
    assert response["completeness"]["reason"] == "EDGES"


async def test_upstream_lineage_does_not_read_the_consumers_of_a_hub(api: Api) -> None:
    """The lineage of one of 1,000 consumers of a hub does not read the others: the store sends few values."""
    with received_rows(api.client) as rows:
        consumer = "mlg://dataset-version/test/scale/big@7"
        up = (await api.ask("root", WALK, roots=[consumer], direction="UPSTREAM", depth=20))["lineage"]
        down = (await api.ask("root", WALK, roots=[consumer], direction="DOWNSTREAM", depth=20))["lineage"]
    assert [(node["asset"]["id"], node["depth"]) for node in up["nodes"]["nodes"]] == [
        (consumer, 0), (urn("hub"), 1), (urn("before"), 2)
    ]  # fmt: skip
    assert [(node["asset"]["id"], node["depth"]) for node in down["nodes"]["nodes"]] == [
        (consumer, 0), (urn("big"), 0), (urn("beside"), 1)
    ]  # fmt: skip
    assert sum(rows.values) < CONSUMERS / 10, rows.values


@pytest.mark.parametrize("who", PERSONAS)
@pytest.mark.parametrize(("depth", "requests"), [(0, 2), (1, 3), (3, 5), (20, CHAIN + 1)])
async def test_lineage_takes_one_request_per_level(api: Api, who: str, depth: int, requests: int) -> None:
    """Lineage takes one request for the roots, one per level, and one for the last empty level."""
    requested = {"roots": [urn("chain0")], "direction": "DOWNSTREAM", "depth": depth}
    found = (await api.ask(who, WALK, **requested))["lineage"]
    assert found["completeness"]["depthReached"] == min(depth, CHAIN - 1)
    assert await api.count(who, WALK, **requested) == requests


@pytest.mark.parametrize("who", PERSONAS)
async def test_nested_fields_of_nodes_take_one_request(api: Api, who: str) -> None:
    """The owners of all nodes take one request more; impact takes as many requests as lineage."""
    assert await api.count(who, DEEPER, roots=[urn("chain0")]) == CHAIN + 2
    assert await api.count(who, IMPACT, roots=[urn("chain0")]) == CHAIN + 1


@pytest.mark.parametrize("who", ["root", "bo"])
async def test_several_roots_share_their_requests(api: Api, who: str) -> None:
    """Several roots of one field, and several lineage fields of one query, share one request per level."""
    roots = [urn(f"chain{number}") for number in range(CHAIN)]
    requested = {"roots": roots, "direction": "DOWNSTREAM", "depth": 20}
    assert await api.count(who, WALK, **requested) == 2
    one = "lineage(roots: [$root], direction: %s, maxDepth: 20) { nodes { nodes { depth } } }"
    both = f"query ($root: ID!) {{ a: {one % 'UPSTREAM'} b: {one % 'DOWNSTREAM'} }}"
    assert await api.count(who, both, root=urn("chain2")) == CHAIN - 1


PAGE = """query ($roots: [ID!]!, $first: Int, $after: Cursor) {
  lineage(roots: $roots, direction: DOWNSTREAM, maxDepth: 20, first: $first, after: $after) {
    nodes { nodes { asset { id } } pageInfo { hasNextPage endCursor } } edges { from to } } }"""


async def test_a_walk_with_more_edges_than_a_page_may_have_is_read_in_pages(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages list each edge of a lattice once, on the page of its later end, when one page cannot list them all."""
    between = 2 * WIDTH + (LAYERS - 1) * WIDTH**2
    monkeypatch.setattr(traversal, "MAX_PAGE_EDGES", between // 2)
    (error,) = (await api.send("root", PAGE, roots=[urn("first")], first=500))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("LIMIT_EXCEEDED", between // 2)
    names, edges, after = list[str](), list[tuple[str, str]](), None
    while True:
        page = (await api.ask("root", PAGE, roots=[urn("first")], first=2 * WIDTH, after=after))["lineage"]
        here = [node["asset"]["id"] for node in page["nodes"]["nodes"]]
        names += here
        added = [(edge["from"], edge["to"]) for edge in page["edges"]]
        assert all({*ends} & {*here} and {*ends} <= {*names} for ends in added)
        edges += added
        if not page["nodes"]["pageInfo"]["hasNextPage"]:
            break
        after = page["nodes"]["pageInfo"]["endCursor"]
    layers = [[f"layer{layer:02}-{number}" for number in range(WIDTH)] for layer in range(LAYERS)]
    expected = [each for near, far in pairwise([["first"], *layers, ["last"]]) for each in product(near, far)]
    assert sorted(edges) == sorted((urn(near), urn(far)) for near, far in expected)
    assert len(edges) == between
