"""Side channels of a lineage walk beside its nodes: budgets, instants and relations of what is hidden."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from support.servers.in_process import Api

from graphql_schema.catalog.relations import LINEAGE
from policies.installation.disclosure import Disclosure

TEAM = [{"owner": "mlg://team/catalog/default/risk"}]


def urn(name: str) -> str:
    """Return an id of this estate."""
    return f"mlg://dataset/t/default/{name}"


SCENE = """total levels { level count } elements { level gaps asset { id } } groups { key count gaps innerEdges }
  edges { from to count } upstream { state reason visited } downstream { state reason visited }"""
STATE = "{ total upstream { state reason visited } downstream { state reason visited } }"
DIFF = f"nodes {{ key before {{ id }} after {{ id }} }} nodeCounts {{ same }} from {STATE} to {STATE}"
THEN = '{asOf: "2022-06-01T00:00:00Z"}'
QUESTIONS = {
    "diff": f"lineageDiff(roots: [$id], from: {THEN}, to: {{}}, direction: BOTH) {{ {DIFF} }}",
    "scene": f"scene(roots: [$id], openLevels: 0) {{ {SCENE} }}",
    "lineage": "lineage(roots: [$id], direction: DOWNSTREAM) { completeness { state reason visited } edges { id } }",
    "impact": "impact(roots: [$id]) { total completeness { state reason visited } }",
    "paths": "paths(from: $id, to: $open) { paths { length } completeness { state reason visited } }",
    "back": "paths(from: $open, to: $id) { paths { length } completeness { state reason visited } }",
}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a visible root, a hidden child older than it declares, and eight children of that child."""
    since = "2022-01-01T00:00:00Z"
    shut = {"visibility": "TEAM", "owners": TEAM, "sourceCreatedAt": "2021-01-01T00:00:00Z"}
    await api.load(
        {"dataset": {"id": urn("root"), "sourceCreatedAt": "2018-01-01T00:00:00Z"}},
        {"dataset": {"id": urn("hub"), **shut}},
        {
            "link": {
                "relation": "DERIVES",
                "from": urn("root"),
                "to": urn("hub"),
                "validFrom": since,
            }
        },
        *({"dataset": {"id": urn(f"child{number}"), "derivedFrom": [urn("hub")], **shut}} for number in range(8)),
    )
    return api


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("cap", [2, 6, 8, 9, 50])
async def test_no_budget_discloses_a_hidden_hub(
    api: Api, monkeypatch: pytest.MonkeyPatch, question: str, cap: int
) -> None:
    """At every cap on edges per request, a hidden root is answered like an unknown one.

    Visible roots beside it are unaffected.
    """
    monkeypatch.setattr("app.graph.reading.level.level_batcher.EDGE_CAP", cap)
    monkeypatch.setattr(api.contexts, "disclosure", Disclosure.NONE)
    query = f"query ($id: ID!, $open: ID!) {{ {QUESTIONS[question]} nodes(ids: [$open]) {{ id }} }}"
    hidden, unknown = [await api.ask("bo", query, id=urn(name), open=urn("child-not")) for name in ("hub", "none")]
    assert hidden == unknown


async def test_no_instant_discloses_when_a_hidden_asset_was_created(api: Api) -> None:
    """A hidden node is reported at every instant or at none; otherwise a caller could probe for its creation time."""
    query = """query ($id: ID!, $at: DateTime) { lineage(roots: [$id], direction: DOWNSTREAM, maxDepth: 1, asOf: $at) {
      completeness { state reason } } }"""
    years = ("2019", "2020", "2021", "2022", "2023")
    stated: list[Any] = [await api.ask("bo", query, id=urn("root"), at=f"{year}-06-01T00:00:00Z") for year in years]
    assert {each["lineage"]["completeness"]["reason"] for each in stated} == {"POLICY"}
    (observed,) = (await api.ask("root", query, id=urn("root"), at="2021-06-01T00:00:00Z")).values()
    assert observed["completeness"]["state"] == "COMPLETE"


DRAFT = {"stage": "DRAFT", "owners": TEAM}
BETWEEN = """query ($root: ID!, $draft: ID!, $open: ID!) { there: paths(from: $root, to: $draft) { ...found }
  on: paths(from: $draft, to: $open) { ...found }
  itself: paths(from: $draft, to: $draft) { ...found } back: paths(from: $draft, to: $root) { ...found } }
  fragment found on LineagePaths { paths { length nodes { id } }
    completeness { state reason visited depthReached hidden } }"""


async def _between(api: Api, name: str, *, has_edges: bool) -> Any:
    """Return the answers about paths to a draft at the end of a chain, and from there, without the name of the estate.

    With ``has_edges``, the draft has edges from and to an open asset, a hidden one and another draft.
    """
    root, first, second, draft, open_ = (urn(f"{name}{each}") for each in ("root", "first", "second", "draft", "open"))
    sides = {"open": {}, "hidden": {"visibility": "TEAM", "owners": TEAM}, "other": DRAFT}
    await api.load(
        *({"dataset": {"id": urn(f"{name}source-{side}"), **more}} for side, more in sides.items()),
        {"dataset": {"id": root}},
        {"dataset": {"id": first, "derivedFrom": [root]}},
        {"dataset": {"id": second, "derivedFrom": [first]}},
        {"dataset": {"id": open_}},
    )
    sources = [urn(f"{name}source-{side}") for side in sides] if has_edges else []
    await api.load({"dataset": {"id": draft, "derivedFrom": [second, *sources], **DRAFT}})
    if has_edges:
        targets = [
            {"dataset": {"id": urn(f"{name}target-{side}"), "derivedFrom": [draft], **more}}
            for side, more in sides.items()
        ]
        await api.load(*targets, {"dataset": {"id": open_, "derivedFrom": [draft]}})
    found = await api.ask("bo", BETWEEN, root=root, draft=draft, open=open_)
    return json.loads(json.dumps(found).replace(name, ""))


@pytest.mark.parametrize("disclosure", [Disclosure.FLAG, Disclosure.COUNT])
async def test_paths_disclose_no_edge_of_a_draft(
    api: Api, monkeypatch: pytest.MonkeyPatch, disclosure: Disclosure
) -> None:
    """A draft whose edges are hidden has the same paths and completeness with edges as without them.

    The path that leads to it is found all the same, because the sources of its edges show them.
    """
    monkeypatch.setattr(api.contexts, "disclosure", disclosure)
    marked, bare = [
        await _between(api, f"{disclosure}-{has_edges}-".lower(), has_edges=has_edges) for has_edges in (True, False)
    ]
    assert marked == bare
    assert [len(path["nodes"]) for path in marked["there"]["paths"]] == [4]
    assert {found["completeness"]["reason"] for found in marked.values()} == {"POLICY"}


AROUND = """query ($id: ID!, $filter: LineageFilter, $at: DateTime) {
  up: lineage(roots: [$id], direction: UPSTREAM, filter: $filter, asOf: $at) { ...found }
  down: lineage(roots: [$id], direction: DOWNSTREAM, filter: $filter, asOf: $at) { ...found }
  impact(roots: [$id], filter: $filter, asOf: $at) { total completeness { state reason visited hidden } }
  scene(roots: [$id], direction: BOTH, filter: $filter, asOf: $at) {
    total elements { gaps } upstream { state reason visited hidden } downstream { state reason visited hidden } } }
  fragment found on Lineage { nodes { totalCount } edges { id } completeness { state reason visited hidden } }"""
COMPARED = f"""query ($id: ID!, $filter: LineageFilter) {{
  lineageDiff(roots: [$id], from: {THEN}, to: {{}}, direction: BOTH, filter: $filter) {{ {DIFF} }} }}"""
CHOSEN: list[str | None] = [None, *(relation.name for relation in LINEAGE), "VERSION_OF"]


def shut(kind: str, name: str) -> dict[str, Any]:
    """Return an item that bo may not discover."""
    needed = {"run": {"state": "FAIL"}, "evaluation": {"modelVersion": _id("modelVersion", f"{name}-judged@1")}}
    return {kind: {"id": _id(kind, name), "visibility": "TEAM", "owners": TEAM, **needed.get(kind, {})}}


def _id(kind: str, name: str) -> str:
    dashed = "".join(f"-{each.lower()}" if each.isupper() else each for each in kind)
    return f"mlg://{dashed}/t/default/{name}"


def _edge(relation: str, near: str, far: tuple[str, str], direction: str) -> dict[str, Any]:
    ends = (near, _id(*far)) if direction == "OUT" else (_id(*far), near)
    return {"link": {"relation": relation, "from": ends[0], "to": ends[1]}}


OF_A_VERSION = [
    ("FEEDS", ("dataset", "by-data"), "IN"),
    ("BASE_OF", ("modelVersion", "on-base@1"), "OUT"),
    ("PRODUCES", ("run", "by-run"), "IN"),
    ("BASE_OF", ("modelVersion", "by-base@1"), "IN"),
    ("INPUT_TO", ("run", "on-run"), "OUT"),
    ("EVALUATED_BY", ("evaluation", "on-evaluation"), "OUT"),
    ("DEPLOYED_AS", ("deployment", "on-deployment"), "OUT"),
    ("TESTED_IN", ("experimentCell", "on-cell"), "OUT"),
]
OF_A_DATASET = [
    ("DERIVES", ("dataset", "source"), "IN"),
    ("DERIVES", ("dataset", "copy"), "OUT"),
    ("PRODUCES", ("run", "making-run"), "IN"),
    ("INPUT_TO", ("run", "using-run"), "OUT"),
    ("FEEDS", ("report", "using-report"), "OUT"),
    ("EVALUATED_BY", ("evaluation", "using-evaluation"), "OUT"),
]


async def _answers(api: Api, root: str) -> dict[str | None, str]:
    """Return what bo learns about a root by each set of relations, as text."""
    found = {}
    for relation in CHOSEN:
        given = {"id": root, "filter": {"relations": [relation] if relation else []}}
        asked = [await api.ask("bo", AROUND, at=at, **given) for at in (None, "2022-06-01T00:00:00Z")]
        found[relation] = json.dumps([*asked, await api.ask("bo", COMPARED, **given)])
    return found


@pytest.mark.parametrize("disclosure", [Disclosure.NONE, Disclosure.FLAG])
@pytest.mark.parametrize("hidden", ["member", "neighbour"])
async def test_no_set_of_relations_discloses_those_of_hidden_edges(
    api: Api, monkeypatch: pytest.MonkeyPatch, disclosure: Disclosure, hidden: str
) -> None:
    """Whatever `relations` are chosen, the answers are those of any others, before and after each hidden edge.

    The edges are those of the hidden version of a visible model, or those from a visible dataset to hidden assets.
    """
    monkeypatch.setattr(api.contexts, "disclosure", disclosure)
    name = f"{disclosure}-{hidden}".lower()
    if hidden == "member":
        root, near, edges = _id("model", name), _id("modelVersion", f"{name}@1"), OF_A_VERSION
        await api.load({"model": {"id": root}}, shut("modelVersion", f"{name}@1"))
    else:
        root = near = _id("dataset", name)
        edges = OF_A_DATASET
        await api.load({"dataset": {"id": root}}, *(shut(far[0], f"{name}-{far[1]}") for _, far, _ in edges))
    links = [_edge(relation, near, (far[0], f"{name}-{far[1]}"), direction) for relation, far, direction in edges]
    await api.load(*links[:2])  # one in each direction
    before = await _answers(api, root)
    assert ("POLICY" in before[None]) == (disclosure is Disclosure.FLAG)
    assert set(before.values()) == {before[None]}
    for link in links[2:]:
        await api.load(link)
        assert await _answers(api, root) == before
    ended = [{"link": {**each["link"], "validTo": datetime.now(UTC).isoformat()}} for each in links[2:]]
    await api.load(*ended)
    assert await _answers(api, root) == before
