"""The page of fields is that of the table, and each rule of the table that maps something is applied."""

from pathlib import Path

import pytest

from app.ingest.sources.mlflow import field_table
from app.ingest.sources.mlflow.field_page import PAGE, page
from app.ingest.sources.mlflow.field_table import FieldRule


def test_the_page_is_made_of_the_table() -> None:
    """docs/mlflow-fields.md is the text that the module writes, word for word."""
    assert Path(__file__).parents[6] / "docs/mlflow-fields.md" == PAGE
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("name", ["EXPERIMENT", "RUN", "DATASET", "LOGGED_MODEL", "MODEL", "VERSION"])
def test_each_field_has_one_rule(name: str) -> None:
    """A field is named once in its table, and only rules for what other modules map have no function."""
    rules: tuple[FieldRule[object], ...] = getattr(field_table, name)
    names = [rule.names for rule in rules]
    assert len(names) == len(set(names))
    without = [rule.names for rule in rules if rule.mapper is None]
    assert without == {
        "EXPERIMENT": ["artifact_location"],
        "RUN": ["the history of a metric", "info.artifact_uri"],
        "MODEL": ["aliases", "tags[KEY] with `--owner-tag KEY`"],
    }.get(name, [])
