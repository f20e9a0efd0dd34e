"""The page of the mapping is that of the tables of rules."""

from pathlib import Path

from app.ingest.sources.dbt.dbt_page import PAGE, page


def test_the_page_is_made_of_the_tables() -> None:
    """docs/dbt-mapping.md is the text that the module writes, word for word."""
    assert Path(__file__).parents[6] / "docs/dbt-mapping.md" == PAGE
    assert PAGE.read_text() == page()
