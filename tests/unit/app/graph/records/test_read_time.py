"""What was there at an instant, by the records of edges and vertices: written by hand, interval by interval."""

from typing import Any

import pytest

from app.graph.records.edge_record import UNCONFIRMED, declared, linked, recorded, unconfirmed_from, undeclared
from app.graph.records.read_time import ReadTime, edge_at, vertex_at
from graphql_schema.catalog.relations import FEEDS

EDGE = {"relation": "FEEDS", "validFrom": 300, "earlier": [[100, 200]]}


def at(valid: int, recorded: int = 1_000) -> ReadTime:
    """An instant of the past, asked about at another."""
    return ReadTime(valid, recorded, past=True)


@pytest.mark.parametrize(("valid", "since"), [(99, None), (100, 100), (199, 100), (200, None), (299, None), (300, 300)])
def test_an_edge_holds_in_its_intervals(valid: int, since: int | None) -> None:
    """From its beginning until before its end, in the last interval and in those before."""
    found = edge_at(EDGE, at(valid))
    assert (None if found is None else found["validFrom"]) == since


def test_hidden_times_are_not_judged_by() -> None:
    """An edge whose times are hidden is taken as it was when the answer was begun, whatever instant is asked about."""
    for valid in (1, 150, 250, 350):
        assert edge_at(EDGE, at(valid), {"validFrom"}) is not None
        assert edge_at({**EDGE, "validTo": 400}, at(valid), {"validTo"}) is None


def test_a_claim_holds_never_and_takes_nothing_away() -> None:
    """What somebody claimed of an edge that had ended does not hold, and what held before still did."""
    claim = {**EDGE, UNCONFIRMED: True}
    assert edge_at(claim, at(350)) is None
    assert edge_at(claim, at(150)) is not None


def test_a_claim_that_becomes_an_edge_holds_from_then_on() -> None:
    """Nobody makes a past by claiming first what is confirmed later."""
    claim = {**declared(None, FEEDS, "link", 100, {"origin": "DECLARED"}), UNCONFIRMED: True}
    edge = recorded(claim, {name: value for name, value in claim.items() if name != UNCONFIRMED}, 300)
    assert (edge_at(edge, at(200)), (edge_at(edge, at(300)) or {}).get("validFrom")) == (None, 300)


def test_an_edge_that_becomes_a_claim_held_until_then() -> None:
    """Doubt about an edge takes nothing from the past, nor does the edge that is declared again fill the gap."""
    claim = unconfirmed_from(recorded(None, declared(None, FEEDS, "link", 100), 100), 200)
    assert [edge_at(claim, at(valid)) is not None for valid in (99, 100, 199, 200)] == [False, True, True, False]
    assert unconfirmed_from(claim, 300) == claim
    edge = recorded(claim, {name: value for name, value in claim.items() if name != UNCONFIRMED}, 400)
    assert [edge_at(edge, at(valid)) is not None for valid in (150, 250, 400)] == [True, False, True]


def test_a_claim_that_ended_makes_no_past() -> None:
    """Whoever claims, withdraws and has it declared by others has claimed all the same, and nothing held."""
    claim = {**declared(None, FEEDS, "link", 100), UNCONFIRMED: True}
    ended = recorded(claim, undeclared(claim, "link", 200), 200)
    edge = recorded(ended, declared(ended, FEEDS, "Dataset.derivedFrom", 300), 300)
    assert [edge_at(edge, at(valid)) is not None for valid in (150, 250, 300)] == [False, False, True]


def test_what_is_recorded_later_is_left_out() -> None:
    """A page that goes on sees neither a backdated edge nor a backdated end that was recorded after the first page."""
    backdated, _ = linked(None, FEEDS, {"origin": "DECLARED", "validFrom": 50}, 500)
    edge = recorded(None, backdated, 500)
    assert edge_at(edge, at(100, recorded=400)) is None
    assert edge_at(edge, at(100, recorded=500)) is not None
    begun = recorded(None, declared(None, FEEDS, "link", 100), 100)
    ended = recorded(begun, {**undeclared(begun, "link", 100), "validTo": 150}, 500)
    assert (edge_at(ended, at(200, recorded=400)) or {}).get("validTo", 0) is None
    assert edge_at(ended, at(200, recorded=500)) is None


ASSET: dict[str, Any] = {"kind": "DATASET", "createdAt": 300, "sourceCreatedAt": 100, "deletedAt": 400}


@pytest.mark.parametrize(("valid", "there"), [(99, None), (100, True), (399, True), (400, False)])
def test_an_asset_is_there_until_it_is_deleted(valid: int, there: bool | None) -> None:  # noqa: FBT001 - a table
    """From when its source made it; later it is found as deleted, before it is not found at all."""
    stood = vertex_at(ASSET, at(valid))
    assert (None if stood is None else stood["deletedAt"] is None) == there


def test_an_incident_that_was_resolved_later_stands() -> None:
    """As of between its opening and its end an incident is open, and before it is not there."""
    incident = {"kind": "INCIDENT", "createdAt": 100, "state": "RESOLVED", "resolvedAt": 200}
    assert vertex_at(incident, at(99)) is None
    assert (vertex_at(incident, at(150)) or {})["state"] == "OPEN"
    assert (vertex_at(incident, at(200)) or {})["state"] == "RESOLVED"
