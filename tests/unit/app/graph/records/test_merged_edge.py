"""Edges that continue at another dataset, alone or joined to an equal edge there."""

from typing import Any

import pytest

from app.graph.records.edge_record import DECLASSIFIED, REPORTED, UNCONFIRMED, UNCONFIRMED_LINKS, carries_sensitivity
from app.graph.records.merged_edge import joined, moved

NOW = 100


def edge(**values: Any) -> dict[str, Any]:
    """Return the record of an edge from instant 10 on."""
    return {"relation": "DERIVES", "validFrom": 10, "by": ["link"], "origin": "DECLARED", "recordedBy": "ada", **values}


def test_an_edge_continues_from_the_merge_on() -> None:
    """It keeps declarers, author and marks, and neither its former intervals nor an earlier begin."""
    old = edge(earlier=[[1, 5]], opened=12, **{REPORTED: True, UNCONFIRMED: True})
    assert moved(None, old, NOW) == edge(validFrom=NOW, **{REPORTED: True, UNCONFIRMED: True})
    assert moved(None, edge(validFrom=150, validTo=200), NOW) == edge(validFrom=150, validTo=200)


def test_the_intervals_of_an_ended_edge_there_are_kept() -> None:
    """The edge begins a new interval after those that the equal edge had."""
    assert moved(edge(validTo=50, earlier=[[1, 5]]), edge(), NOW) == edge(validFrom=NOW, earlier=[[1, 5], [10, 50]])


def test_equal_edges_become_one() -> None:
    """The declarers of both, the values of the one that is there, and the later end."""
    there = edge(by=["link"], validTo=300, properties=[{"key": "a", "value": "1"}])
    old = edge(by=["Run.inputs"], recordedBy="bo", properties=[{"key": "a", "value": "2"}, {"key": "b", "value": "3"}])
    both = [{"key": "a", "value": "1"}, {"key": "b", "value": "3"}]
    assert joined(there, old, NOW) == edge(by=["Run.inputs", "link"], properties=both)
    assert joined(there, {**old, "validTo": 200}, NOW)["validTo"] == 300


@pytest.mark.parametrize("first", [{}, {DECLASSIFIED: True}, {UNCONFIRMED: True}])
@pytest.mark.parametrize("second", [{}, {DECLASSIFIED: True}, {UNCONFIRMED: True}])
def test_what_carried_sensitivity_still_does(first: dict[str, Any], second: dict[str, Any]) -> None:
    """The joined edge carries sensitivity exactly if one of both does."""
    both = edge(**first), edge(**second)
    expected = any(carries_sensitivity(each, NOW) for each in both)
    assert carries_sensitivity(joined(*both, NOW), NOW) == expected


def test_the_stronger_origin_remains_with_its_confidence() -> None:
    """A confidence belongs to its origin."""
    observed, inferred = edge(origin="OBSERVED"), edge(origin="INFERRED", confidence=0.5)
    for both in ((observed, inferred), (inferred, observed)):
        after = joined(*both, NOW)
        assert (after["origin"], after.get("confidence")) == ("OBSERVED", None)


def test_the_links_of_callers_are_kept() -> None:
    """Each caller gets the responses of the own last link, which the edge there has first."""
    links = {"ada": edge(), "bo": edge()}
    old, there = edge(**{UNCONFIRMED_LINKS: links}), edge(**{UNCONFIRMED_LINKS: {"bo": edge(validFrom=7)}})
    expected = {"ada": edge(), "bo": edge(validFrom=7)}
    assert joined(there, old, NOW)[UNCONFIRMED_LINKS] == expected
    assert moved(there, old, NOW)[UNCONFIRMED_LINKS] == expected
    assert joined(there, edge(**{UNCONFIRMED: True}), NOW)[UNCONFIRMED_LINKS] == {"bo": edge(validFrom=7)}


def test_a_reported_edge_stays_so_only_with_both() -> None:
    """An edge that an owner declared is none."""
    reported = edge(**{REPORTED: True})
    assert REPORTED in joined(reported, reported, NOW)
    assert REPORTED not in joined(reported, edge(), NOW)
