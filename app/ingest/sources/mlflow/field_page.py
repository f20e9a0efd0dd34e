"""The page docs/mlflow-fields.md, made of the table of fields: run this module to write it."""

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

from app.ingest.sources.mlflow.field_table import DATASET, EXPERIMENT, LOGGED_MODEL, MODEL, RUN, VERSION, FieldRule, R

PAGE: Final = Path(__file__).parents[4] / "docs/mlflow-fields.md"

_OTHER: Final = PurePath("docs/mlflow.md")

_HEAD: Final = f"""# Fields of MLflow

How each field of a registry becomes a value, an edge or a property. [The other page]({_OTHER.name}) describes the
import. This page is made of the table that maps the fields: `python -m app.ingest.sources.mlflow.field_page` writes it.
NAMESPACE is that of `--namespace`, `default` without one.
"""


def page() -> str:
    """Return the text of the page."""
    sections = (
        _section("Experiments", EXPERIMENT),
        _section("Runs", RUN),
        _section("Data sets of runs", DATASET),
        _section("Logged models", LOGGED_MODEL),
        _section("Registered models", MODEL),
        _section("Versions of registered models", VERSION),
    )
    return "\n".join([_HEAD, *sections])


def _section(title: str, rules: Sequence[FieldRule[R]]) -> str:
    rows = [f"| {rule.names} | {rule.becomes} |" for rule in rules]
    return "\n".join([f"## {title}", "| field | becomes |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
