"""Records of edges and vertices at an instant: expected values written interval by interval."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.estates.plain_rows import hiding, plain_row

from app.graph.records.edge_record import (
    UNCONFIRMED,
    InvalidEdgeError,
    declared,
    linked,
    undeclared,
    with_empty_interval,
)
from app.graph.records.read_time import NO_UPPER_BOUND, PRESENT, ReadTime, edge_at, existed, recorded, vertex_at
from app.graph.writing.rules.unconfirmed_links import unconfirmed_from
from graphql_schema.catalog.relations import FEEDS
from graphql_schema.ports.record import Record

OPEN: Any = {"relation": "FEEDS", "validFrom": 100, "by": ["link"]}
EDGE = {"relation": "FEEDS", "validFrom": 300, "earlier": [[100, 200]]}
ASSET: dict[str, Any] = {"kind": "DATASET", "createdAt": 300, "sourceCreatedAt": 100, "deletedAt": 400}


def at(valid: int, recorded: int = 1_000) -> ReadTime:
    """Return an instant of the past, read at another one."""
    return ReadTime(valid, recorded, past=True)


@pytest.mark.parametrize(("valid", "since"), [(99, None), (100, 100), (199, 100), (200, None), (299, None), (300, 300)])
def test_an_edge_is_valid_in_its_intervals(valid: int, since: int | None) -> None:
    """From the begin until before the end, in the last interval and in those before."""
    found = edge_at(EDGE, at(valid))
    assert (None if found is None else found["validFrom"]) == since


def test_an_edge_is_shown_with_the_interval_that_was_valid() -> None:
    """An end is shown if the interval has one."""
    assert edge_at(EDGE, at(150)) == {**EDGE, "validFrom": 100, "validTo": 200}
    assert edge_at(EDGE, at(350)) == {**EDGE, "validFrom": 300, "validTo": None}


def test_an_edge_is_shown_with_the_instant_when_its_begin_was_recorded() -> None:
    """That of the interval that was valid; without one of its own, its begin."""
    edge = {"relation": "FEEDS", "validFrom": 300, "opened": 320, "earlier": [[100, 200, 150, 210], [220, 240]]}
    assert [(edge_at(edge, at(valid)) or {})["opened"] for valid in (150, 230, 350)] == [150, 220, 320]


def test_the_newest_of_overlapping_intervals_counts() -> None:
    """A backdated interval overlaps an earlier one, and replaces it where both are valid."""
    edge = {"relation": "FEEDS", "validFrom": 150, "earlier": [[100, 200]]}
    assert (edge_at(edge, at(170)) or {})["validFrom"] == 150


def test_hidden_times_are_not_compared() -> None:
    """An edge with hidden times is read as of the begin of the operation: otherwise instants could be probed."""
    for valid in (1, 150, 250, 350):
        assert edge_at(EDGE, at(valid), {"validFrom"}) is not None
        assert edge_at({**EDGE, "validTo": 400}, at(valid), {"validTo"}) is None
    assert edge_at(EDGE, at(250), {"confidence"}) is None


def test_the_present_is_not_compared() -> None:
    """The store itself filters what is valid now, so records are read as they are."""
    assert edge_at(EDGE, PRESENT) is EDGE
    assert vertex_at(ASSET, PRESENT) is ASSET


def test_an_unconfirmed_edge_is_never_valid_and_removes_no_past() -> None:
    """Its own interval does not count, and the intervals before do."""
    unconfirmed = {**EDGE, UNCONFIRMED: True}
    assert edge_at(unconfirmed, at(350)) is None
    assert edge_at(unconfirmed, at(150)) is not None


def test_a_confirmed_edge_is_valid_from_its_confirmation() -> None:
    """A declarer without rights cannot create a past that becomes valid with the confirmation by an owner."""
    unconfirmed = {**declared(None, FEEDS, "link", 100, {"origin": "DECLARED"}), UNCONFIRMED: True}
    edge = recorded(unconfirmed, {name: value for name, value in unconfirmed.items() if name != UNCONFIRMED}, 300)
    assert (edge_at(edge, at(200)), (edge_at(edge, at(300)) or {}).get("validFrom")) == (None, 300)


def test_an_edge_gets_no_past_by_its_confirmation() -> None:
    """An edge that was unconfirmed gets no past by being confirmed, unless the confirmation gives a begin."""
    unconfirmed = {**OPEN, "claim": True}
    assert recorded(unconfirmed, OPEN, 300)["validFrom"] == 300
    assert recorded(unconfirmed, {**OPEN, "validFrom": 50}, 300)["validFrom"] == 50
    assert recorded(OPEN, OPEN, 300)["validFrom"] == 100


def test_an_edge_that_becomes_unconfirmed_was_valid_until_then() -> None:
    """The mark removes nothing from the past, and a later confirmation does not fill the gap."""
    unconfirmed = unconfirmed_from(recorded(None, declared(None, FEEDS, "link", 100), 100), 200)
    assert [edge_at(unconfirmed, at(valid)) is not None for valid in (99, 100, 199, 200)] == [False, True, True, False]
    edge = recorded(unconfirmed, {name: value for name, value in unconfirmed.items() if name != UNCONFIRMED}, 400)
    assert [edge_at(edge, at(valid)) is not None for valid in (150, 250, 400)] == [True, False, True]


def test_an_unconfirmed_edge_that_ended_makes_no_past() -> None:
    """An unconfirmed declaration that is withdrawn, and declared by others later, was never valid before."""
    unconfirmed = {**declared(None, FEEDS, "link", 100), UNCONFIRMED: True}
    ended = recorded(unconfirmed, undeclared(unconfirmed, "link", 200), 200)
    edge = recorded(ended, declared(ended, FEEDS, "Dataset.derivedFrom", 300), 300)
    assert [edge_at(edge, at(valid)) is not None for valid in (150, 250, 300)] == [False, False, True]


def test_what_is_recorded_later_is_left_out() -> None:
    """A later page shows neither a backdated edge nor a backdated end that was recorded after the first page."""
    backdated, _ = linked(None, FEEDS, {"origin": "DECLARED", "validFrom": 50}, 500)
    edge = recorded(None, backdated, 500)
    assert edge_at(edge, at(100, recorded=400)) is None
    assert edge_at(edge, at(100, recorded=500)) is not None
    begun = recorded(None, declared(None, FEEDS, "link", 100), 100)
    ended = recorded(begun, {**undeclared(begun, "link", 100), "validTo": 150}, 500)
    assert (edge_at(ended, at(200, recorded=400)) or {}).get("validTo", 0) is None
    assert edge_at(ended, at(200, recorded=500)) is None


def test_a_corrected_interval_is_what_it_was_for_pages_that_began_before() -> None:
    """Another begin, another end of what has ended, and a link taken back as if it had never been."""
    begun = recorded(None, linked(None, FEEDS, {"validFrom": 100}, 200)[0], 200)
    for begin in (50, 150):
        moved = recorded(begun, linked(begun, FEEDS, {"validFrom": begin}, 300)[0], 300)
        assert [(edge_at(moved, at(250, read)) or {})["validFrom"] for read in (250, 299, 300)] == [100, 100, begin]
        assert edge_at(moved, at(250, 199)) is None
    ended = recorded(begun, {**undeclared(begun, "link", 250), "validTo": 250}, 250)
    longer = recorded(ended, linked(ended, FEEDS, {"validFrom": 100, "validTo": 280}, 300)[0], 300)
    assert [edge_at(longer, at(270, read)) is not None for read in (240, 299, 300)] == [True, False, True]
    revoked = recorded(begun, with_empty_interval(begun), 300)
    assert [edge_at(revoked, at(250, read)) is not None for read in (299, 300)] == [True, False]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 9), st.integers(1, 12), st.integers(0, 9)), max_size=9))
def test_no_write_changes_what_was_recorded_before(events: list[tuple[int, int, int, int]]) -> None:
    """After any link, unlink or revert, each instant is read as before, by what was recorded until any earlier one."""
    now, corrected, edge = 20, 0, None
    for what, begin, length, pause in events:
        now += pause
        dates = [{}, {"validFrom": now + begin}, {"validFrom": now + begin, "validTo": now + begin + length}]
        try:
            after = with_empty_interval(edge) if edge and what > 2 else linked(edge, FEEDS, dates[what % 3], now)[0]
        except InvalidEdgeError:
            continue
        before, edge = edge, recorded(edge, after, now)
        for read in range(corrected, now):  # of two corrections of one interval, the later one is kept
            for valid in range(now + 30):
                assert _active(before, valid, read) == _active(edge, valid, read), (before, edge, valid, read)
        corrected = now if "corrected" in edge else corrected


_TIMES = st.integers(0, 6)
_EDGES: st.SearchStrategy[Record] = st.fixed_dictionaries(
    {"validFrom": _TIMES},
    optional={
        **dict.fromkeys(("validTo", "opened", "closed"), _TIMES),
        "earlier": st.lists(st.tuples(_TIMES, _TIMES).map(list), max_size=2),
        "corrected": st.lists(_TIMES, min_size=5, max_size=5),
        UNCONFIRMED: st.just(value=True),
    },
)


@settings(deadline=None)
@given(st.none() | _EDGES, _EDGES, _TIMES)
def test_what_is_recorded_again_is_recorded_alike(before: Record | None, after: Record, now: int) -> None:
    """So an item records an edge against the stored one only if it has staged it before."""
    once = recorded(before, after, now)
    assert recorded(before, once, now) == once


def _active(edge: Record | None, valid: int, read: int) -> bool:
    return edge is not None and edge_at(edge, at(valid, read)) is not None


@pytest.mark.parametrize(
    ("before", "after", "marks"),
    [
        (None, {"validFrom": 300}, {}),
        (None, {"validFrom": 100}, {"opened": 300}),
        (None, {"validFrom": 400}, {"opened": 300}),
        (None, {"validFrom": 300, "validTo": 400}, {"closed": 300}),
        ({"validFrom": 100}, {"validFrom": 100, "validTo": 300}, {}),
        ({"validFrom": 100}, {"validFrom": 100, "validTo": 200}, {"closed": 300}),
        ({"validFrom": 100, "opened": 150}, {"validFrom": 100, "validTo": 300}, {"opened": 150}),
        ({"validFrom": 100, "opened": 150}, {"validFrom": 90, "opened": 150}, {"opened": 300}),
        ({"validFrom": 100, "validTo": 200, "closed": 250}, {"validFrom": 300}, {}),
        ({"validFrom": 100, "opened": 150}, {"validFrom": 300, "opened": 150}, {}),
    ],
)
def test_a_time_that_is_recorded_at_another_time_is_marked(
    before: dict[str, int] | None, after: dict[str, int], marks: dict[str, int]
) -> None:
    """``opened`` and ``closed`` are the time of the write, here 300, if an interval begins or ends at another time."""
    found = recorded(before, after, 300)
    assert {name: value for name, value in found.items() if name in {"opened", "closed"}} == marks


@pytest.mark.parametrize(
    ("instant", "window"),
    [
        (ReadTime(300), {"vf": 300, "vt": 300}),
        (ReadTime(300, 1_000, past=True), {"vf": NO_UPPER_BOUND, "vt": 300}),
        (ReadTime(2_000, 1_000, past=True), {"vf": NO_UPPER_BOUND, "vt": 1_000}),
        (ReadTime(300, 1_000, past=True, resumed=True), {"vf": NO_UPPER_BOUND, "vt": -1}),
    ],
)
def test_the_store_returns_every_edge_that_may_have_been_valid(instant: ReadTime, window: dict[str, int]) -> None:
    """For the past the window is wider than the instant, because records know earlier intervals and later ends."""
    assert instant.window == window


@pytest.mark.parametrize(("valid", "visible"), [(99, None), (100, True), (399, True), (400, False)])
def test_an_asset_exists_until_it_is_deleted(valid: int, visible: bool | None) -> None:  # noqa: FBT001 - a table
    """From the time of its source; after the deletion it is found as deleted, and before its begin not at all."""
    found = vertex_at(ASSET, at(valid))
    assert (None if found is None else found["deletedAt"] is None) == visible


def test_a_restoration_after_the_first_page_does_not_count() -> None:
    """A page that continues a result has the asset as the first one had it; any other read has the restored one."""
    restored: dict[str, Any] = {**ASSET, "deletedAt": None, "formerDeletion": [400, 600]}
    found = {
        (recorded, resumed): (vertex_at(restored, ReadTime(500, recorded, past=True, resumed=resumed)) or {})[
            "deletedAt"
        ]
        for recorded in (500, 600)
        for resumed in (True, False)
    }
    assert found == {(500, True): 400, (500, False): None, (600, True): None, (600, False): None}
    assert (vertex_at(restored, ReadTime(399, 500, past=True, resumed=True)) or {})["deletedAt"] is None


def test_an_asset_that_was_registered_later_is_left_out() -> None:
    """A page that continues a list does not contain assets that were registered after the first page."""
    assert vertex_at(ASSET, at(350, recorded=299)) is None
    assert vertex_at(ASSET, at(350, recorded=300)) is not None


def test_an_asset_that_was_only_referred_to_is_a_stub() -> None:
    """It takes its place among the versions when it is registered, and not before, as of any instant."""
    record = {"kind": "DATASET", "createdAt": 100, "registeredAt": 200, "hydration": "FULL"}
    for instant, hydration in ((150, "STUB"), (200, "FULL")):
        assert (vertex_at(record, at(instant)) or {})["hydration"] == hydration
    assert (vertex_at({**record, "sourceCreatedAt": 120}, at(150)) or {})["hydration"] == "FULL"


def test_hidden_times_of_an_asset_are_not_compared() -> None:
    """With a hidden begin it exists at any instant; with a hidden deletion it is as it was when the read began."""
    assert vertex_at(ASSET, at(99), {"sourceCreatedAt"}) is not None
    assert vertex_at(ASSET, at(99), {"createdAt"}) is not None
    assert vertex_at(ASSET, at(99), {"updatedAt"}) is None
    assert (vertex_at(ASSET, at(350), {"deletedAt"}) or {})["deletedAt"] == 400
    assert (vertex_at(ASSET, at(500, recorded=350), {"deletedAt"}) or {})["deletedAt"] is None


def test_teams_users_domains_and_tags_are_always_there() -> None:
    """Their edges have times of their own, so their records are read as they are."""
    record = {"kind": "TEAM", "createdAt": 300}
    assert vertex_at(record, at(1)) is record


def test_an_incident_that_was_resolved_later_is_open() -> None:
    """Between its opening and its end an incident is open, and before the opening it is absent."""
    incident = {"kind": "INCIDENT", "createdAt": 100, "state": "RESOLVED", "resolvedAt": 200}
    assert vertex_at(incident, at(99)) is None
    assert vertex_at(incident, at(199)) == {**incident, "state": "OPEN", "resolvedAt": None}
    assert vertex_at(incident, at(200)) == incident


@pytest.mark.parametrize(
    ("record", "since"),
    [
        ({"kind": "CHECK_RESULT", "createdAt": 300, "observedAt": 200}, 200),
        ({"kind": "CHECK", "createdAt": 300, "firstAt": 100}, 100),
        ({"kind": "APPROVAL", "createdAt": 300}, 300),
    ],
)
def test_an_attached_record_is_there_since_it_was_observed(record: dict[str, Any], since: int) -> None:
    """A result since its observation, a check since its first result, anything else since it was recorded."""
    assert vertex_at(record, at(since - 1)) is None
    assert vertex_at(record, at(since)) is record


def test_a_usage_month_is_always_there() -> None:
    """Its days have their own dates, which the reader compares."""
    record = {"kind": "USAGE_MONTH", "createdAt": 300}
    assert vertex_at(record, at(1)) is record


def test_an_asset_existed_between_its_begin_and_its_deletion() -> None:
    """A deleted asset did not exist; hidden times are not compared."""
    times: dict[str, Any] = {"createdAt": 300, "sourceCreatedAt": 100, "deletedAt": 400}
    dataset = plain_row("DATASET", "d", **times)
    assert [existed(dataset, at(valid)) for valid in (99, 100, 399, 400)] == [False, True, True, False]
    assert not existed(dataset, PRESENT)
    assert existed(plain_row("DATASET", "d", hiding("createdAt"), **times), at(99))
