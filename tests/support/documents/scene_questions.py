"""Scenes and differences of lineage requested from a running API, and compared with those of the oracle."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from support.documents.lineage_questions import Round, as_of, filter_of, lineages
from support.estates.lineage_graphs import LAST, TODAY, WalkGraph
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


DIFF = """query ($from: LineageStateInput!, $to: LineageStateInput!, $direction: SceneDirection, $depth: Int,
    $filter: LineageFilter) {
  lineageDiff(from: $from, to: $to, direction: $direction, maxDepth: $depth, filter: $filter, first: 500) {
    nodes { key change before { id } after { id } }
    edges { from to relation change before { from to relation } after { from to relation } }
    nodeCounts { added removed changed same } edgeCounts { added removed changed same }
    from { total unknownRoots upstream { state reason visited } downstream { state reason visited } }
    to { total unknownRoots upstream { state reason visited } downstream { state reason visited } } } }"""


@st.composite
def states(draw: st.DrawFn, graph: WalkGraph) -> tuple[SceneQuestion, tuple[str, ...], int | None, int | None]:
    """Draw a scene to compare: its arguments, the roots of the later state, and the day of each state."""
    asked = draw(scenes(graph))
    other = draw(st.sampled_from([asked.roots, asked.roots, draw(scenes(graph)).roots]))
    day = st.none() | st.integers(6, LAST + 1)
    return asked, other, draw(day), draw(day)


async def diff_differences(
    api: Api, graph: WalkGraph, who: str, asked: tuple[SceneQuestion, tuple[str, ...], int | None, int | None]
) -> list[str]:
    """Request what differs between two states, and return how the answer differs from the oracle."""
    scene, other, *days = asked
    sides = [(scene.roots, days[0]), (other, days[1])]
    given = [{"roots": list(roots), **({} if day is None else {"asOf": as_of(day)})} for roots, day in sides]
    variables = {"direction": scene.direction, "depth": scene.max_depth, "filter": filter_of(scene.wanted)}
    got = (await api.ask(who, DIFF, **{"from": given[0], "to": given[1]}, **variables))["lineageDiff"]
    expected = [
        ExpectedScene(Viewpoint(graph, who, TODAY if day is None else day, roots), replace(scene, roots=roots))
        for roots, day in sides
    ]
    nodes = [_sets((key_of_asset(urn), urn) for urn in each.levels) for each in expected]
    edges = [
        _sets(((key_of_asset(edge[0]), edge[2], key_of_asset(edge[1])), edge) for edge in each.edges)
        for each in expected
    ]
    shown = {each["key"]: (each["change"], _ids(each["before"]), _ids(each["after"])) for each in got["nodes"]}
    joined = {
        (each["from"], each["relation"], each["to"]): (each["change"], _ends(each["before"]), _ends(each["after"]))
        for each in got["edges"]
    }
    answers = {
        "nodes": (shown, _changes(*nodes)),
        "edges": (joined, _changes(*edges)),
        "node counts": (got["nodeCounts"], _numbers(*nodes)),
        "edge counts": (got["edgeCounts"], _numbers(*edges)),
        "from": (got["from"], _state(expected[0])),
        "to": (got["to"], _state(expected[1])),
    }
    found = [f"{name}: got {a}, expected {b}" for name, (a, b) in answers.items() if a != b]
    return [f"{who}, {asked}: {each}" for each in found]


def key_of_asset(urn: str) -> str:
    """Return the key of an asset: that of the asset of a version."""
    return urn.removeprefix("mlg://").replace("-version/", "/").partition("@")[0]


def _sets(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, set[Any]]:
    found: dict[Any, set[Any]] = {}
    for key, member in pairs:
        found.setdefault(key, set()).add(member)
    return found


def _changes(before: dict[Any, set[Any]], after: dict[Any, set[Any]]) -> dict[Any, tuple[str, set[Any], set[Any]]]:
    """Return what differs by key, with the members in each state."""
    found = {}
    for key in {*before, *after}:
        old, new = before.get(key, set()), after.get(key, set())
        if old != new:
            found[key] = ("CHANGED" if old and new else "ADDED" if new else "REMOVED", old, new)
    return found


def _numbers(before: dict[Any, set[Any]], after: dict[Any, set[Any]]) -> dict[str, int]:
    """Return the number of changes of each kind, and of equal keys."""
    changes = [change for change, _, _ in _changes(before, after).values()]
    counts = {name.lower(): changes.count(name) for name in ("ADDED", "REMOVED", "CHANGED")}
    return {**counts, "same": len({*before, *after}) - len(changes)}


def _ids(rows: list[dict[str, str]]) -> set[str]:
    return {row["id"] for row in rows}


def _ends(edges: list[dict[str, str]]) -> set[tuple[str, ...]]:
    return {(edge["from"], edge["to"], edge["relation"]) for edge in edges}


def _state(expected: ExpectedScene) -> dict[str, Any]:
    """Return the expected description of a compared state."""
    unknown = next(iter(expected.walks.values())).unknown_roots
    return {"total": len(expected.levels), "unknownRoots": unknown, **_completeness(expected)}


def _completeness(expected: ExpectedScene) -> dict[str, Any]:
    """Return the expected completeness of both walks."""
    of = {name.lower(): walk.completeness for name, walk in expected.walks.items()}
    keys = ("state", "reason", "visited")
    return {name: {key: of[name][key] for key in keys} if name in of else None for name in ("upstream", "downstream")}
