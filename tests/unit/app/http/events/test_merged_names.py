"""Names of events that mean a merged dataset, in the report."""

from support.documents.lineage_events import mapped

from app.http.events.event_result import about
from app.http.events.merged_names import with_remaining
from app.ingest.sources.openlineage.event_names import NameRule
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

NEW = "mlg://dataset/test/default/new"


def test_a_name_of_a_merged_dataset_has_the_id_that_remains() -> None:
    """Names, commands and edges have the remaining id, and the rule of the name is MERGED; others are unchanged."""
    event = mapped()
    plain = [WriteOutcome(Outcome.UPDATED, str(about(command))) for command in event.commands]
    assert with_remaining(event, plain) is event
    old = str(about(event.commands[0]))
    after = with_remaining(event, [WriteOutcome(Outcome.UPDATED, NEW), *plain[1:]])
    assert about(after.commands[0]) == NEW
    assert old not in str(after)
    rules = {each.urn: each.rule for each in after.resolved}
    expected = {each.urn: each.rule for each in event.resolved if each.urn != old}
    assert rules == {**expected, NEW: NameRule.MERGED}


def test_a_refused_one_stays_as_it_was_named() -> None:
    """A dataset that was not written may be hidden from the sender."""
    event = mapped()
    refused = [WriteOutcome(Outcome.DENIED, NEW) for _ in event.commands]
    assert with_remaining(event, refused) is event
