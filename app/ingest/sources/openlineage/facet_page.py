"""The page docs/openlineage-facets.md, made of the table of facets: run this module to write it."""

from pathlib import Path, PurePath

from app.ingest.sources.openlineage.facet_table import DATASET, JOB, KEPT, RUN, FacetRule

PAGE = Path(__file__).parents[4] / "docs/openlineage-facets.md"

_OTHER = PurePath("docs/openlineage.md")

_HEAD = f"""# Facets of OpenLineage

How each facet of an event becomes a value, an edge or a check. [The other page]({_OTHER.name}) describes the rest of
an event. This page is made of the table that maps the facets: `python -m app.ingest.sources.openlineage.facet_page`
writes it.

A facet of a dataset or a job with `"_deleted": true` removes what the third column names, as far as events gave it: the
latest event counts, whether it gives or removes. What a client registered remains, and so do edges between assets.
"""


def page() -> str:
    """Return the text of the page."""
    tables = (
        ("Datasets, inputs and outputs", DATASET),
        ("Jobs", JOB),
        ("Runs", RUN),
        ("Every other facet", (KEPT,)),
    )
    return "\n".join([_HEAD, *(_section(title, rules) for title, rules in tables)])


def _section(title: str, rules: tuple[FacetRule, ...]) -> str:
    rows = [f"| {f'`{rule.name}`' if rule.name else 'any'} | {rule.becomes} | {_removed(rule)} |" for rule in rules]
    return "\n".join([f"## {title}", "| facet | becomes | `_deleted` removes |", "|---|---|---|", *rows, ""])


def _removed(rule: FacetRule) -> str:
    return ", ".join(f"`{name}`" for name in rule.removable)


if __name__ == "__main__":
    PAGE.write_text(page())
