"""Ends in the future of one caller are bounded by what the caller declares, whatever is stored."""

from dataclasses import replace

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.entries.planned_ends import MAX_PLANNED, PlannedEnds
from app.graph.writing.batch_planner import plan_item
from app.graph.writing.planned_end import planned_end
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.commands import Command, UnlinkCommand
from graphql_schema.ports.outcomes import WriteOutcome

ADA = person("ada", "team ranking", roles="engineer")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
LATER = NOW + 50


def full() -> PlannedEnds:
    """Return as many ends as a caller may have."""
    ends = PlannedEnds()
    for vid in range(MAX_PLANNED):
        ends.add(("default", ADA.subject), (vid, 0), LATER)
    return ends


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with two linked datasets of the team, and a hidden one of another team."""
    return seeded(
        memory,
        asset("dataset up", owners=OURS),
        asset("dataset d", owners=OURS),
        asset("dataset secret", {"visibility": "TEAM"}, owners=THEIRS),
        link("DERIVES", "dataset up", "dataset d"),
    )


def planned(
    memory: Memory, command: Command, ends: PlannedEnds, *, now: int = NOW, dry_run: bool = False
) -> WriteOutcome:
    """Return the outcome of a command of a caller with these ends."""
    author = replace(memory.author(ADA, now), planned_ends=ends)
    return plan_item(command, memory.state(), author, dry_run=dry_run)


@pytest.mark.parametrize("target", ["dataset d", "dataset new", "dataset secret"])
def test_a_further_end_in_the_future_is_refused(stored: Memory, target: str) -> None:
    """The refusal is the same for a linked, an absent and a hidden asset: the stored state does not decide."""
    ends = full()
    done = planned(stored, link("DERIVES", "dataset up", target, validTo=LATER), ends)
    (error,) = done.errors
    assert (done.outcome.name, error.code.name, error.path) == ("CONFLICT", "LIMIT_EXCEEDED", ("validTo",))
    assert "10000 assets" in error.message
    assert planned(stored, link("DERIVES", "dataset up", target, validTo=LATER), ends, now=LATER - 1).errors
    assert not planned(stored, link("DERIVES", "dataset up", target, validTo=LATER + 9), ends, now=LATER).errors


def test_an_end_to_which_an_edge_is_unlinked_is_refused(stored: Memory) -> None:
    """An edge may be ended now, and not later."""
    up, d = urn("dataset up"), urn("dataset d")
    (error,) = planned(stored, UnlinkCommand("DERIVES", up, d, LATER), full()).errors
    assert error.code.name == "LIMIT_EXCEEDED"
    assert not planned(stored, UnlinkCommand("DERIVES", up, d), full()).errors


@pytest.mark.parametrize("end", [None, NOW, NOW - 5, FOREVER])
def test_other_edges_are_not_counted(stored: Memory, end: int | None) -> None:
    """Edges that have ended or never end, such as imports of the past, and those without propagation leave no work."""
    begun = link("DERIVES", "dataset up", "dataset d", validFrom=NOW - 9, validTo=end)
    assert not planned(stored, begun, full()).errors
    assert planned_end(link("OWNED_BY", "dataset d", "team ranking", validTo=LATER), stored.author(ADA)) is None


def test_ends_count_when_they_are_accepted(stored: Memory) -> None:
    """A dry run and a rejected item take no place; an accepted one takes that of one asset, also if sent again."""
    ends = PlannedEnds()
    for vid in range(MAX_PLANNED - 1):
        ends.add(("default", ADA.subject), (vid, 0), LATER)
    one, other = (link("DERIVES", "dataset up", name, validTo=LATER) for name in ("dataset d", "dataset new"))
    assert not planned(stored, one, ends, dry_run=True).errors
    assert planned(stored, link("DERIVES", "dataset up", "model m", validTo=LATER), ends).errors
    for _ in range(2):
        assert not planned(stored, one, ends).errors
    assert planned(stored, other, ends).errors


def test_no_end_of_a_member_is_awaited(stored: Memory) -> None:
    """A feature leaves its set now, and nothing propagates to the steps of a workflow."""
    author = stored.author(ADA)
    for ends in (("feature-set s", "feature f"), ("domain shop", "feature f"), ("workflow w", "workflow step")):
        assert planned_end(link("CONTAINS", *ends, validTo=LATER), author) is None
