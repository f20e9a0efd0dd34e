"""Other spellings of ids: those that the rules of namespaces make of an id, and those of which they make it."""

import pytest

from app.ingest.sources.openlineage.event_names import namespace_patterns
from app.ingest.sources.openlineage.spellings import Spellings

PATTERNS = namespace_patterns("pg://old-* => postgres://*, jobs-* => jobs, legacy => shop")
SPELLINGS = Spellings(PATTERNS)


@pytest.mark.parametrize(
    ("urn", "others"),
    [
        ("mlg://dataset/pg/old-db/t", {"mlg://dataset/postgres/db/t": "NAMESPACE"}),
        (
            "mlg://dataset/postgres/db/t",
            {"mlg://dataset/pg/old-db/t": "NAMESPACE", "mlg://dataset/postgresql/db/t": "SPELLING"},
        ),
        ("mlg://dataset/postgresql/db/t", {"mlg://dataset/postgres/db/t": "SPELLING"}),
        (
            "mlg://dataset-version/s3n/lake/t@1",
            {"mlg://dataset-version/s3/lake/t@1": "SPELLING", "mlg://dataset-version/s3a/lake/t@1": "SPELLING"},
        ),
        ("mlg://workflow/openlineage/legacy/j", {"mlg://workflow/openlineage/shop/j": "NAMESPACE"}),
        ("mlg://workflow/openlineage/shop/j", {"mlg://workflow/openlineage/legacy/j": "NAMESPACE"}),
        ("mlg://workflow/openlineage/jobs-7/j", {"mlg://workflow/openlineage/jobs/j": "NAMESPACE"}),
        ("mlg://workflow/openlineage/jobs/j", {}),
        ("mlg://workflow/airflow/legacy/j", {}),
        ("mlg://model/mlflow/legacy/m", {}),
        ("mlg://dataset/openlineage/bigquery/t", {}),
    ],
)
def test_rules_lead_to_other_spellings(urn: str, others: dict[str, str]) -> None:
    """Each rule is followed in both directions, except a pattern that covers many namespaces for one."""
    assert dict(SPELLINGS.of(urn)) == others


def test_a_namespace_without_space_for_a_name_has_no_spelling() -> None:
    """A pattern may make a namespace that is too long for an id."""
    long = Spellings(namespace_patterns(f"a => {'x' * 600}"))
    assert long.of("mlg://workflow/openlineage/a/j") == []
