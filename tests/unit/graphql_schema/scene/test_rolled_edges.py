"""The edges between the elements of a scene, counted by hand."""

from collections.abc import Iterable, Mapping, Sequence

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.scene.neighbourhood import FoundEdge
from graphql_schema.scene.rolled_edges import MAX_SCENE_EDGES, RolledEdges
from graphql_schema.scene.rolled_edges import rolled_edges as steps_of

GROUP = "LEVEL=2"
ELEMENT_OF = {"a": "a", "b": "b", "c": GROUP, "d": GROUP}


def edge(source: str, target: str, relation: str = "DERIVES", origin: str = "DECLARED") -> FoundEdge:
    """Return an edge."""
    return FoundEdge(source, target, relation, origin)


def rolled_edges(edges: Iterable[FoundEdge], element_of: Mapping[str, str], order: Sequence[str]) -> RolledEdges:
    """Return the edges between the elements of a scene."""
    return run_at_once(steps_of(edges, element_of, order))


def test_edges_are_rolled_up_in_parts() -> None:
    """Others have turns of the side thread after each edge."""
    assert sum(1 for _ in steps_of([edge("a", "b")] * 100, ELEMENT_OF, ["a", "b"])) >= 100


def test_edges_between_the_same_elements_are_one() -> None:
    """It has their number, relations and origins; edges within a group are counted only, a loop is an edge."""
    found = rolled_edges(
        [
            edge("b", "c"),
            edge("b", "d", "FEEDS", "OBSERVED"),
            edge("a", "b"),
            edge("c", "d"),
            edge("c", "c"),
            edge("a", "a"),
        ],
        ELEMENT_OF,
        ["a", "b", GROUP],
    )
    assert found.edges == [
        {"from": "a", "to": "a", "count": 1, "relations": ["DERIVES"], "origins": ["DECLARED"]},
        {"from": "a", "to": "b", "count": 1, "relations": ["DERIVES"], "origins": ["DECLARED"]},
        {"from": "b", "to": GROUP, "count": 2, "relations": ["DERIVES", "FEEDS"], "origins": ["DECLARED", "OBSERVED"]},
    ]
    assert (found.left_out, found.within) == (0, {GROUP: 2})


def test_too_many_edges() -> None:
    """Those of the nearest elements are kept, and the others counted."""
    names = [f"n{number:04}" for number in range(MAX_SCENE_EDGES + 3)]
    found = rolled_edges(
        [edge("a", name) for name in reversed(names)], {name: name for name in ("a", *names)}, ["a", *names]
    )
    assert [each["to"] for each in found.edges] == names[:MAX_SCENE_EDGES]
    assert found.left_out == 3
