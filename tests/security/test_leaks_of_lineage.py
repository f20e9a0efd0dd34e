"""Side channels of a lineage walk beside its nodes: budgets, and the instants at which hidden nodes existed."""

from typing import Any

import pytest
from support.servers.in_process import Api

from policies.disclosure import Disclosure

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
