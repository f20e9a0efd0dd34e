"""The leak catalogue, scenes: groups, counts, keys, edges and gaps disclose nothing that is hidden."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.documents.lineage_questions import timestamp
from support.estates import leak_catalogue as leaks
from support.estates.leak_catalogue import BEHIND, DRAFT, HIDDEN, HUB, MODEL, OPEN, OTHER_MODEL, PART, UNKNOWN, VERSION
from support.servers.in_process import Api

from app.graph.records.clock import epoch_milliseconds
from policies.installation.disclosure import Disclosure

SCENE = """query ($roots: [ID!]!, $by: [SceneProperty!], $open: Int, $expand: [SceneExpansion!]) {
  scene(roots: $roots, groupBy: $by, openLevels: $open, expand: $expand, maxDepth: 10) {
    total levels { level count } countsByKind { kind count } groupedBy unknownRoots edgesLeftOut
    elements { asset { id displayName ownerTeam { id } health { status } } level isRoot gaps }
    groups { key level kind count innerEdges gaps team { id } domain { id } versionsOf { id }
      countsByKind { kind count } health { examined statuses { status count } } }
    edges { from to count relations origins }
    upstream { state reason visited hidden } downstream { state reason visited hidden } } }"""
EVERYTHING = ["LEVEL", "KIND", "TEAM", "DOMAIN", "VERSIONS"]
ROOTS = (OPEN, VERSION, MODEL, PART, HUB, BEHIND, DRAFT, leaks.SERVICE, leaks.COPY)


async def scene(api: Api, who: str, *roots: str, **variables: Any) -> dict[str, Any]:
    """Return a scene, by default grouped by everything, with nothing but the roots listed."""
    found = await api.ask(who, SCENE, **{"roots": roots, "by": EVERYTHING, "open": 0, **variables})
    shown: dict[str, Any] = found["scene"]
    return shown


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts of a response."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("by", [[], *([each] for each in EVERYTHING), EVERYTHING], ids=lambda by: "+".join(by) or "all")
@pytest.mark.parametrize("who", ["bo", "guest"])
async def test_no_scene_has_a_hidden_value(leaky: Api, who: str, by: list[str]) -> None:
    """From every root, listed or grouped in any way, no text of a scene contains a hidden id or value."""
    for root in ROOTS:
        for open_levels in (0, 50):
            found = await scene(leaky, who, root, by=by, open=open_levels)
            texts = [*_texts(found)]
            assert [each for each in texts if leaks.CANARY in each or leaks.HIDDEN_NAME in each] == []
            assert OTHER_MODEL not in texts


DIFF = """query ($root: ID!, $then: DateTime = "2026-01-01T00:00:00Z") {
  lineageDiff(roots: [$root], from: {asOf: $then}, to: {},
  direction: BOTH, maxDepth: 10, first: 500) { nodes { key change before { id displayName } after { id displayName } }
  edges { from to relation change before { from to runId confidence } after { from to runId confidence } }
  from { total unknownRoots upstream { reason } downstream { reason } } to { total unknownRoots } } }"""


@pytest.mark.parametrize("who", ["bo", "guest"])
async def test_no_difference_has_a_hidden_value(leaky: Api, who: str) -> None:
    """Between an instant before everything and now no text contains a hidden id or value."""
    for root in (*ROOTS, HIDDEN, OTHER_MODEL):
        found = (await leaky.ask(who, DIFF, root=root))["lineageDiff"]
        texts = [each for each in _texts(found) if root in ROOTS or each != root]
        assert [each for each in texts if leaks.CANARY in each or leaks.HIDDEN_NAME in each] == []
        assert OTHER_MODEL not in texts


async def test_what_hides_its_times_never_differs(leaky: Api) -> None:
    """A draft declares that it will be made in 2031: at an instant it is not there yet, without one it is.

    Bo may not see when it is made, and so finds no difference.
    """
    now = timestamp(epoch_milliseconds())
    for who, root, expected in (("ada", OPEN, {DRAFT}), ("bo", OPEN, set[str]()), ("bo", DRAFT, set[str]())):
        found = (await leaky.ask(who, DIFF, root=root, then=now))["lineageDiff"]
        assert {row["id"] for each in found["nodes"] for row in (*each["before"], *each["after"])} & {DRAFT} == expected
        assert found["from"]["unknownRoots"] == found["to"]["unknownRoots"] == []


async def test_counts_are_those_of_the_visible(leaky: Api) -> None:
    """Of the 41 runs of a workflow bo sees one: the scene of the hidden ones is that of an id that does not exist."""
    hidden, unknown = [await scene(leaky, "bo", root) for root in (HIDDEN, UNKNOWN)]
    assert (hidden.pop("unknownRoots"), unknown.pop("unknownRoots")) == ([HIDDEN], [UNKNOWN])
    assert hidden == unknown
    assert (hidden["total"], hidden["levels"], hidden["upstream"]["state"]) == (0, [], "PARTIAL")
    beside = await scene(leaky, "bo", OPEN, HIDDEN)
    assert {**beside, "unknownRoots": []} == {
        **await scene(leaky, "bo", OPEN, UNKNOWN),
        "unknownRoots": [],
    }


async def test_expanding_what_is_hidden_expands_nothing(leaky: Api) -> None:
    """A hidden id, its level or the key of a group of hidden assets are answered like unknown ones."""
    plain = await scene(leaky, "bo", OPEN)
    for entry in ({"nextTo": HIDDEN}, {"nextTo": UNKNOWN}, {"level": 40}, {"group": "KIND=DEPLOYMENT"}):
        assert await scene(leaky, "bo", OPEN, expand=[entry]) == plain


async def test_the_domain_of_a_draft_is_no_value(leaky: Api) -> None:
    """A domain that hides itself with the fields of a draft groups it with what has none."""
    groups = [(await scene(leaky, who, OPEN, by=["DOMAIN"], open=0)) for who in ("ada", "bo")]
    for who, found in zip(("ada", "bo"), groups, strict=True):
        domains = {*_texts(found)} & {f"DOMAIN={leaks.COMMERCE}", leaks.COMMERCE}
        assert bool(domains) is (who == "ada")


async def test_a_hidden_model_is_not_named_by_its_versions(leaky: Api) -> None:
    """The version of a hidden model has a value of VERSIONS, and no `versionsOf` leads to the model."""
    found = await scene(leaky, "bo", PART, by=["VERSIONS"])
    assert [each["asset"]["id"] for each in found["elements"]] == [PART]
    assert OTHER_MODEL not in [*_texts(found)]


async def test_gaps_follow_the_disclosure(leaky: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An element next to something hidden says so if the policy discloses it, and as its own lineage does."""
    found = await scene(leaky, "bo", VERSION, open=50)
    gaps = {each["asset"]["id"]: each["gaps"] for each in found["elements"]}
    assert gaps[VERSION] == ["POLICY"]
    for urn, shown in gaps.items():
        alone = [
            (await leaky.ask("bo", f'{{ asset(id: "{urn}") {{ lineage(direction: {each}, maxDepth: 1) {{ '
                             "completeness { reason } } } }"))["asset"]["lineage"]
            for each in ("UPSTREAM", "DOWNSTREAM")
        ]  # fmt: skip
        disclosed = any(each is not None and "POLICY" in (each["completeness"]["reason"] or "") for each in alone)
        assert "POLICY" not in shown or disclosed or all(each is None for each in alone)
    monkeypatch.setattr(leaky.contexts, "disclosure", Disclosure.NONE)
    silent = await scene(leaky, "bo", VERSION, open=50)
    assert {gap for each in silent["elements"] for gap in each["gaps"]} == set()
    assert (silent["upstream"]["state"], silent["total"]) == ("COMPLETE", found["total"])
