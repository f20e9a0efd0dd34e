"""Edges that were written change the known sources as a new reading of all edges would."""

import pytest

from app.graph.jobs.sensitivity_work.source_index import SourceIndex
from app.graph.propagation.edge_lookups import CARRIED, EdgeLookup
from app.graph.propagation.sources import group_of
from graphql_schema.execution.side_thread import run_at_once

HUB, OTHER, SOURCE, PARENT, CHILD, SECOND = 1, 2, 10, 20, 21, 22


def index() -> SourceIndex:
    """Return an index of two vertices that have a source, and a parent with a child, as carried sources."""
    found = SourceIndex(expanded={SOURCE, PARENT})
    found.edges.children[PARENT] = {CHILD}
    for vid in (HUB, OTHER):
        found.edges.carried[vid] = {SOURCE, PARENT}
        found.set_sources(vid, (SOURCE, group_of(PARENT)))
    found.set_sources(group_of(PARENT), (PARENT, CHILD))
    return found


@pytest.mark.parametrize(
    ("written", "current", "hub", "group"),
    [
        ([(CARRIED, HUB, SOURCE)], True, {SOURCE, -PARENT}, {PARENT, CHILD}),
        ([(CARRIED, HUB, SOURCE)], False, {-PARENT}, {PARENT, CHILD}),
        ([(CARRIED, HUB, PARENT)], False, {SOURCE}, {PARENT, CHILD}),
        ([(0, SECOND, PARENT)], True, {SOURCE, -PARENT}, {PARENT, CHILD, SECOND}),
        ([(0, CHILD, PARENT)], False, {SOURCE, PARENT}, None),
        ([(0, CHILD, PARENT), (CARRIED, HUB, PARENT)], False, {SOURCE}, None),
        ([(0, CHILD, SOURCE)], True, {-SOURCE, -PARENT}, {PARENT, CHILD}),
        ([(0, HUB, SOURCE)], True, {-SOURCE, SOURCE, -PARENT}, {PARENT, CHILD}),
    ],
)
def test_written_edges_change_what_is_known(
    written: list[EdgeLookup],
    current: bool,  # noqa: FBT001 - a case
    hub: set[int],
    group: set[int] | None,
) -> None:
    """A source is a group while it has children; a vertex lists its own parent beside the group of it."""
    found = index()
    changes = run_at_once(found.changes(written, written if current else ()))
    for vid, change in changes.items():
        found.apply(vid, change)
    assert {*found.of[HUB]} == hub
    assert {*found.of.get(group_of(PARENT), ())} == (group or set())
    assert found.pairs == sum(map(len, found.of.values()))
    inverse = {(source, vid) for vid, sources in found.of.items() for source in sources}
    assert {(source, vid) for source, vids in found.targets.items() for vid in vids} == inverse
