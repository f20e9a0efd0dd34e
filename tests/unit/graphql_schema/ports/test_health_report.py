"""Causes of health: what each is about, and their order."""

import pytest
from support.estates.plain_rows import plain_row

from graphql_schema.ports.health_report import CauseSeverity, HealthFinding
from graphql_schema.ports.row import Row

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
def test_a_cause_is_about_a_check_an_incident_or_an_evaluation(rows: dict[str, Row], about: str) -> None:
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
