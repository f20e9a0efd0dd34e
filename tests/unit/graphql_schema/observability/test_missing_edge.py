"""Explanations of missing edges between visible assets, in the order of what is the most direct."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
DATA, RUN, OTHER = "mlg://dataset/test/default/data", "mlg://run/test/default/r", "mlg://dataset/test/default/d2"
EXPLAIN = """query ($from: ID!, $to: ID!, $relation: Relation) {
  explainAbsence(from: $from, to: $to, relation: $relation) { reason asset { id } edge { from to relation }
    change { id } ingestion { id } spellings { of asset { id } } } }"""
NONE: dict[str, Any] = {"asset": None, "edge": None, "change": None, "ingestion": None, "spellings": []}
EDGE = {"from": DATA, "to": RUN, "relation": "INPUT_TO"}


@pytest.fixture
def graph() -> PlainGraph:
    """Return a graph with a dataset and a run without an edge."""
    found = PlainGraph()
    found.add("DATASET", "data")
    found.add("RUN", "r")
    return found


async def explained(run: Run, source: str = DATA, target: str = RUN, **also: Any) -> dict[str, Any]:
    """Return the explanation of an edge, with the values that differ from those of no finding."""
    result = await run(EXPLAIN, **{"from": source, "to": target, **also})
    found: dict[str, Any] = result.data["explainAbsence"]
    return {name: value for name, value in found.items() if name not in NONE or value != NONE[name]}


def refuse(graph: PlainGraph, name: str, **entry: str) -> None:
    """Add an ingestion about the run with one edge, by default the refused input of the dataset."""
    edge = {"field": "inputs", "effect": "REFUSED", "source": RUN, "target": DATA, **entry}
    graph.add(
        "INGESTION", name, subject=RUN, subjects=[RUN], state="PARTIAL", createdAt=len(graph.records), edges=[edge]
    )


def change(graph: PlainGraph, name: str, at: int, **entry: Any) -> str:
    """Add a change of the run with one entry, by default the end of the edge at the instant 50."""
    entry = {
        "field": "inputs",
        "edge": ["INPUT_TO", DATA, RUN],
        "before": None,
        "after": None,
        "is": {"validTo": 50},
        **entry,
    }
    return graph.add("CHANGE", name, subject=RUN, action="UNLINKED", createdAt=at, actor="ada", fields=[entry])


async def test_an_edge_that_was_never_there(run: Run, graph: PlainGraph) -> None:
    """No edge in the direction and of the relation that were asked for."""
    graph.join("INPUT_TO", DATA, RUN)
    assert await explained(run) == {"reason": "PRESENT", "edge": EDGE}
    assert await explained(run, relation="INPUT_TO") == {"reason": "PRESENT", "edge": EDGE}
    assert await explained(run, RUN, DATA) == {"reason": "NEVER_OBSERVED"}
    assert await explained(run, relation="PRODUCES") == {"reason": "NEVER_OBSERVED"}


async def test_an_edge_that_ended(run: Run, graph: PlainGraph) -> None:
    """The change is the first one since the end that left the edge with this end, and that the viewer may see."""
    graph.join("INPUT_TO", DATA, RUN, validTo=50)
    assert await explained(run) == {"reason": "ENDED", "edge": EDGE}
    change(graph, "early", 49)
    change(graph, "of another edge", 50, edge=["INPUT_TO", OTHER, RUN])
    change(graph, "another end", 50, **{"is": {"validTo": 51}})
    change(graph, "hidden", 51, field="params")
    graph.hidden["RUN"] = {"params"}
    wanted = change(graph, "this", 52)
    change(graph, "later", 53)
    assert await explained(run) == {"reason": "ENDED", "edge": EDGE, "change": {"id": wanted}}


@pytest.mark.parametrize(("hidden", "reason"), [((), "UNCONFIRMED"), (("history",), "NEVER_OBSERVED")])
async def test_an_unconfirmed_edge(run: Run, graph: PlainGraph, hidden: tuple[str, ...], reason: str) -> None:
    """It is shown to those who may read the history of both ends, where the declaration is."""
    graph.join("INPUT_TO", DATA, RUN, unconfirmed=True)
    graph.hidden["DATASET"] = {*hidden}
    assert (await explained(run))["reason"] == reason


async def test_an_edge_that_begins_later(run: Run, graph: PlainGraph) -> None:
    """It is not valid yet."""
    graph.join("INPUT_TO", DATA, RUN, later=True)
    assert await explained(run) == {"reason": "BEGINS_LATER", "edge": EDGE}


async def test_a_refused_edge(run: Run, graph: PlainGraph) -> None:
    """The newest ingestion that could not begin this edge; other edges and other effects do not count."""
    refuse(graph, "1")
    refuse(graph, "2")
    refuse(graph, "3", effect="BEGAN")
    refuse(graph, "4", field="outputs")
    refuse(graph, "5", field="workflow")
    refuse(graph, "6", target=OTHER)
    found = {"reason": "REFUSED", "ingestion": {"id": "mlg://ingestion/test/default/2"}}
    assert await explained(run) == found
    assert (await explained(run, RUN, DATA))["ingestion"] == {"id": "mlg://ingestion/test/default/4"}
    graph.hidden["DATASET"] = {"history"}
    assert await explained(run) == {"reason": "NEVER_OBSERVED"}


async def test_an_edge_under_another_spelling(run: Run, graph: PlainGraph) -> None:
    """An asset with the words of an end has a current edge to the other end."""
    graph.add("DATASET", "d2", displayName="data")
    assert await explained(run) == {"reason": "NEVER_OBSERVED"}
    graph.join("INPUT_TO", OTHER, RUN)
    spelt = [{"of": DATA, "asset": {"id": OTHER}}]
    other = {**EDGE, "from": OTHER}
    assert await explained(run) == {"reason": "OTHER_SPELLING", "edge": other, "spellings": spelt}
    graph.join("INPUT_TO", DATA, RUN, validTo=50)
    assert await explained(run) == {"reason": "ENDED", "edge": EDGE, "spellings": spelt}


async def test_ends_that_are_deleted_or_hide_their_lineage(run: Run, graph: PlainGraph) -> None:
    """A deleted end is returned. If neither end shows its lineage, an edge is explained as no edge is."""
    graph.join("INPUT_TO", DATA, RUN)
    graph.hidden = {"DATASET": {"downstream"}, "RUN": {"upstream"}}
    assert await explained(run) == {"reason": "UNKNOWN_OR_HIDDEN"}
    assert await explained(run, RUN, DATA) == {"reason": "NEVER_OBSERVED"}
    graph.hidden = {"DATASET": {"downstream"}}
    assert (await explained(run))["reason"] == "PRESENT"
    graph.records[RUN]["deletedAt"] = 5
    assert await explained(run) == {"reason": "ENDED", "asset": {"id": RUN}}
    graph.hidden = {"RUN": {"deletedAt"}}
    assert await explained(run) == {"reason": "UNKNOWN_OR_HIDDEN"}
