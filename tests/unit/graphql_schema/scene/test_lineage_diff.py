"""The field `lineageDiff`: versions and runs side by side, its arguments and their limits."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import ROOT, WideLineage, noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.lineage_query import LineageQuery, LineageResult, SnapshotTime
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.scene import lineage_diff
from graphql_schema.scene.neighbourhood import PART_BYTES

Run = Callable[..., Awaitable[ExecutionResult]]
DIFF = """query ($roots: [ID!], $from: LineageStateInput!, $to: LineageStateInput!, $first: Int,
    $direction: SceneDirection, $depth: Int) {
  lineageDiff(roots: $roots, from: $from, to: $to, first: $first, direction: $direction, maxDepth: $depth) {
    nodes { key change before { id } after { id } } edges { from } nodeCounts { added removed changed same }
    edgeCounts { same } from { total unknownRoots upstream { state } downstream { state } }
    to { total unknownRoots upstream { state } downstream { state } } } }"""
SCENE = "query ($roots: [ID!]!) { scene(roots: $roots) { total } }"
V1, V2 = (f"mlg://model-version/test/default/ranker@{number}" for number in (1, 2))


class LineageOnly(PlainGraph):
    """Follows FEEDS and PRODUCES only, and keeps the lineage queries."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[LineageQuery] = []

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """See GraphReader."""
        self.queries.append(walk)
        lineage = PlainGraph()
        lineage.records, lineage.hidden = self.records, self.hidden
        lineage.edges = [edge for edge in self.edges if edge[0] in {"FEEDS", "PRODUCES"}]
        return await lineage.walk(walk)


@pytest.fixture
def graph() -> LineageOnly:
    """Return two versions of a model, each with its run, and the version of a dataset that it is trained on."""
    graph = LineageOnly()
    flow = graph.add("WORKFLOW", "train")
    shared = graph.add("DATASET", "labels")
    for number in ("1", "2"):
        version = graph.add("MODEL_VERSION", "ranker", version=number)
        run = graph.add("RUN", f"run{number}")
        graph.join("RUN_OF", run, flow)
        graph.join("PRODUCES", run, version)
        graph.join("FEEDS", graph.add("DATASET_VERSION", "clicks", version=f"w{number}"), version)
        graph.join("FEEDS", shared, version)
    return graph


async def diff(run: Run, **variables: Any) -> dict[str, Any]:
    """Return what differs between the two versions."""
    given = {"from": {"roots": [V1]}, "to": {"roots": [V2]}, **variables}
    found = await run(DIFF, **given)
    assert found.errors is None, found.errors
    shown: dict[str, Any] = found.data["lineageDiff"]
    return shown


def changed(key: str, before: str, after: str) -> dict[str, Any]:
    """Return a difference between one asset and another one of the same key."""
    return {"key": key, "change": "CHANGED", "before": [{"id": before}], "after": [{"id": after}]}


def ids(kind: str, name: str) -> tuple[str, str]:
    """Return the ids of the first and the second one."""
    return f"mlg://{kind}/test/default/{name}1", f"mlg://{kind}/test/default/{name}2"


async def test_two_versions_side_by_side(run: Run) -> None:
    """Versions are compared by their asset, and runs by their workflow; what both have is only counted."""
    found = await diff(run)
    assert found["nodes"] == [
        changed("dataset/test/default/clicks", *ids("dataset-version", "clicks@w")),
        changed("model/test/default/ranker", V1, V2),
        changed("workflow/test/default/train", *ids("run", "run")),
    ]
    assert found["nodeCounts"] == {"added": 0, "removed": 0, "changed": 3, "same": 1}
    state = {"total": 4, "unknownRoots": [], "upstream": {"state": "COMPLETE"}, "downstream": None}
    assert (found["from"], found["to"]) == (state, state)


async def test_a_run_that_hides_its_workflow_is_compared_by_its_id(run: Run, graph: LineageOnly) -> None:
    """Then one run is removed, and another one added."""
    graph.hidden = {"RUN": {"workflow"}}
    found = await diff(run)
    assert [(each["key"], each["change"]) for each in found["nodes"]][2:] == [
        ("run/test/default/run1", "REMOVED"),
        ("run/test/default/run2", "ADDED"),
    ]


async def test_lists_are_limited_and_counts_are_not(run: Run) -> None:
    """`first` is the maximum of each list."""
    found = await diff(run, first=1)
    assert (len(found["nodes"]), found["nodeCounts"]["changed"]) == (1, 3)


@pytest.mark.parametrize(("graph", "is_long"), [(WideLineage(3), False), (WideLineage(600), True)])
async def test_a_large_lineage_is_compared_in_the_side_thread(
    run: Run, graph: WideLineage, monkeypatch: pytest.MonkeyPatch, *, is_long: bool
) -> None:
    """The event loop serves others meanwhile; a small lineage is compared at once."""
    steps = ("family_of", "members_by", "differences")
    noted = noted_threads(monkeypatch, lineage_diff, *steps)
    found = await diff(run)
    assert (found["nodeCounts"]["same"], found["edgeCounts"]["same"]) == (graph.count + 1, graph.count)
    thread = await run_aside(threading.get_ident) if is_long else threading.get_ident()
    assert noted == {(step, thread) for step in steps}


@pytest.mark.parametrize("graph", [WideLineage(600)])
@pytest.mark.parametrize("document", [DIFF, SCENE])
async def test_what_is_made_of_a_lineage_counts_meanwhile(
    run: Run, graph: WideLineage, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    """Each asset and edge has entries of its own beside its record; they count no more when the field is made."""
    counted, released = list[int](), list[int]()
    monkeypatch.setattr(OperationBudget, "count_stored", lambda _, size: counted.append(size))
    monkeypatch.setattr(OperationBudget, "release", lambda _, size: released.append(size))
    found = await run(document, roots=[ROOT], **{"from": {}, "to": {}})
    assert found.errors is None
    assert min(counted) >= PART_BYTES * 2 * graph.count
    assert sum(released) == sum(counted)


async def test_an_instant_becomes_a_snapshot_time(run: Run, graph: LineageOnly) -> None:
    """The roots must have existed then; without an instant the present is read, of the roots of the argument."""
    given = {"roots": [V1], "from": {"asOf": "1970-01-01T00:00:07Z"}, "to": {}}
    await diff(run, **given, direction=None, depth=None)
    assert graph.queries == [
        LineageQuery((V1,), Direction.IN, 5, pin=SnapshotTime(7_000, 0), existing_roots=True),
        LineageQuery((V1,), Direction.IN, 5),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"from": {}, "to": {"roots": [V2]}},
            "A state has no roots; give `roots`, or `roots` of both `from` and `to`.",
        ),
        ({"from": {"roots": []}}, "`roots` is empty; give the id of at least one asset."),
        ({"first": 501}, "`first` is 501; give 0 to 500."),
        ({"depth": 51}, "`maxDepth` is 51; give 0 to 50."),
        (
            {"from": {"roots": [V1], "asOf": "9999-01-01T00:00:00Z"}},
            "`asOf` is more than five minutes in the future; give a past instant.",
        ),
    ],
)
async def test_invalid_arguments(run: Run, given: dict[str, Any], message: str) -> None:
    """The error names the argument and its range."""
    found = await run(DIFF, **{"from": {"roots": [V1]}, "to": {"roots": [V2]}, **given})
    assert [error.message for error in found.errors or ()] == [message]
