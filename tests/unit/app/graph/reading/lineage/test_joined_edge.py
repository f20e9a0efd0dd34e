"""Edges of lineage whose ids and ends are computed where they are shown."""

import pytest
from support.estates.plain_rows import PlainAccess, plain_row

from app.graph.reading.lineage.joined_edge import JoinedEdge
from graphql_schema.catalog.relations import Direction

STORED = {"relation": "FEEDS", "confidence": 0.5, "runId": "r1"}


@pytest.mark.parametrize("direction", Direction)
def test_an_edge_has_the_direction_of_the_data(direction: Direction) -> None:
    """Whichever end the walk comes from, `from` is the start of the edge; its id and name follow from both ends."""
    clicks, ranker = plain_row("DATASET", "clicks", vid=10), plain_row("MODEL", "ranker", vid=11)
    near, far = (clicks, ranker) if direction is Direction.OUT else (ranker, clicks)
    edge = JoinedEdge(STORED, near, far, direction, PlainAccess())
    assert edge.name == ("FEEDS", 10, 11)
    assert edge.urn == "FEEDS:a:b"
    assert edge.record == {**STORED, "id": "FEEDS:a:b", "from": clicks.urn, "to": ranker.urn}
    assert edge.kind == "LineageEdge"


def test_hidden_fields_of_an_edge_are_absent() -> None:
    """A filter reads nothing of a hidden field, and the field is read as null."""
    near, far = plain_row("DATASET", "clicks"), plain_row("MODEL", "ranker")
    edge = JoinedEdge(STORED, near, far, Direction.OUT, PlainAccess(hidden=frozenset({"runId"})))
    assert (edge.visible_value("runId"), edge.visible_value("confidence")) == (None, 0.5)
    assert (edge.read("runId"), edge.read("confidence"), edge.read("from")) == (None, 0.5, near.urn)
