"""Inferred edges: chains stored as one edge, and the part of it visible to a caller (docs/enrichment.md)."""

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from app.graph.records.read_time import NO_UPPER_BOUND
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


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 30), st.integers(0, 30)), max_size=12),
    st.integers(0, 60),
    st.sampled_from([FOREVER, NO_UPPER_BOUND, 5, 15, 25]),
)
def test_the_interval_at_an_instant_is_found_as_by_all(
    parts: list[tuple[int, int, int, int]], at: int, recorded: int
) -> None:
    """The result is that of a loop over all intervals, also where an end was recorded after the instant."""
    held, begin = list[list[int]](), 0
    for pause, length, opened, closed in parts:
        begin += pause
        held.append([begin, begin + length, opened, max(opened, closed)])
        begin += length
    if held and parts[-1][0] > 4:
        held[-1][1] = held[-1][3] = FOREVER
    found = [
        (begin, end if closed <= recorded else FOREVER) for begin, end, opened, closed in held if opened <= recorded
    ]
    wanted = [(begin, end) for begin, end in found if begin <= at < end]
    shown = visible_inferred_edge(inferred("FEEDS", [{**WEAK, "held": held}]), at, lambda _: True, recorded)
    if shown is None:
        assert not wanted
    else:
        bounds = shown["validFrom"], shown.get("validTo", FOREVER)
        assert bounds == (min(begin for begin, _ in wanted), max(end for _, end in wanted))


class Looked(list[list[int]]):
    """Intervals that note which of them are looked at."""

    places: ClassVar[list[object]] = []

    def __getitem__(self, place: Any) -> Any:
        self.places.append(place)
        return super().__getitem__(place)


def test_few_of_many_intervals_are_examined_in_the_present() -> None:
    """Hundreds of edges may have five hundred each: to examine all held the event loop for 0.1 s."""
    held = Looked([10 * number, 10 * number + 5, 0, 0] for number in range(500))
    shown = visible_inferred_edge(inferred("FEEDS", [{**WEAK, "held": held}]), 2_503, lambda _: True)
    assert shown is not None
    assert (shown["validFrom"], shown["validTo"]) == (2_500, 2_505)
    assert len(held.places) < 15
    assert held.places[-1] == slice(250, 251)
