"""Causes of health: what each is about, and their order."""

from typing import Any

import pytest
from support.estates.plain_rows import plain_row

from graphql_schema.ports.health_report import CauseSeverity, HealthFinding

ASSET = plain_row("DATASET", "clicks")
CHECK, RESULT = plain_row("CHECK", "fresh"), plain_row("CHECK_RESULT", "r1")


@pytest.mark.parametrize(
    ("rows", "about"),
    [
        ({"check": CHECK, "result": RESULT}, CHECK.urn),
        ({"incident": plain_row("INCIDENT", "i1")}, "mlg://incident/test/default/i1"),
        ({"evaluation": plain_row("EVALUATION", "e1")}, "mlg://evaluation/test/default/e1"),
    ],
)
def test_a_cause_is_about_a_check_an_incident_or_an_evaluation(rows: dict[str, Any], about: str) -> None:
    """A result belongs to its check, so a check is the same cause with whichever result."""
    assert HealthFinding(ASSET, 0, CauseSeverity.MINOR, **rows).about == about


def test_causes_are_ordered_by_distance_asset_and_id() -> None:
    """The nearest first; severity does not count (docs/health.md)."""
    other = plain_row("DATASET", "orders")
    causes = [
        HealthFinding(other, 0, CauseSeverity.SEVERE, check=CHECK),
        HealthFinding(ASSET, 1, CauseSeverity.SEVERE, check=CHECK),
        HealthFinding(ASSET, 0, CauseSeverity.MINOR, incident=plain_row("INCIDENT", "i1")),
        HealthFinding(ASSET, 0, CauseSeverity.MINOR, check=CHECK),
    ]
    assert sorted(causes, key=lambda cause: cause.place) == [causes[3], causes[2], causes[0], causes[1]]


def test_a_failed_and_contaminated_evaluation_is_two_causes() -> None:
    """The contamination of an evaluation is a cause beside its verdict, and follows it."""
    evaluation = plain_row("EVALUATION", "e1")
    failed = HealthFinding(ASSET, 0, CauseSeverity.SEVERE, evaluation=evaluation)
    contaminated = HealthFinding(ASSET, 0, CauseSeverity.MINOR, evaluation=evaluation, contamination="DIRECT")
    assert failed.about == contaminated.about
    assert failed.cause != contaminated.cause
    assert sorted([contaminated, failed], key=lambda cause: cause.place) == [failed, contaminated]
