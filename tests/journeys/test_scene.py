"""Scenes of a small estate: groups by what they have in common, expansion, requests to the store, and the instant."""

from collections import Counter
from typing import Any

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api

RANKER = urn("model", "ranker")
SHOP, PLAY = (f"mlg://domain/catalog/default/{name}" for name in ("shop", "play"))
SCENE = """query ($roots: [ID!]!, $by: [SceneProperty!], $expand: [SceneExpansion!], $direction: SceneDirection,
    $depth: Int = 8, $asOf: DateTime) {
  scene(roots: $roots, groupBy: $by, expand: $expand, direction: $direction, maxDepth: $depth, openLevels: 0,
      asOf: $asOf) {
    total elements { asset { id kind } level gaps } groups { key level kind count innerEdges gaps }
    edges { from to count } } }"""
LINEAGE = """query ($id: ID!, $way: LineageDirection!) {
  lineage(roots: [$id], direction: $way, maxDepth: 8, first: 500) { nodes { nodes { depth asset { id kind
    ownerTeam { id } domain { id } ... on ModelVersion { model { domain { id } } } } } } edges { id from to } } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over raw tables of team ads, tables made of them, versions of a model, and what serves these.

    Two raw tables and a service are hidden from bo.
    """
    raw = [urn("dataset", f"raw{number}") for number in range(6)]
    made = [urn("dataset", f"made{number}") for number in range(3)]
    await api.load(
        *({"team": {"name": name}} for name in ("ads", "ranking")),
        *({"domain": {"name": name}} for name in ("shop", "play")),
        *(owned("dataset", f"raw{number}", "risk", domain=PLAY, visibility="TEAM") for number in range(2)),
        *(owned("dataset", f"raw{number}", "ads", domain=PLAY) for number in range(2, 6)),
        *(owned("dataset", f"made{number}", derivedFrom=raw[number::3]) for number in range(3)),
        owned("model", "ranker", domain=SHOP),
        *(owned("model-version", f"ranker@{number}", trainedOn=made[:number]) for number in (1, 2, 3)),
        owned("service", "home"),
        owned("service", "vault", "risk", visibility="TEAM"),
        *(
            owned(
                "deployment",
                f"d{number}",
                status="ACTIVE",
                modelVersion=urn("model-version", f"ranker@{number}"),
                service=urn("service", service),
            )
            for number, service in ((1, "home"), (2, "home"), (3, "vault"))
        ),
    )
    return api


async def scene(api: Api, who: str = "ada", **variables: Any) -> dict[str, Any]:
    """Return a scene around the model in which only the model and its versions are listed."""
    found: dict[str, Any] = (await api.ask(who, SCENE, **{"roots": [RANKER], **variables}))["scene"]
    return found


async def walked(api: Api, who: str = "ada") -> tuple[dict[str, tuple[int, Any]], set[str]]:
    """Return the level and the asset by id, and the ids of the edges, from the lineage in both directions."""
    assets: dict[str, tuple[int, Any]] = {}
    edges: set[str] = set()
    for direction, sign in (("UPSTREAM", -1), ("DOWNSTREAM", 1)):
        found = (await api.ask(who, LINEAGE, id=RANKER, way=direction))["lineage"]
        for node in found["nodes"]["nodes"]:
            known, level = node["asset"]["id"], sign * node["depth"]
            if known not in assets or abs(level) < abs(assets[known][0]):
                assets[known] = (level, node["asset"])
        edges |= {each["id"] for each in found["edges"]}
    return assets, edges


def _value(name: str, level: int, asset: dict[str, Any]) -> str:
    """Return the value by which an asset is grouped."""
    domain = asset["domain"] or (asset.get("model") or {}).get("domain")
    values = {
        "LEVEL": str(level),
        "KIND": asset["kind"],
        "TEAM": (asset["ownerTeam"] or {"id": ""})["id"],
        "DOMAIN": (domain or {"id": ""})["id"],
        "VERSIONS": asset["id"].removeprefix("mlg://").replace("-version/", "/").partition("@")[0],
    }
    return str(values[name])


@pytest.mark.parametrize("who", ["ada", "bo", "root"])
@pytest.mark.parametrize("by", [[], ["LEVEL"], ["KIND"], ["TEAM"], ["DOMAIN"], ["VERSIONS"], ["DOMAIN", "KIND"]])
async def test_groups_are_those_of_a_walk(api: Api, who: str, by: list[str]) -> None:
    """Grouped in any way, each asset and edge that the caller sees counts once, with its own values."""
    assets, edges = await walked(api, who)
    found = await scene(api, who, by=by)
    keys = {
        known: " ".join(f"{name}={_value(name, level, asset)}" for name in by) or "ALL"
        for known, (level, asset) in assets.items()
        if level
    }
    listed = assets.keys() - keys.keys()
    counts = Counter(keys.values())
    assert {each["key"]: each["count"] for each in found["groups"]} == {k: n for k, n in counts.items() if n > 1}
    alone = {known for known, key in keys.items() if counts[key] == 1}
    assert {each["asset"]["id"] for each in found["elements"]} == listed | alone
    assert {each["asset"]["id"]: each["level"] for each in found["elements"]} == {
        known: assets[known][0] for known in listed | alone
    }
    assert found["total"] == len(assets)
    inner = sum(each["innerEdges"] for each in found["groups"])
    assert sum(each["count"] for each in found["edges"]) + inner == len(edges)


async def test_an_expanded_group_is_listed(api: Api) -> None:
    """A group of a scene, sent back by its key, is listed asset by asset; all other elements stay."""
    before = await scene(api)
    group = max(before["groups"], key=lambda each: each["count"])
    after = await scene(api, expand=[{"group": group["key"]}])
    assert [each for each in before["groups"] if each != group] == after["groups"]
    fresh = [each for each in after["elements"] if each not in before["elements"]]
    assert len(fresh) == group["count"]
    assert {(each["level"], each["asset"]["kind"]) for each in fresh} == {(group["level"], group["kind"])}


async def test_gaps_name_a_limit_or_the_policy(api: Api) -> None:
    """At depth 2 the raw tables are beyond the limit of the made ones, and the hidden service is beside its deployment.

    Root sees everything, and has only the limit. At depth 3 nothing is cut.
    """
    made, deployed = urn("dataset", "made0"), urn("deployment", "d3")
    for who, depth, expected in (
        ("root", 1, {made: ["LIMIT"], deployed: ["LIMIT"]}),
        ("bo", 1, {made: ["LIMIT"]}),
        ("bo", 2, {made: ["POLICY"], deployed: ["POLICY"]}),
        ("root", 2, {}),
    ):
        found = await scene(api, who, depth=depth, expand=[{}])
        gaps = {each["asset"]["id"]: each["gaps"] for each in found["elements"] if each["gaps"]}
        assert {known: gaps[known] for known in (made, deployed) if known in gaps} == expected, (who, depth)


async def test_both_directions_share_their_requests(api: Api) -> None:
    """A scene in both directions takes as many requests as the deeper one; teams and domains take one more."""
    one = [
        await api.count("ada", SCENE, roots=[RANKER], direction=each, depth=2) for each in ("UPSTREAM", "DOWNSTREAM")
    ]
    assert await api.count("ada", SCENE, roots=[RANKER], direction="BOTH", depth=2) == max(one) == 4
    assert await api.count("ada", SCENE, roots=[RANKER], by=["TEAM", "DOMAIN"], depth=2) == 5


async def test_the_past(api: Api) -> None:
    """Before it was registered there is nothing around the model, and no model."""
    assert (await scene(api, asOf="2020-01-20T00:00:00Z"))["total"] == 0


async def test_a_hidden_feature_is_no_gap_of_another_feature_of_its_set(api: Api) -> None:
    """A hidden feature, and one with a hidden source, leave no gap at a sibling, for which their edges do not count.

    Of the second, the set and the feature itself have the gap.
    """
    signals, run = urn("feature-set", "signals"), urn("run", "trained")
    features = [urn("feature", name) for name in ("shown", "secret", "near")]
    await api.load(
        owned("feature-set", "signals", features=features),
        owned("feature", "shown", derivedFrom=[urn("dataset", "made0")]),
        owned("feature", "secret", "risk", visibility="TEAM", derivedFrom=[urn("dataset", "made1")]),
        owned("feature", "near", derivedFrom=[urn("dataset", "raw0"), urn("dataset", "made0")]),
        owned("run", "trained", state="COMPLETE", inputs=[features[0]]),
    )
    found = await scene(api, "eli", roots=[signals, run], direction="UPSTREAM", expand=[{}])
    gaps = {each["asset"]["id"]: each["gaps"] for each in found["elements"]}
    policy = ["POLICY"]
    assert (gaps[signals], gaps[features[2]], gaps[features[0]], gaps[run]) == (policy, policy, [], [])
