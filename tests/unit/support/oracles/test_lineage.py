"""The oracle of walks itself: the rules of the design, on graphs small enough to verify by eye."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.estates.lineage_graphs import DELETED, TODAY, Arc, Thing, WalkGraph, walk_urn
from support.oracles.lineage import Filter, ImpactOf, Viewpoint, Walk, paths

KINDS = {"d": "Dataset", "v": "DatasetVersion", "s": "FeatureSet", "f": "Feature", "m": "Model", "w": "ModelVersion"}
KINDS |= {"x": "Service", "r": "Run"}
EVERYTHING = Filter()


def graph(edges: str, parts: str = "", **values: Mapping[str, Any]) -> WalkGraph:
    """Return a graph of edges such as ``d1>d2``; the first letter of a name is its kind.

    ``parts`` are such as ``d1:v1``.
    """
    names = {name for edge in edges.split() for name in edge.split(">")}
    parent_of = {part: parent for pair in parts.split() for parent, part in [pair.split(":")]}
    names |= {*parent_of, *parent_of.values()}
    things = [
        Thing(urn(name), KINDS[name[0]], urn(parent_of[name]) if name in parent_of else None, **values.get(name, {}))
        for name in sorted(names)
    ]
    arcs = [Arc("DERIVES", urn(a), urn(b), start=5) for edge in edges.split() for a, b in [edge.split(">")]]
    return WalkGraph({thing.urn: thing for thing in things}, arcs)


def urn(name: str) -> str:
    """Return the id of a name."""
    return walk_urn(KINDS[name[0]], name)


def name(text: str) -> str:
    """Return the name of an id."""
    return text.rpartition("/")[2]


def walk(there: WalkGraph, roots: str, depth: int = 9, wanted: Filter = EVERYTHING, who: str = "root") -> Walk:
    """Walk from names, downstream, or upstream with ``<`` before a name."""
    direction = "UPSTREAM" if roots.startswith("<") else "DOWNSTREAM"
    ids = [urn(each) for each in roots.strip("<").split()]
    return Walk(Viewpoint(there, who, 30, ids), ids, direction, depth, wanted)


def nodes(found: Walk) -> str:
    """Return its nodes, such as ``d1:0 d2:1``."""
    return " ".join(f"{name(text)}:{depth}" for text, depth in found.nodes)


def edges(found: Walk) -> str:
    """Return its edges, such as ``d1>d2``."""
    among = {text for text, _ in found.nodes}
    return " ".join(sorted(f"{name(source)}>{name(target)}" for source, target, _ in found.edges(among)))


SIBLINGS = graph("v1>d2 v3>d4 d1>d5", "d1:v1 d1:v3")


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        ("d1", "v1:0 v3:0 d1:0 d2:1 d4:1 d5:1"),
        ("v1", "v1:0 d1:0 d2:1 d5:1"),
        ("v3", "v3:0 d1:0 d4:1 d5:1"),
    ],
)
def test_a_parent_expands_all_children_and_siblings_stay_apart(roots: str, expected: str) -> None:
    """From a parent the edges of all children count.

    From a child those of the parent count, but not those of siblings.
    """
    assert nodes(walk(SIBLINGS, roots)) == expected


def test_order_of_edges_and_of_arrival_do_not_matter() -> None:
    """If reached from a child and as itself, a parent counts for all children, each at the lesser depth."""
    there = graph("v1>d2 v3>d4 d1>d5 d5>d1", "d1:v1 d1:v3")
    assert nodes(walk(there, "v1")) == "v1:0 d1:0 d2:1 d5:1 v3:2 d4:3"
    backwards = WalkGraph(dict(reversed(there.things.items())), there.arcs[::-1])
    assert nodes(walk(backwards, "v1")) == nodes(walk(there, "v1"))


def test_a_group_member_is_shown_only_if_one_of_its_edges_was_followed() -> None:
    """Children and parents without a followed edge are no nodes, also where a filter stops all of their edges."""
    assert nodes(walk(graph("d1>d2", "d1:v1 d1:v3 d2:v2"), "d1")) == "d1:0 d2:1"
    there = graph("v1>d2", "d1:v1")
    assert nodes(walk(there, "d1", wanted=Filter(origins=("OBSERVED",)))) == "d1:0"


def test_leaves_are_what_an_edge_names() -> None:
    """Downstream of a dataset is the model named by an edge, not its versions.

    Upstream of the versions is the dataset.
    """
    there = graph("d1>m1", "m1:w1")
    assert nodes(walk(there, "d1")) == "d1:0 m1:1"
    assert nodes(walk(there, "<w1")) == "w1:0 m1:0 d1:1"


def test_kinds_are_passed_through_and_relations_stop() -> None:
    """A filter on kinds hides nodes of other kinds with their edges, but the walk passes through them."""
    there = graph("d1>r1 r1>d2")
    found = walk(there, "d1", wanted=Filter(kinds=("DATASET",)))
    assert (nodes(found), edges(found), found.completeness["visited"]) == ("d1:0 d2:2", "", 3)
    assert nodes(walk(there, "d1", wanted=Filter(relations=("FEEDS",)))) == "d1:0"


def test_cycles_and_self_loops() -> None:
    """A closure omits its root despite an edge back; this edge and self-loops are edges of the result."""
    found = walk(graph("d1>d2 d2>d1 d2>d2"), "d1")
    assert (nodes(found), edges(found)) == ("d1:0 d2:1", "d1>d2 d2>d1 d2>d2")
    assert ImpactOf(Viewpoint(graph("d1>d1"), "root", 30), [urn("d1")], 9, EVERYTHING).nodes == []


@pytest.mark.parametrize(
    ("depth", "expected", "state", "reason"),
    [
        (0, "d1:0", "TRUNCATED", "DEPTH"),
        (1, "d1:0 d2:1", "TRUNCATED", "DEPTH"),
        (2, "d1:0 d2:1 d3:2", "COMPLETE", None),
    ],
)
def test_depth_truncates(depth: int, expected: str, state: str, reason: str | None) -> None:
    """The result is TRUNCATED if an unknown node lies beyond the greatest depth, and not if all of them are known."""
    found = walk(graph("d1>d2 d2>d3 d3>d1"), "d1", depth)
    assert nodes(found) == expected
    assert (found.completeness["state"], found.completeness["reason"]) == (state, reason)


def test_hidden_nodes_cut_the_walk_and_are_reported() -> None:
    """Hidden nodes cut the walk; discoverable nodes are shown without expansion; both make the result PARTIAL."""
    hidden: dict[str, Any] = {"d2": {"team": "ads", "visibility": "TEAM"}}
    found = walk(graph("d1>d2 d2>d3", "", **hidden), "d1", who="guest")
    assert (nodes(found), found.completeness["state"], len(found.first_hidden)) == ("d1:0", "PARTIAL", 1)
    draft: dict[str, Any] = {"d2": {"team": "ads", "stage": "DRAFT"}}
    found = walk(graph("d1>d2 d2>d3", "", **draft), "d1", who="guest")
    assert (nodes(found), found.completeness["reason"]) == ("d1:0 d2:1", "POLICY")


def test_a_hidden_group_member_counts_if_it_has_an_edge() -> None:
    """A hidden version makes the result PARTIAL only if one of its edges would have counted."""
    hidden: dict[str, Any] = {"v1": {"team": "ads", "visibility": "TEAM"}}
    for there, state in (
        (graph("v1>d2", "d1:v1", **hidden), "PARTIAL"),
        (graph("d1>d2", "d1:v1", **hidden), "COMPLETE"),
    ):
        assert walk(there, "d1", who="guest").completeness["state"] == state


def test_via_is_the_least_of_the_shortest_paths() -> None:
    """A path includes the group member whose edge was followed; of two shortest paths the lesser by ids is returned."""
    there = graph("v1>d2 d1>d3 d3>x1 d2>x1", "d1:v1")
    assert [name(each) for each in walk(there, "d1").route(urn("x1"))] == ["d1", "v1", "d2", "x1"]


def test_paths_run_over_free_steps() -> None:
    """Steps between parent and child have no length and never follow each other; start and end may be one asset."""
    there = graph("v1>d2 d1>d3 d3>d4 d2>d4", "d1:v1 d4:v4 d1:v9")

    def found(start: str, end: str, most: int = 5, longest: int = 9) -> list[str]:
        routes = paths(Viewpoint(there, "root", 30), urn(start), urn(end), most, longest)
        return [" ".join([*map(name, route), str(length)]) for route, length in routes]

    assert found("d1", "v4") == ["d1 v1 d2 d4 v4 2", "d1 d3 d4 v4 2"]
    assert found("v9", "v4") == ["v9 d1 d3 d4 v4 2"]
    assert found("v9", "v1") == []
    assert found("d1", "v1") == ["d1 v1 0"]
    assert found("d1", "d1") == ["d1 0"]
    assert found("d1", "v4", 1) == ["d1 v1 d2 d4 v4 2"]
    assert found("d1", "v4", 5, 1) == []


def test_a_deleted_root_is_walked_from() -> None:
    """A deleted root named by its id is walked from, and its parent counts for it; other roots do not reach it."""
    there = graph("d3>d1 v1>d2", "d1:v1")
    there.gone = {urn("v1")}

    def found(start: str, end: str) -> list[str]:
        ends = urn(start), urn(end)
        return [" ".join(map(name, route)) for route, _ in paths(Viewpoint(there, "root", TODAY, ends), *ends, 5, 9)]

    assert found("d3", "v1") == ["d3 d1 v1"]
    assert found("d1", "v1") == ["d1 v1"]
    assert found("v1", "d2") == ["v1 d2"]
    assert found("d3", "d2") == []
    there.gone.add(urn("d1"))
    assert found("d1", "v1") == ["d1 v1"]
    assert found("d3", "v1") == []


def test_time() -> None:
    """An edge is valid from its first instant and not at its last; a deleted asset is visible before, and as a root."""
    there = graph("d1>d2 d2>d3")
    there.arcs[1] = Arc("DERIVES", urn("d2"), urn("d3"), start=15, end=17)
    at = {
        day: nodes(Walk(Viewpoint(there, "root", day), [urn("d1")], "DOWNSTREAM", 9, EVERYTHING))
        for day in range(14, 18)
    }
    assert at == {14: "d1:0 d2:1", 15: "d1:0 d2:1 d3:2", 16: "d1:0 d2:1 d3:2", 17: "d1:0 d2:1"}
    there.gone = {urn("d2")}
    assert nodes(Walk(Viewpoint(there, "root", DELETED), [urn("d1")], "DOWNSTREAM", 9, EVERYTHING)) == "d1:0"
    assert nodes(walk(there, "d2")) == "d2:0"
    relinked = Arc("DERIVES", urn("d1"), urn("d2"), start=5, unlinked=True, again=True, starts=16)
    assert relinked.spans == ((5, 12), (16, 40_000))
