"""Inferred edges: chains stored as one edge, and the part of it visible to a caller (docs/enrichment.md)."""

from typing import Any

import pytest
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from app.graph.records.inferred_edge import (
    inferred,
    is_inferred,
    is_shortcut,
    is_traversable,
    labels,
    through,
    visible_inferred_edge,
)
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.row import AccessGrade

WEAK = {"rule": "trained-with", "through": [20], "confidence": 0.4, "held": [[100, 200, 100, 200]]}
SURE = {"rule": "measured-on", "through": [3, 20], "confidence": 0.8, "held": [[150, FOREVER, 160, FOREVER]]}
EDGE = inferred("FEEDS", [WEAK, SURE])


def visible(at: int, *hidden: int, recorded: int = FOREVER) -> Any:
    """Return the edge at an instant for a caller who may not pass through some vertices."""
    return visible_inferred_edge(EDGE, at, lambda vid: vid not in hidden, recorded)


def test_an_inferred_relation_is_stored_under_two_labels() -> None:
    """Declared edges come first, then inferred ones; a relation without rules has one label."""
    assert labels("FEEDS") == ("FEEDS", "INFERRED_FEEDS")
    assert labels("DERIVES") == ("DERIVES",)


def test_chains_are_stored_as_one_edge_over_all_of_their_intervals() -> None:
    """The declarers are the rules, and the vertices on the way are named once, in order."""
    assert EDGE == {
        "relation": "FEEDS",
        "origin": "INFERRED",
        "by": ["enrichment:measured-on", "enrichment:trained-with"],
        "validFrom": 100,
        "validTo": FOREVER,
        "chains": [WEAK, SURE],
    }
    assert through(EDGE) == "3,20"
    assert is_inferred(EDGE)


def test_an_edge_without_chains_is_never_valid() -> None:
    """Its interval is empty, so no reader finds it."""
    edge = inferred("FEEDS", [])
    assert (edge["validFrom"], edge["validTo"], edge["by"], through(edge)) == (0, 0, [], "")


def test_the_best_of_several_chains_gives_the_confidence() -> None:
    """The edge spans the intervals of the chains that are valid at the instant, and names their rules."""
    assert visible(150) == {
        "relation": "FEEDS",
        "origin": "INFERRED",
        "confidence": 0.8,
        "validFrom": 100,
        "by": ["enrichment:measured-on", "enrichment:trained-with"],
        "properties": [{"key": "enrichment", "value": "measured-on, trained-with"}],
    }
    assert not is_inferred(visible(150))
    assert is_shortcut(visible(150))
    assert not is_shortcut({"by": ["link"]})
    assert not is_shortcut({})


@pytest.mark.parametrize(
    ("at", "rules"), [(99, None), (100, "trained-with"), (149, "trained-with"), (200, "measured-on")]
)
def test_a_chain_counts_while_it_is_valid(at: int, rules: str | None) -> None:
    """An edge that no chain supports at the instant is absent."""
    edge = visible(at)
    assert (None if edge is None else edge["properties"][0]["value"]) == rules


def test_an_end_is_shown_if_all_valid_chains_have_one() -> None:
    """The edge lasts as long as the longest of its chains."""
    assert visible(120)["validTo"] == 200
    assert "validTo" not in visible(150)


def test_a_chain_through_a_hidden_vertex_does_not_exist() -> None:
    """An edge supported by hidden chains alone is absent.

    A hidden chain adds no confidence, rule or time to other edges.
    """
    assert visible(150, 3) == {
        "relation": "FEEDS",
        "origin": "INFERRED",
        "confidence": 0.4,
        "validFrom": 100,
        "validTo": 200,
        "by": ["enrichment:trained-with"],
        "properties": [{"key": "enrichment", "value": "trained-with"}],
    }
    assert visible(150, 20) is None


def test_an_edge_is_read_as_it_was_recorded() -> None:
    """A chain that was recorded later is absent, and an end that was recorded later is open."""
    assert visible(170, recorded=159)["by"] == ["enrichment:trained-with"]
    assert "validTo" not in visible(170, recorded=159)
    assert visible(99, recorded=99) is None


def test_a_caller_passes_through_what_is_readable_and_shows_its_lineage() -> None:
    """Hidden lineage fields, hidden values of its edges, a row only to discover and a hidden row stop the caller."""
    assert is_traversable(plain_row("RUN", "r", hiding("params")))
    assert not is_traversable(plain_row("RUN", "r", hiding("upstream")))
    assert not is_traversable(plain_row("RUN", "r", hiding("downstream")))
    for name in ("relation", "origin", "confidence", "validFrom", "validTo"):
        assert not is_traversable(plain_row("RUN", "r", PlainAccess(edge_hidden=frozenset({name}))))
    assert is_traversable(plain_row("RUN", "r", PlainAccess(edge_hidden=frozenset({"runId"}))))
    assert not is_traversable(plain_row("RUN", "r", PlainAccess(grade=AccessGrade.DISCOVER)))
    assert not is_traversable(None)
