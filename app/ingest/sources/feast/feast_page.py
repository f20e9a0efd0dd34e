"""The page docs/feast-mapping.md, made of the rules of data sources: run this module to write it."""

from pathlib import Path, PurePath

from app.ingest.sources.feast.feast_sources import SOURCE_RULES
from app.ingest.sources.feast.registry import VIEWS

PAGE = Path(__file__).parents[4] / "docs/feast-mapping.md"

_OTHER = PurePath("docs/feast.md")

_HEAD = f"""# What a Feast registry becomes

How the data behind a data source is named, and which sections hold views. [The other page]({_OTHER.name}) describes
the import. This page is made of the rules: `python -m app.ingest.sources.feast.feast_page` writes it.
"""


def page() -> str:
    """Return the text of the page."""
    sources = [f"| `{rule.type}` | {rule.becomes} |" for rule in SOURCE_RULES]
    views = [f"| `{section}` | {kind} |" for section, kind in VIEWS.items()]
    return "\n".join(
        [
            _HEAD,
            "## Data sources",
            "| type | namespace and name of the dataset |",
            "|---|---|",
            *sources,
            "| every other, and a query | `feast://PROJECT` and the name of the source |",
            "",
            "## Views",
            "| section of the registry | `feast.kind` of the FeatureSet |",
            "|---|---|",
            *views,
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
