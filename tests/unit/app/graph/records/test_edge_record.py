"""The record of an edge: who declares it, when it is valid, and what was recorded of that when."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.records.edge_record import (
    MAX_INTERVALS,
    MAX_PAIRS,
    MAX_PROPERTY_TEXT,
    InvalidEdgeError,
    active_intervals,
    carries_sensitivity,
    declared,
    ended,
    ends,
    interval,
    intervals,
    is_current,
    linked,
    reopened,
    undeclared,
    with_confirmation,
    with_empty_interval,
    with_links_of,
)
from app.graph.records.read_time import recorded_by
from app.graph.writing.rules.unconfirmed_links import unconfirmed_from
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import FEEDS, OWNED_BY, TAGGED, VERSION_OF

OPEN: dict[str, Any] = {"relation": "FEEDS", "validFrom": 100, "by": ["link"], "origin": "DECLARED"}
CLOSED = {**OPEN, "by": [], "validTo": 200}


def test_a_hop_has_a_near_and_a_far_end() -> None:
    """The key of an edge is relation, *from* and *to*, in whichever direction a hop follows the edge."""
    for hop, key in ((FEEDS.out(), ("FEEDS", 1, 2)), (FEEDS.into(), ("FEEDS", 2, 1))):
        assert hop.edge_key(near=1, far=2) == key
        assert hop.far_end(key) == 2


def test_a_declared_edge_is_valid_from_now_on() -> None:
    """A new edge has its declarer, its relation and the origin DECLARED, and no end."""
    edge = declared(None, FEEDS, "link", 100)
    assert edge == OPEN
    assert (ends(edge), is_current(edge, 100), active_intervals(edge)) == (FOREVER, True, [(100, FOREVER)])


def test_a_structural_edge_is_valid_from_the_beginning() -> None:
    """Structure is as old as the younger end, so an edge without a past has no begin of its own (design 3.6)."""
    assert declared(None, VERSION_OF, "id", 100)["validFrom"] == 0
    assert declared({**CLOSED, "relation": "VERSION_OF"}, VERSION_OF, "id", 300)["validFrom"] == 300


def test_owners_and_tags_have_a_default() -> None:
    """An owner is TECHNICAL and a tag DIRECT unless the declarer gives another kind or mode."""
    assert declared(None, OWNED_BY, "link", 100)["kinds"] == ["TECHNICAL"]
    assert declared(None, TAGGED, "link", 100)["mode"] == "DIRECT"
    assert declared(None, OWNED_BY, "link", 100, {"kinds": ["STEWARD"]})["kinds"] == ["STEWARD"]


def test_an_edge_lasts_as_long_as_one_declarer_is_left() -> None:
    """A second declarer leaves the interval alone; the edge ends when the last declarer takes it back."""
    both = declared(OPEN, FEEDS, "ModelVersion.trainedOn", 150)
    assert both == {**OPEN, "by": ["ModelVersion.trainedOn", "link"]}
    assert declared(both, FEEDS, "link", 160) == both
    assert undeclared(both, "link", 170) == {**OPEN, "by": ["ModelVersion.trainedOn"]}
    assert undeclared(OPEN, "link", 200) == CLOSED
    assert undeclared({**OPEN, "validFrom": 300}, "link", 200)["validTo"] == 300


def test_an_edge_that_opens_again_keeps_its_past() -> None:
    """The ended interval moves to ``earlier``; values of the ended edge do not come back."""
    again = declared({**CLOSED, "confidence": 0.5}, FEEDS, "link", 300)
    assert again == {**OPEN, "validFrom": 300, "earlier": [[100, 200]]}
    assert active_intervals(again) == [(100, 200), (300, FOREVER)]


@pytest.mark.parametrize("edge", [None, CLOSED])
def test_an_edge_that_is_absent_or_has_ended_is_not_current(edge: dict[str, Any] | None) -> None:
    """The end of an interval is not part of the interval."""
    assert not is_current(edge, 200)
    assert is_current(CLOSED, 199)
    assert active_intervals(None) == []


def test_sensitivity_flows_over_a_current_edge_that_is_neither_declassified_nor_unconfirmed() -> None:
    """Each of the three conditions stops the flow by itself."""
    assert carries_sensitivity(OPEN, 150)
    assert not carries_sensitivity(CLOSED, 200)
    assert not carries_sensitivity({**OPEN, "declassified": True}, 150)
    assert not carries_sensitivity({**OPEN, "claim": True}, 150)
    assert not carries_sensitivity(None, 150)


def test_values_are_merged_and_null_clears() -> None:
    """Given values replace stored ones, a present None removes one, and an absent one stays."""
    first = declared(None, FEEDS, "link", 100, {"runId": "r1", "note": "a"})
    assert declared(first, FEEDS, "link", 150, {"runId": None}) == {**OPEN, "note": "a"}
    assert declared(first, FEEDS, "link", 150, {"declassified": True})["declassified"] is True
    assert "declassified" not in declared({**OPEN, "declassified": True}, FEEDS, "link", 150, {"declassified": False})


def test_properties_are_merged_by_key() -> None:
    """Each key has one value, the newest, and keys are in order; None removes all of them."""
    stored = {**OPEN, "properties": [{"key": "b", "value": "1"}, {"key": "c", "value": "1"}]}
    given = [{"key": "b", "value": "2"}, {"key": "a", "value": "2"}]
    merged = [{"key": "a", "value": "2"}, {"key": "b", "value": "2"}, {"key": "c", "value": "1"}]
    assert declared(stored, FEEDS, "link", 150, {"properties": given})["properties"] == merged
    assert declared(OPEN, FEEDS, "link", 150, {"properties": []}) == OPEN
    assert declared(stored, FEEDS, "link", 150, {"properties": None}) == OPEN


@pytest.mark.parametrize(
    ("stored", "given", "origin", "confidence"),
    [
        (("INFERRED", 0.5), ("DECLARED", None), "DECLARED", None),
        (("INFERRED", 0.5), ("OBSERVED", 0.9), "OBSERVED", 0.9),
        (("OBSERVED", 0.9), ("DECLARED", 0.2), "OBSERVED", 0.9),
        (("OBSERVED", None), ("INFERRED", 0.2), "OBSERVED", None),
        (("DECLARED", 0.9), ("DECLARED", 0.2), "DECLARED", 0.2),
    ],
)
def test_the_strongest_origin_counts_with_its_confidence(
    stored: tuple[str, float | None], given: tuple[str, float | None], origin: str, confidence: float | None
) -> None:
    """OBSERVED is stronger than DECLARED, and both are stronger than INFERRED; a weaker confidence is ignored."""
    edge = {**OPEN, "origin": stored[0], **({} if stored[1] is None else {"confidence": stored[1]})}
    values = {"origin": given[0], **({} if given[1] is None else {"confidence": given[1]})}
    merged = declared(edge, FEEDS, "link", 150, values)
    assert (merged["origin"], merged.get("confidence")) == (origin, confidence)


@pytest.mark.parametrize(
    ("values", "expected", "opened"),
    [
        ({}, (300, FOREVER, [[100, 200]]), True),
        ({"validFrom": 150}, (150, FOREVER, [[100, 200]]), True),
        ({"validFrom": 250, "validTo": 280}, (250, 280, [[100, 200]]), True),
        ({"validFrom": 200, "validTo": 280}, (200, 280, [[100, 200]]), True),
        ({"validTo": 400}, (300, 400, [[100, 200]]), True),
        ({"validTo": 200}, (100, 200, []), False),
        ({"validFrom": 150, "validTo": 280}, (150, 280, []), False),
        ({"validFrom": 50, "validTo": 60}, (50, 60, []), False),
    ],
)
def test_a_link_to_an_ended_edge_opens_an_interval_or_corrects_the_last_one(
    values: dict[str, int], expected: tuple[int, int, list[list[int]]], *, opened: bool
) -> None:
    """An interval with an end that begins before the stored end is a correction; any other is a new interval."""
    edge, again = linked(CLOSED, FEEDS, values, 300)
    assert (edge["validFrom"], ends(edge), edge.get("earlier", [])) == expected
    assert again is opened
    assert edge["by"] == ["link"]


def test_a_link_to_a_current_edge_moves_its_begin_and_its_end() -> None:
    """Given times replace stored ones, a null end removes the end, and the edge is not opened again."""
    assert linked(OPEN, FEEDS, {"validFrom": 50}, 150) == ({**OPEN, "validFrom": 50}, False)
    limited, _ = linked(OPEN, FEEDS, {"validTo": 400}, 150)
    assert limited == {**OPEN, "validTo": 400}
    assert linked(limited, FEEDS, {}, 160) == (limited, False)
    assert linked(limited, FEEDS, {"validTo": None}, 160) == (OPEN, False)
    assert linked(None, FEEDS, {"validFrom": 50, "confidence": 0.5}, 150) == (
        {**OPEN, "validFrom": 50, "confidence": 0.5},
        True,
    )


def test_the_properties_of_an_edge_do_not_grow_without_a_limit() -> None:
    """Each link adds properties to the stored ones; what is too large together is refused, and can be removed."""
    edge: Mapping[str, Any] | None = None
    for number in range(4):
        edge, _ = linked(
            edge, FEEDS, {"properties": [{"key": f"k{number}", "value": "x" * (MAX_PROPERTY_TEXT // 4 - 2)}]}, 100
        )
    more = {"properties": [{"key": "k4", "value": "x"}]}
    with pytest.raises(InvalidEdgeError) as refused:
        linked(edge, FEEDS, more, 100)
    assert refused.value.args[1] == "properties"
    assert linked(edge, FEEDS, {"confidence": 0.5}, 100)[0]["confidence"] == 0.5
    removed, _ = linked(edge, FEEDS, {"properties": None}, 100)
    assert linked(removed, FEEDS, more, 100)[0]["properties"] == more["properties"]


def test_the_properties_of_an_edge_are_few() -> None:
    """Short ones take far more memory than their characters, so those of all links together have a limit as well."""
    pairs = [{"key": f"{number:03}", "value": ""} for number in range(MAX_PAIRS + 1)]
    edge, _ = linked(None, FEEDS, {"properties": pairs[:-1]}, 100)
    with pytest.raises(InvalidEdgeError, match=f"would have {MAX_PAIRS + 1} properties.* give null"):
        linked(edge, FEEDS, {"properties": pairs[-1:]}, 100)
    many = {**edge, "properties": pairs * 2}
    assert linked(many, FEEDS, {"confidence": 0.5}, 100)[0]["properties"] == pairs * 2
    changed = [{"key": "000", "value": "v"}]
    assert linked(edge, FEEDS, {"properties": changed}, 100)[0]["properties"] == [*changed, *pairs[1:-1]]


@pytest.mark.parametrize("values", [{"validFrom": 300, "validTo": 300}, {"validFrom": 300, "validTo": 299}])
def test_a_link_without_an_instant_is_refused(values: dict[str, int]) -> None:
    """An interval that ends when it begins, or before, names the field that is wrong."""
    with pytest.raises(InvalidEdgeError) as refused:
        linked(None, FEEDS, values, 100)
    assert refused.value.args[1] == "validTo"


def test_an_edge_ends_now_or_at_a_given_instant() -> None:
    """The edge has no declarer afterwards, whichever it had; an end that is not after its begin is refused."""
    assert ended(OPEN, 200) == CLOSED
    assert ended(OPEN, 150, 200) == CLOSED
    assert ended({**OPEN, "validFrom": 300}, 200)["validTo"] == 300
    assert ended(OPEN, 150, 101)["validTo"] == 101
    with pytest.raises(InvalidEdgeError):
        ended(OPEN, 150, 100)


def test_an_edge_that_never_held_has_no_instant() -> None:
    """The record stays, with an empty interval."""
    assert with_empty_interval(OPEN) == {**OPEN, "by": [], "validTo": 100}
    assert active_intervals(with_empty_interval(OPEN)) == []


def test_a_revert_opens_an_edge_that_is_no_longer_valid() -> None:
    """Where the edge is still valid the old record comes back as it was; else it has a new interval and its past."""
    assert reopened(None, OPEN, 300) == OPEN
    assert reopened({**OPEN, "confidence": 0.5}, OPEN, 300) == OPEN
    assert reopened(CLOSED, OPEN, 300) == {**OPEN, "validFrom": 300, "earlier": [[100, 200]]}
    assert reopened({**OPEN, "claim": True}, OPEN, 300) == {**OPEN, "validFrom": 300, "earlier": []}


def test_the_unconfirmed_links_of_callers_outlast_every_new_interval() -> None:
    """An edge that opens again, by a declaration or a link, keeps them; a former record gets those of today."""
    links = {"links": {"mal": OPEN}}
    assert declared({**CLOSED, **links}, FEEDS, "link", 300)["links"] == links["links"]
    assert linked({**CLOSED, **links}, FEEDS, {}, 300)[0]["links"] == links["links"]
    assert with_links_of({**CLOSED, **links}, {**OPEN, "links": {"mal": CLOSED}}) == {**OPEN, **links}
    assert with_links_of(CLOSED, {**OPEN, **links}) == with_links_of(None, OPEN) == OPEN


def test_an_unconfirmed_edge_is_marked_and_the_mark_removed() -> None:
    """The stored key is ``claim``; an unconfirmed edge has no interval in which it is valid."""
    unconfirmed = with_confirmation(OPEN, unconfirmed=True)
    assert unconfirmed == {**OPEN, "claim": True}
    assert active_intervals(unconfirmed) == []
    assert with_confirmation(unconfirmed, unconfirmed=False) == OPEN


def test_an_edge_that_becomes_unconfirmed_was_valid_until_then() -> None:
    """The past moves to ``earlier`` with the time of its recording, and an edge in the future has no past."""
    assert unconfirmed_from(OPEN, 300) == {**OPEN, "validFrom": 300, "earlier": [[100, 300]], "claim": True}
    backdated = {**OPEN, "opened": 150, "earlier": [[10, 20]]}
    assert unconfirmed_from(backdated, 300)["earlier"] == [[10, 20], [100, 300, 150, 300]]
    assert unconfirmed_from({**OPEN, "validFrom": 400}, 300) == {**OPEN, "validFrom": 400, "claim": True}
    assert unconfirmed_from(unconfirmed_from(OPEN, 300), 350) == unconfirmed_from(OPEN, 300)
    assert unconfirmed_from({**OPEN, "validTo": 500, "closed": 250}, 300)["earlier"] == [[100, 300]]


def test_an_interval_is_kept_with_the_time_of_its_recording() -> None:
    """Four numbers, begin, end and when each was recorded, if one of them was recorded at another time."""
    assert interval(CLOSED) == [100, 200]
    assert interval(OPEN) == [100, FOREVER]
    assert interval({**CLOSED, "opened": 150}) == [100, 200, 150, 200]
    assert interval({**CLOSED, "closed": 250}) == [100, 200, 100, 250]
    assert intervals({**CLOSED, "earlier": [[10, 20], [30, 30]]}) == [[10, 20], [100, 200]]


@pytest.mark.parametrize(
    ("kept", "instant", "expected"),
    [
        ([100, 200], 99, []),
        ([100, 200], 100, [(100, FOREVER)]),
        ([100, 200], 200, [(100, 200)]),
        ([100, 200, 150, 250], 149, []),
        ([100, 200, 150, 250], 249, [(100, FOREVER)]),
        ([100, 200, 150, 250], 250, [(100, 200)]),
    ],
)
def test_an_interval_is_read_as_it_was_recorded_at_an_instant(
    kept: Sequence[int], instant: int, expected: list[tuple[int, int]]
) -> None:
    """A begin that was recorded later is absent, and an end that was recorded later is open."""
    assert list(recorded_by([kept], instant)) == expected


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b"]), st.integers(1, 5)), max_size=12))
def test_an_edge_was_valid_while_it_had_a_declarer(events: list[tuple[bool, str, int]]) -> None:
    """Over any sequence of declarations and withdrawals, the intervals are those of a set of declarers in a loop."""
    edge: Any = None
    now, declarers, expected = 0, set[str](), list[list[int]]()
    for declares, declarer, pause in events:
        now += pause
        if declares:
            edge = declared(edge, FEEDS, declarer, now)
            if not declarers:
                expected.append([now, FOREVER])
            declarers.add(declarer)
        elif declarer in declarers:
            edge = undeclared(edge, declarer, now)
            declarers.discard(declarer)
            if not declarers:
                expected[-1][1] = now
    assert active_intervals(edge) == [tuple(each) for each in expected]


def test_an_edge_that_ends_and_begins_again_and_again_stays_small() -> None:
    """Beyond the limit, intervals with short pauses between them become one; others keep their dates."""
    days = [[day * 86_400_000, day * 86_400_000 + 3_600_000] for day in range(100)]
    edge: dict[str, Any] = {**OPEN, "earlier": days, "validFrom": 100 * 86_400_000}
    for times in range(2, 3_000, 2):
        end = edge["validFrom"] + 1
        edge = dict(declared(ended(edge, end), FEEDS, "link", end + 1))
        assert len(edge["earlier"]) <= MAX_INTERVALS, times
    assert edge["earlier"][:100] == days
    assert edge["earlier"][100][0] == 100 * 86_400_000
    assert ends({**edge, "validTo": edge["earlier"][-1][1]}) == edge["validFrom"] - 1


def test_joined_intervals_keep_when_their_bounds_were_recorded() -> None:
    """The first begin and the last end keep their instants, whether or not these differ from begin and end."""
    near = [[0, 10, 5, 10], [11, 20], [30_000, 40_000], [40_001, 40_002, 40_001, 50_000]]
    rest = [[place * 10_000, place * 10_000 + 5] for place in range(5, MAX_INTERVALS + 2)]
    joined = intervals({**OPEN, "earlier": [*near, *rest], "validFrom": 10**9})
    assert len(joined) == MAX_INTERVALS
    assert joined[:3] == [[0, 20, 5, 20], [30_000, 40_002, 30_000, 50_000], [50_000, 50_005]]
