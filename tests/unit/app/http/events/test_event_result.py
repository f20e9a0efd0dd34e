"""The outcome of an event, from the outcomes of its commands."""

import pytest
from support.documents.lineage_events import mapped

from app.http.events.event_result import EventResult, about
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

ALL = {"C": Outcome.CREATED, "U": Outcome.UPDATED, "-": Outcome.UNCHANGED, "D": Outcome.DENIED}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [("---", "UNCHANGED"), ("--C", "CREATED"), ("C--", "UPDATED"), ("-U-", "UPDATED"), ("D--", "UNCHANGED")],
)
def test_the_outcome_is_that_of_the_run_and_of_all_else(outcomes: str, expected: str) -> None:
    """CREATED if the run is new, UPDATED if another command wrote, UNCHANGED if none did."""
    event = mapped()
    assert [about(command).split("/")[2] for command in event.commands] == ["dataset", "workflow", "run"]
    result = EventResult(event, tuple(WriteOutcome(ALL[each]) for each in outcomes))
    assert result.outcome.name == expected
    assert len([*result.written]) == 3


def test_an_event_without_a_mapping_wrote_nothing() -> None:
    """A rejected event has no commands."""
    assert [*EventResult().written] == []
