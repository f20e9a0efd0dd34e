"""The field `scene`: its arguments, their limits, and the parts of its result."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import ROOT, WideLineage, noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.scene import expansion, roll_up, scene_field

Run = Callable[..., Awaitable[ExecutionResult]]
A, B, C = (f"mlg://dataset/test/default/{name}" for name in "abc")
SCENE = """query ($roots: [ID!]!, $direction: SceneDirection, $depth: Int, $open: Int, $limit: Int, $asOf: DateTime) {
  scene(roots: $roots, direction: $direction, maxDepth: $depth, openLevels: $open, maxElements: $limit, asOf: $asOf) {
    elements { asset { id } level isRoot gaps } groups { key count } total levels { level count }
    countsByKind { kind count } groupedBy edges { from } edgesLeftOut upstream { state } downstream { state }
    unknownRoots } }"""

EXPANDED = "query ($root: ID!) { scene(roots: [$root], openLevels: 0, expand: [{nextTo: $root}]) { total } }"


@pytest.fixture
def graph() -> PlainGraph:
    """Return three datasets, each derived from the one before."""
    graph = PlainGraph()
    for name in "abc":
        graph.add("DATASET", name)
    graph.join("DERIVES", A, B)
    graph.join("DERIVES", B, C)
    return graph


async def scene(run: Run, **variables: Any) -> dict[str, Any]:
    """Return the scene of the second dataset."""
    found = await run(SCENE, **{"roots": [B], **variables})
    assert found.errors is None, found.errors
    shown: dict[str, Any] = found.data["scene"]
    return shown


async def test_a_scene(run: Run) -> None:
    """Assets are listed with their levels, counted by level and kind; null arguments count as their defaults."""
    expected = {
        "elements": [
            {"asset": {"id": urn}, "level": level, "isRoot": urn == B, "gaps": []}
            for urn, level in ((B, 0), (A, -1), (C, 1))
        ],
        "groups": [],
        "total": 3,
        "levels": [{"level": level, "count": 1} for level in (-1, 0, 1)],
        "countsByKind": [{"kind": "DATASET", "count": 3}],
        "groupedBy": ["LEVEL", "KIND"],
        "edges": [],
        "edgesLeftOut": 0,
        "upstream": {"state": "COMPLETE"},
        "downstream": {"state": "COMPLETE"},
        "unknownRoots": ["mlg://dataset/test/default/none"],
    }
    given = {"roots": [B, "mlg://dataset/test/default/none"]}
    assert await scene(run, **given) == expected
    assert await scene(run, **given, **dict.fromkeys(("direction", "depth", "open", "limit", "asOf"))) == expected


@pytest.mark.parametrize(("graph", "is_long"), [(WideLineage(3), False), (WideLineage(600), True)])
async def test_a_large_scene_is_calculated_in_the_side_thread(
    run: Run, graph: WideLineage, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    """The event loop serves others meanwhile; a small scene is calculated at once."""
    steps = ("rolled_edges", "group_sources", "_counted")
    noted = noted_threads(monkeypatch, scene_field, *steps)
    near, listed = noted_threads(monkeypatch, expansion, "_near"), noted_threads(monkeypatch, roll_up, "_listed")
    found = await run(EXPANDED, root=ROOT)
    assert (found.errors, found.data["scene"]["total"]) == (None, graph.count + 1)
    thread = await run_aside(threading.get_ident) if is_long else threading.get_ident()
    assert noted | near | listed == {(step, thread) for step in (*steps, "_near", "_listed")}


async def test_one_direction(run: Run) -> None:
    """Without a walk in a direction there is no completeness of it."""
    found = await scene(run, direction="UPSTREAM")
    assert ([each["asset"]["id"] for each in found["elements"]], found["downstream"]) == ([B, A], None)
    found = await scene(run, direction="DOWNSTREAM")
    assert ([each["asset"]["id"] for each in found["elements"]], found["upstream"]) == ([B, C], None)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("limit", 0, "`maxElements` is 0; give 1 to 300."),
        ("limit", 301, "`maxElements` is 301; give 1 to 300."),
        ("open", -1, "`openLevels` is -1; give 0 to 50."),
        ("open", 51, "`openLevels` is 51; give 0 to 50."),
        ("depth", 51, "`maxDepth` is 51; give 0 to 50."),
        ("roots", [], "`roots` is empty; give the id of at least one asset."),
        ("asOf", "9999-01-01T00:00:00Z", "`asOf` is more than five minutes in the future; give a past instant."),
    ],
)
async def test_arguments_out_of_range(run: Run, argument: str, value: object, message: str) -> None:
    """The error names the argument and its range."""
    found = await run(SCENE, **{"roots": [B], argument: value})
    assert [error.message for error in found.errors or ()] == [message]
