"""Bindings and response of a level that several requests read."""

from typing import Any

from app.graph.reading.level.continued_level import ContinuedLevel
from app.graph.reading.level.hop_plan import HopSpec
from graphql_schema.ports.record import JsonObject


def response(**parts: Any) -> JsonObject:
    """Return a response of the level statement."""
    return {"e": [], "v": [], "w": [], "l": [], "over": False, "large": False, "r": [], "h": 0} | parts


def hop(parent: int, *sources: int) -> JsonObject:
    """Return a hop of the level statement."""
    return HopSpec("out", ("FEEDS",), (), parent).wire(sources)


def continued(*hops: JsonObject) -> ContinuedLevel:
    """Return a level of hops, a vertex and a listing."""
    return ContinuedLevel({"points": [1], "hops": hops, "listings": [{}], "cap": 90, "size": 900})


def test_a_level_of_one_response_is_that() -> None:
    """The first response, if it does not stop within a hop, is the whole one."""
    level = continued(hop(-1, 2))
    found = response(e=[[2, 3, "a"]], v=["b"], l=[{"x": [4]}])
    assert level.add(found) == found


def test_the_next_request_begins_where_the_response_stopped() -> None:
    """It has the rest of the hop, the further hops with all sources known by now, and what is left of the limits."""
    level = continued(hop(-1, 2), hop(0), hop(1), hop(0), hop(-2), hop(2))
    rows = [[2, 3, "a", 2, 5, "a"], [3, 6, "b"], [], [], [], []]
    stopped = response(e=rows, l=[{"x": [4]}], w=[1, 4, 3, 5, 6], r=[1, [5], [[3, 0, 6, 0]], 80, 800])
    assert level.add(stopped) is None
    bindings = level.bindings
    assert (bindings["points"], bindings["reached"], bindings["listings"]) == ([1, 4], [1, 4, 3, 5, 6], [])
    assert (bindings["cap"], bindings["size"]) == (80, 800)
    first, *further = bindings["hops"]
    assert (first["p"], first["xs"], first["b"]) == (-1, [5], [[3, 0, 6, 0]])
    assert [(each["p"], each["xs"]) for each in further] == [(0, [6]), (-1, [3, 5]), (-1, [4]), (1, [])]


def test_the_response_to_all_requests_has_the_edges_of_each() -> None:
    """A level may stop twice within one hop; the listings are those of the first response, the records of the last."""
    level = continued(hop(-1, 2, 7), hop(0))
    stop = {"w": [], "r": [0, [], [[7, 0, 8, 0]], 80, 800]}
    assert level.add(response(e=[[2, 3, "a"], []], l=[{"x": [4]}], **stop)) is None
    assert level.add(response(e=[[7, 8, "b"], []], **stop)) is None
    assert level.bindings["hops"][1]["xs"] == [3, 8]
    complete = level.add(response(e=[[7, 9, "c"], [3, 1, "d"]], v=["e"]))
    expected = [[2, 3, "a", 7, 8, "b", 7, 9, "c"], [3, 1, "d"]]
    assert complete == response(e=expected, v=["e"], l=[{"x": [4]}])


def test_a_level_with_too_many_edges_has_none() -> None:
    """The cap may end any of the requests."""
    level = continued(hop(-1, 2, 7))
    stop = {"w": [], "r": [0, [7], [], 1, 800]}
    assert level.add(response(e=[[2, 3, "a"]], l=[{"x": []}], **stop)) is None
    assert level.add(response(over=True)) == response(over=True, l=[{"x": []}])
