"""Pauses between attempts grow, differ between events, and stay within their bounds; a source has one id."""

import pytest

from graphql_schema.catalog.thin_event_rules import MAX_ATTEMPTS, MAX_PAUSE_MS, retry_pause, source_urn
from policies.errors import InvalidError


def test_pauses_double_up_to_an_hour() -> None:
    """Of any event, the pause after a failure is between half of the doubled bound and the bound."""
    for number in range(1, MAX_ATTEMPTS):
        bound = min(10_000 * 2 ** (number - 1), MAX_PAUSE_MS)
        pauses = [retry_pause(f"event {each}", number) for each in range(200)]
        assert bound / 2 <= min(pauses) < max(pauses) <= bound
        assert len({*pauses}) > 150
        assert pauses == [retry_pause(f"event {each}", number) for each in range(200)]


def test_a_source_is_a_workflow() -> None:
    """The name is percent-encoded in the id, and an empty one has none."""
    assert source_urn("mlflow prod/eu") == "mlg://workflow/ingest/default/mlflow%20prod%2Feu"
    with pytest.raises(InvalidError):
        source_urn("")
