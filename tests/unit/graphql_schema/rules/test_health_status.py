"""The rule of health says what its documentation says."""

import re

from support.source_tree import read

from graphql_schema.catalog.enums import HealthStatus
from graphql_schema.rules.health_status import INCIDENTS, LEVELS, MAX_CAUSES, RESULTS, VERDICTS

PAGE = read("docs/health.md")


def _weights(about: str) -> dict[str, str]:
    """The weights in the table of the page, by the value in backticks, of the rows that begin so."""
    return dict(re.findall(rf"(?m)^\| {about}.*`([A-Z]+)`(?: is open)? \| (severe|minor) \|$", PAGE))


def test_the_documentation_has_the_weights_of_the_rule() -> None:
    """The table names each status, severity and verdict that counts, with its weight; the numbers in the text hold."""
    for about, rule in (
        ("the latest result of a check", RESULTS),
        ("an incident", INCIDENTS),
        ("the newest", VERDICTS),
    ):
        assert _weights(about) == {name: weight.name.lower() for name, weight in rule.items()}
    assert re.findall(r"(?m)^\| `([A-Z]+)` \| there is", PAGE) == ["UNHEALTHY", "DEGRADED", "HEALTHY", "UNKNOWN"]
    assert {status.name for status in HealthStatus} == {"UNHEALTHY", "DEGRADED", "HEALTHY", "UNKNOWN"}
    assert f"reaches, {LEVELS} levels far" in PAGE
    assert f"more than {MAX_CAUSES}." in PAGE
