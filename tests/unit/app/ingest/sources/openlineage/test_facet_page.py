"""The page of facets is that of the table, and the table covers the specification."""

from pathlib import Path

import pytest

from app.ingest.sources.openlineage.facet_page import PAGE, page
from app.ingest.sources.openlineage.facet_table import DATASET, JOB, RUN, FacetRule


def test_the_page_is_made_of_the_table() -> None:
    """docs/openlineage-facets.md is the text that the module writes, word for word."""
    assert Path(__file__).parents[6] / "docs/openlineage-facets.md" == PAGE
    assert PAGE.read_text() == page()


SPECIFIED = {
    "DATASET": "schema columnLineage lineage documentation dataSource storage datasetType version symlinks ownership "
    "tags lifecycleStateChange dataQualityAssertions dataQualityMetrics outputStatistics inputStatistics",
    "JOB": "documentation jobType sourceCodeLocation sourceCode sql lineage ownership tags",
    "RUN": "parent nominalTime errorMessage processing_engine externalQuery environmentVariables extractionError tags",
}
"""The facets of the specification that have a rule; `hierarchy` and `subset` are kept as properties."""


@pytest.mark.parametrize(("about", "rules"), [("DATASET", DATASET), ("JOB", JOB), ("RUN", RUN)])
def test_the_table_has_a_rule_for_each_facet(about: str, rules: tuple[FacetRule, ...]) -> None:
    """The names are those of the specification, each once."""
    assert [rule.name for rule in rules] == SPECIFIED[about].split()
