"""The published DataHub showcase: its files, the results of an independent script on them, and its items."""

import json
from pathlib import Path
from typing import Any

from app.ingest.load.batches import ImportItem
from app.ingest.sources.datahub.aspect_files import read_estate
from app.ingest.sources.datahub.mapping import map_estate
from graphql_schema.catalog.urn import parse_urn

SHOWCASE = Path(__file__).parents[2] / "data" / "datahub_showcase"
ECOMMERCE = SHOWCASE / "showcase_ecommerce"
FILES = [ECOMMERCE / "index.json", SHOWCASE / "ml_showcase.json"]
EXPECTED: dict[str, Any] = json.loads((SHOWCASE / "expected.json").read_text())


def showcase_items() -> list[dict[str, Any]]:
    """Return the showcase as items to register."""
    return [dict(entry.value) for entry in map_estate(read_estate(FILES)) if isinstance(entry, ImportItem)]


def team_only(urn: str) -> dict[str, Any]:
    """Return the item that hides an asset from every caller outside its team, except auditors and admins."""
    kind = parse_urn(urn).kind
    return {kind[0].lower() + kind[1:]: {"id": urn, "visibility": "TEAM"}}
