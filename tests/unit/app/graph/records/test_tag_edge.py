"""The edge between an asset and a tag: declared by people, propagated along lineage, or both (docs/tags.md)."""

from typing import Any

import pytest

from app.graph.records.tag_edge import (
    Arrival,
    arrival,
    arrived,
    declared_part,
    has_mode,
    released,
    restored_declaration,
    with_mode,
)
from graphql_schema.catalog.enums import TagMode

NEAR, FAR = Arrival(1, "mlg://dataset/a/b/near"), Arrival(2, "mlg://dataset/a/b/a")
DIRECT: dict[str, Any] = {
    "relation": "TAGGED",
    "validFrom": 100,
    "by": ["Model.tags"],
    "origin": "DECLARED",
    "mode": "DIRECT",
}
PROPAGATED = {**DIRECT, "by": ["propagation"], "origin": "INFERRED", "mode": "PROPAGATED", "steps": 1, "via": NEAR.via}
BOTH = {**DIRECT, "by": ["Model.tags", "propagation"], "steps": 1, "via": NEAR.via}
BLOCKED = {**DIRECT, "by": ["setTags"], "mode": "BLOCKED"}


def test_the_nearest_arrival_counts() -> None:
    """Fewer steps count before the smaller id of the source."""
    assert min(FAR, NEAR) is NEAR
    assert min(FAR, Arrival(2, "mlg://dataset/a/b/b")) is FAR


def test_a_propagated_tag_opens_the_edge_and_ends_it() -> None:
    """The job's declarer is ``propagation``, with the source and the number of steps."""
    edge = arrived(None, NEAR, 100)
    assert edge == PROPAGATED
    assert arrival(edge, 100) == NEAR
    closed = arrived(edge, None, 200)
    assert (closed["by"], closed["validTo"], arrival(closed, 200)) == ([], 200, None)
    assert "via" not in closed


def test_a_closer_source_replaces_the_stored_one() -> None:
    """The interval of the edge stays, since the tag was there all the time."""
    assert arrived({**PROPAGATED, "steps": 2, "via": FAR.via}, NEAR, 200) == PROPAGATED


def test_a_direct_tag_stays_direct_when_it_also_arrives() -> None:
    """DIRECT wins over PROPAGATED, and the arrival is kept for the time after."""
    assert arrived(DIRECT, NEAR, 200) == BOTH
    assert arrived(BOTH, None, 200) == DIRECT


def test_a_tag_that_is_no_longer_declared_still_arrives() -> None:
    """An edge with both declarers becomes PROPAGATED; an edge without an arrival ends."""
    assert released(BOTH, 200) == PROPAGATED
    assert released(DIRECT, 200) == {**DIRECT, "by": [], "validTo": 200}


def test_nothing_arrives_at_a_blocked_tag() -> None:
    """Blocking removes the arrival and keeps the declarers that are people."""
    assert with_mode({**BOTH, "mode": "BLOCKED"}) == {**DIRECT, "mode": "BLOCKED"}
    assert with_mode(BLOCKED) == BLOCKED
    assert arrived(BLOCKED, NEAR, 200) == BLOCKED


@pytest.mark.parametrize(
    ("edge", "now", "expected"), [(None, 0, None), (DIRECT, 150, None), (BOTH, 150, NEAR), (PROPAGATED, 150, NEAR)]
)
def test_only_the_job_makes_an_arrival(edge: dict[str, Any] | None, now: int, expected: Arrival | None) -> None:
    """An edge that people alone declared carries no arrival."""
    assert arrival(edge, now) == expected


def test_an_ended_edge_has_no_mode_and_no_arrival() -> None:
    """A tag that was there once neither filters nor propagates."""
    closed = {**PROPAGATED, "validTo": 200}
    assert has_mode(closed, TagMode.PROPAGATED, 199)
    assert not has_mode(closed, TagMode.PROPAGATED, 200)
    assert not has_mode(closed, TagMode.DIRECT, 199)
    assert not has_mode(None, TagMode.DIRECT, 199)
    assert arrival(closed, 200) is None


def test_the_audit_contains_what_people_declared() -> None:
    """The arrival is removed; an edge that only arrived is absent."""
    assert declared_part(BOTH) == DIRECT
    assert declared_part(DIRECT) == DIRECT
    assert declared_part(PROPAGATED) is None
    assert declared_part(None) is None


def test_a_revert_restores_what_people_declared_and_keeps_the_arrival() -> None:
    """The interval of the present edge stays; without an arrival the edge opens again."""
    assert restored_declaration({**PROPAGATED, "earlier": [[10, 20]]}, DIRECT, 300) == {**BOTH, "earlier": [[10, 20]]}
    assert restored_declaration(PROPAGATED, {**DIRECT, "validFrom": 5}, 300) == BOTH
    assert restored_declaration(PROPAGATED, BLOCKED, 300) == BLOCKED
    assert restored_declaration({**DIRECT, "by": [], "validTo": 200}, DIRECT, 300) == {
        **DIRECT,
        "validFrom": 300,
        "earlier": [[100, 200]],
    }
    assert restored_declaration(None, DIRECT, 300) == DIRECT
