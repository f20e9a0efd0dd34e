"""Relation queries as hops, and the edges of a response as paths."""

import pytest

from app.graph.reading.level.hop_plan import Adjacency, HopSpec, add_edges, compile_related, reached
from graphql_schema.catalog.relations import DEPLOYED_AS, OWNED_BY, SERVED_BY, VERSION_OF
from graphql_schema.ports.relation_query import related


def test_one_hop_is_cut_by_the_store() -> None:
    """A query of one path of one hop is single, and the kinds are sent as codes."""
    found = compile_related(related(VERSION_OF.into("ModelVersion")))
    assert found.single
    ((hop),) = found.hops
    assert (hop.direction, hop.labels, hop.kinds, hop.parent) == ("in", ("VERSION_OF",), ("MODEL_VERSION",), -1)
    assert [(leaf.chain, dict(leaf.path_of)) for leaf in found.leaves] == [((0,), {"VERSION_OF": 0})]


def test_paths_with_a_common_beginning_share_its_hops() -> None:
    """The versions are read once for both ends, and each end knows which path it is."""
    begin = VERSION_OF.into("ModelVersion")
    found = compile_related(related([begin, DEPLOYED_AS.out("Deployment")], [begin, OWNED_BY.out("Team")]))
    assert [hop.parent for hop in found.hops] == [-1, 0, 0]
    assert not found.single
    assert [(leaf.chain, [*leaf.path_of.values()]) for leaf in found.leaves] == [((0, 1), [0]), ((0, 2), [1])]


def test_ends_with_different_labels_share_a_hop() -> None:
    """Two relations from the same source in the same direction are one read; the label names the path."""
    found = compile_related(related(DEPLOYED_AS.out(), SERVED_BY.out()))
    assert found.single
    ((leaf),) = found.leaves
    assert (leaf.chain, dict(leaf.path_of)) == ((0,), {"DEPLOYED_AS": 0, "SERVED_BY": 1})
    assert {"DEPLOYED_AS", "SERVED_BY"} <= {*found.hops[0].labels}
    assert len(compile_related(related(DEPLOYED_AS.out(), SERVED_BY.into())).hops) == 2


def test_a_path_follows_its_chain_and_branches() -> None:
    """Every combination of edges is a path with its edges; a source without edges has none."""
    a, b, c, d, e = ({"relation": name} for name in "abcde")
    first: Adjacency = {1: [(2, a), (3, b)]}
    second: Adjacency = {2: [(4, c)], 3: [(4, d), (5, e)]}
    assert [*reached(1, (0, 1), [first, second])] == [
        ((2, 4), (a, c)),
        ((3, 4), (b, d)),
        ((3, 5), (b, e)),
    ]
    assert [*reached(9, (0, 1), [first, second])] == []
    assert [*reached(2, (1,), [first, second])] == [((4,), (c,))]


def test_rows_are_grouped_by_source_in_order() -> None:
    """A row that is not complete is a defect of the response."""
    found: Adjacency = {}
    add_edges(found, [1, 2, '{"by":["a"]}', 3, 2, "{}"])
    add_edges(found, [1, 4, '{"by":["c"]}'])
    add_edges(found, [])
    assert found == {1: [(2, {"by": ["a"]}), (4, {"by": ["c"]})], 3: [(2, {})]}
    with pytest.raises(ValueError, match="shorter"):
        add_edges(found, [1, 2])


def test_sources_are_sent_with_the_first_hop_only() -> None:
    """A further hop takes the far ends of its parent; a window replaces the bounds."""
    first, second = HopSpec("out", ("FEEDS",), (), -1), HopSpec("out", ("FEEDS",), (), 0)
    assert (first.wire([1, 2])["xs"], second.wire([1, 2])["xs"]) == ([1, 2], [])
    assert (first.wire([1])["n"], first.wire([1], n=5)["n"]) == (0, 5)
    assert not first.inferred
