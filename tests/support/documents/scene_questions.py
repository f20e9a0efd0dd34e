"""Scenes requested from a running API, and compared with those of the oracle."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from support.documents.lineage_questions import Round, as_of, filter_of, lineages
from support.estates.lineage_graphs import TODAY, WalkGraph
from support.oracles.lineage import Viewpoint
from support.oracles.scene import ExpectedScene, SceneQuestion
from support.servers.in_process import Api

SCENE = """query ($roots: [ID!]!, $direction: SceneDirection, $depth: Int, $filter: LineageFilter, $open: Int,
    $groupBy: [SceneProperty!], $expand: [SceneExpansion!], $limit: Int, $asOf: DateTime) {
  scene(roots: $roots, direction: $direction, maxDepth: $depth, filter: $filter, groupBy: $groupBy, openLevels: $open,
      expand: $expand, maxElements: $limit, asOf: $asOf) {
    total levels { level count } countsByKind { kind count } groupedBy unknownRoots edgesLeftOut
    elements { asset { id } level isRoot gaps }
    groups { key level kind team { id } versionsOf { id } count countsByKind { kind count } innerEdges gaps }
    edges { from to count relations } upstream { state reason visited } downstream { state reason visited } } }"""


@st.composite
def scenes(draw: st.DrawFn, graph: WalkGraph) -> SceneQuestion:
    """Draw the arguments of a scene of a graph."""
    ids = [*graph.things, "mlg://dataset/test/default/nothing-here"]
    walk = draw(lineages(ids, [1]))
    names = st.lists(st.sampled_from(["LEVEL", "KIND", "TEAM", "VERSIONS"]), unique=True, max_size=3)
    optional = {
        "level": st.integers(-3, 3),
        "kind": st.sampled_from(["DATASET", "RUN", "FEATURE", "MODEL_VERSION"]),
        "nextTo": st.sampled_from(ids),
    }
    return SceneQuestion(
        walk.roots,
        draw(st.sampled_from(["BOTH", "BOTH", "UPSTREAM", "DOWNSTREAM"])),
        walk.max_depth,
        walk.wanted,
        tuple(draw(names)),
        draw(st.sampled_from([0, 1, 1, 2, 50])),
        tuple(draw(st.lists(st.fixed_dictionaries({}, optional=optional), max_size=2))),
        draw(st.sampled_from([300, 12, 8, 6, 4, 3, 2, 1])),
    )


async def scene_differences(api: Api, graph: WalkGraph, asker: Round, asked: Sequence[SceneQuestion]) -> list[str]:
    """Request scenes as the caller and at the instant of a round, and return the differences from the oracle."""
    found = []
    for each in asked:
        variables = {
            "roots": list(each.roots),
            "direction": each.direction,
            "depth": each.max_depth,
            "filter": filter_of(each.wanted),
            "groupBy": list(each.group_by),
            "open": each.open_levels,
            "expand": list(each.expand),
            "limit": each.limit,
            "asOf": as_of(asker.day),
        }
        got = (await api.ask(asker.who, SCENE, **variables))["scene"]
        got["edges"] = {(edge["from"], edge["to"], edge["count"], *edge["relations"]) for edge in got["edges"]}
        today = TODAY if asker.day is None else asker.day
        expected = ExpectedScene(Viewpoint(graph, asker.who, today, each.roots), each)
        answer = {**expected.answer, **_completeness(expected)}
        found += [
            f"{each}: {name}: got {got[name]}, expected {answer[name]}" for name in got if got[name] != answer[name]
        ]
        if len(got["elements"]) + len(got["groups"]) > each.limit:
            found.append(f"{each}: more than {each.limit} elements")
    return [f"{asker.who} on {asker.day}: {each}" for each in found]


def _completeness(expected: ExpectedScene) -> dict[str, Any]:
    """Return the expected completeness of both walks."""
    of = {name.lower(): walk.completeness for name, walk in expected.walks.items()}
    keys = ("state", "reason", "visited")
    return {name: {key: of[name][key] for key in keys} if name in of else None for name in ("upstream", "downstream")}
