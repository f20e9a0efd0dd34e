"""The page docs/dbt-mapping.md, made of the tables of rules: run this module to write it."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from app.ingest.sources.dbt.dbt_names import NAMESPACES
from app.ingest.sources.dbt.own_assets import REPORT_RULES
from app.ingest.sources.dbt.results import CHECK_STATUSES, FRESHNESS_STATUSES, RUN_STATES
from app.ingest.sources.dbt.table_facets import TABLE_RULES

PAGE = Path(__file__).parents[4] / "docs/dbt-mapping.md"

_OTHER = PurePath("docs/dbt.md")

_HEAD = f"""# What dbt's artifacts become

How each member of an artifact becomes a value, an edge or a check. [The other page]({_OTHER.name}) describes the
import. This page is made of the tables that map the artifacts: `python -m app.ingest.sources.dbt.dbt_page` writes
it.
"""


def page() -> str:
    """Return the text of the page."""
    tables = (
        ("Tables: models, seeds, snapshots and sources", ("member", "becomes"), _of_tables()),
        ("Reports", ("resource", "becomes"), ((f"`{rule.resource}`", rule.becomes) for rule in REPORT_RULES)),
        ("States of runs", ("status of a result", "state of the run"), _by_status(RUN_STATES)),
        ("Statuses of checks", ("status of a test", "status of the check"), _by_status(CHECK_STATUSES)),
        ("Statuses of freshness", ("status of a source", "status of the check"), _by_status(FRESHNESS_STATUSES)),
        ("Namespaces of tables", ("adapter", "`--namespace`"), _by_status(NAMESPACES)),
    )
    return "\n".join([_HEAD, *(_section(title, head, rows) for title, head, rows in tables)])


def _of_tables() -> Iterable[tuple[str, str]]:
    return ((rule.members, rule.becomes) for rule in TABLE_RULES)


def _by_status(table: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((f"`{key}`", f"`{value}`") for key, value in table.items())


def _section(title: str, head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |" for left, right in rows]
    return "\n".join([f"## {title}", f"| {head[0]} | {head[1]} |", "|---|---|", *lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
