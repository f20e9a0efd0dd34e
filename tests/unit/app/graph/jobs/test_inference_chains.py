"""Inferred edges from the edges around their ends: intervals, confidence, and what changed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.jobs import inference_chains
from app.graph.jobs.inference_chains import ChainEdge, Neighbourhood, disjoint, intersection
from app.graph.records.edge_record import EdgeKey
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import Record

(RULE,) = (rule for rule in RULES if rule.name == "trained-with")
FEATURE, RUN, VERSION = 1, 2, 3
KEY: EdgeKey = ("FEEDS", FEATURE, VERSION)
NOW = 50


def around(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **run: Any) -> Neighbourhood:
    """Return a feature that a run read to produce a version, with further values of both edges and of the run."""
    found = Neighbourhood([VERSION])
    found.records = {
        FEATURE: {"kind": "FEATURE"},
        RUN: {"kind": "RUN", **run},
        VERSION: {"kind": "MODEL_VERSION"},
    }
    found.into["PRODUCES", VERSION][RUN] = ChainEdge.of({"validFrom": 0, **(second or {})})
    found.into["INPUT_TO", RUN][FEATURE] = ChainEdge.of({"validFrom": 0, **(first or {})})
    return found


def changes(found: Neighbourhood, now: int) -> dict[EdgeKey, Record]:
    """Return the edges to the version that change."""
    return dict(filter(None, inference_chains.changes(found, VERSION, [RULE], now)))


def chains(found: Neighbourhood, now: int = NOW) -> list[tuple[float, list[list[int]]]]:
    """Return confidence and intervals of each chain of the edge that is inferred."""
    edges = changes(found, now)
    return [(chain["confidence"], chain["held"]) for key in edges for chain in edges[key]["chains"]]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([], [(0, 9)], []),
        ([(0, 5)], [(5, 9)], []),
        ([(0, 5)], [(4, 9)], [(4, 5)]),
        ([(0, 9)], [(1, 2), (3, 4)], [(1, 2), (3, 4)]),
        ([(0, 3), (5, 9)], [(2, 6)], [(2, 3), (5, 6)]),
    ],
)
def test_intervals_that_touch_have_nothing_in_common(
    one: list[tuple[int, int]], other: list[tuple[int, int]], both: list[tuple[int, int]]
) -> None:
    """The end of an interval is excluded, and the intersection does not depend on the order."""
    assert intersection(one, other) == both
    assert sorted(intersection(other, one)) == both


def test_a_chain_is_as_certain_as_all_of_its_edges() -> None:
    """The confidence of the rule is multiplied by that of each edge, rounded to four places."""
    assert [each for each, _ in chains(around())] == [0.8]
    assert [each for each, _ in chains(around({"confidence": 0.5}, {"confidence": 0.3333}))] == [0.1333]


def test_a_chain_is_active_while_all_of_its_edges_are() -> None:
    """Edges that were never active together make no chain."""
    assert [held for _, held in chains(around({"validFrom": 3}, {"validTo": 9}))] == [[[3, 9, NOW, NOW]]]
    assert chains(around({"validFrom": 9}, {"validTo": 9})) == []


def test_a_deleted_vertex_in_the_middle_ends_the_chain() -> None:
    """A deleted run no longer connects anything; the chain was active before."""
    assert [held for _, held in chains(around(deletedAt=7))] == [[[0, 7, NOW, NOW]]]


def test_a_chain_of_other_kinds_is_none() -> None:
    """Every vertex must be of the kind that the rule names."""
    found = around()
    found.records[FEATURE] = {"kind": "DATASET"}
    assert chains(found) == []
    del found.records[FEATURE]
    assert chains(found) == []


def test_only_what_differs_from_the_store_is_returned() -> None:
    """A second run changes nothing, and instants of recording are kept; a lost chain changes the edge."""
    found = around()
    (edge,) = changes(found, NOW).values()
    found.inferred[VERSION][KEY] = edge
    assert changes(found, NOW + 5) == {}
    found.into["INPUT_TO", RUN][FEATURE] = ChainEdge.of({"validFrom": 0, "validTo": 60})
    assert [held for _, held in chains(found, NOW + 20)] == [[[0, 60, NOW, NOW + 20]]]
    found.into["INPUT_TO", RUN].clear()
    assert changes(found, NOW + 30).keys() == {KEY}
    assert FOREVER > NOW


INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8).map(
    lambda given: sorted((start, start + length) for start, length in given)
)


@given(one=INTERVALS, other=INTERVALS)
def test_an_instant_is_in_both_or_not_in_the_intersection(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    """The instants of the intersection are those of both sequences, whose intervals may overlap before."""

    def instants(found: Any) -> set[int]:
        return {at for start, end in found for at in range(start, end)}

    both = intersection(disjoint(one), disjoint(other))
    assert instants(both) == instants(one) & instants(other)
    assert sum(end - start for start, end in both) == len(instants(both))


def test_intervals_that_overlap_do_not_multiply() -> None:
    """Hundreds of nested intervals of two edges are one interval of the chain."""
    nested = [[begin, 2_000 - begin] for begin in range(500)]
    assert chains(around({"earlier": nested, "validTo": 0}, {"earlier": nested, "validTo": 0})) == [
        (0.8, [[0, 2_000, NOW, NOW]])
    ]


def many_runs(runs: dict[int, dict[str, Any]], *, backwards: bool = False) -> Neighbourhood:
    """Return a feature that each of some runs read to produce a version; the values are those of their PRODUCES."""
    found = around()
    for run in sorted(runs, reverse=backwards):
        found.records[run] = {"kind": "RUN"}
        found.into["INPUT_TO", run][FEATURE] = ChainEdge.of({"validFrom": 0})
    order = sorted(runs, reverse=backwards)
    found.into["PRODUCES", VERSION] = {run: ChainEdge.of({"validFrom": 0, **runs[run]}) for run in order}
    return found


def kept(found: Neighbourhood) -> list[int]:
    """Return the runs in the chains that the edge keeps."""
    (edge,) = changes(found, NOW).values()
    return [vid for chain in edge["chains"] for vid in chain["through"]]


@pytest.mark.parametrize("backwards", [False, True])
def test_an_edge_keeps_the_first_of_many_chains(monkeypatch: pytest.MonkeyPatch, *, backwards: bool) -> None:
    """The last to end come first, then the surest, the first to begin, and the least id, in any order of the edges."""
    monkeypatch.setattr(inference_chains, "MAX_CHAINS", 2)
    ended = {run: {"validTo": 90} for run in range(10, 13)}
    unsure = {20: {"confidence": 0.5}, 21: {"confidence": 0.6}}
    late = {30: {"validFrom": 40}, 31: {"validFrom": 41}}
    first: dict[int, dict[str, Any]] = {42: {}, 41: {}, 40: {}}
    assert kept(many_runs(ended, backwards=backwards)) == [10, 11]
    assert kept(many_runs(ended | {13: {"validTo": 91}}, backwards=backwards)) == [10, 13]
    assert kept(many_runs(ended | {20: unsure[20]}, backwards=backwards)) == [10, 20]
    assert kept(many_runs(ended | unsure, backwards=backwards)) == [20, 21]
    assert kept(many_runs(ended | unsure | {31: late[31]}, backwards=backwards)) == [21, 31]
    assert kept(many_runs(ended | unsure | late, backwards=backwards)) == [30, 31]
    assert kept(many_runs(ended | unsure | late | first, backwards=backwards)) == [40, 41]


def test_an_edge_of_thousands_of_chains_is_small() -> None:
    """Thousands of runs leave few chains, and those with hundreds of intervals fewer; one chain always stays."""
    assert len(kept(many_runs({run: {} for run in range(10, 3_010)}))) == inference_chains.MAX_CHAINS
    intervals = [[2 * begin, 2 * begin + 1] for begin in range(400)]
    often = {run: {"earlier": intervals, "validFrom": 1_000} for run in range(10, 60)}
    assert kept(many_runs(often)) == [10]
    longer = {10: {"earlier": intervals + [[begin + 5_000, begin + 5_001] for begin in range(0, 400, 2)]}}
    assert kept(many_runs(longer)) == [10]


def test_a_chain_that_is_kept_again_is_recorded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a chain that was kept ends, the next one takes its place, recorded from then on."""
    monkeypatch.setattr(inference_chains, "MAX_CHAINS", 1)
    found = many_runs({10: {}, 11: {}})
    (edge,) = changes(found, NOW).values()
    found.inferred[VERSION][KEY] = edge
    found.into["PRODUCES", VERSION][10] = ChainEdge.of({"validFrom": 0, "validTo": NOW + 7})
    (after,) = changes(found, NOW + 7).values()
    assert [(chain["through"], chain["held"]) for chain in after["chains"]] == [
        ([11], [[0, FOREVER, NOW + 7, FOREVER]])
    ]
