"""The outcome of an object is that of its asset, and an ended asset that is there again becomes ACTIVE."""

import json
from typing import Any

import httpx2
import pytest

from app.ingest.hydrate.object_writer import WrittenObject, write_content
from app.ingest.load.api_client import ApiClient, Retry
from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.load.ended_assets import OwnedAssets
from app.ingest.load.source_load import ObjectContent, SourceContent
from graphql_schema.catalog.free_properties import ENDED

REPORT = "mlg://report/dbt/shop/r"


@pytest.mark.parametrize(
    ("asset", "results", "outcome"),
    [
        ("urn", [("asset", "UNCHANGED"), ("other", "CREATED")], "UNCHANGED"),
        ("urn", [("asset", "UNCHANGED"), ("asset", "CREATED"), ("asset", "UPDATED")], "CREATED"),
        (None, [("a", "UNCHANGED"), ("b", "UPDATED")], "UPDATED"),
        (None, [], "UNCHANGED"),
    ],
)
def test_the_outcome_is_that_of_the_asset(asset: str | None, results: list[tuple[str, str]], outcome: str) -> None:
    """Of several results the strongest one counts; an object without an asset has that of all it sent."""
    written = WrittenObject([ItemResult(*each) for each in results], "asset", asset)
    assert (written.outcome, written.failed) == (outcome, [])


async def test_an_ended_asset_comes_back() -> None:
    """Its stage is set after it was registered, as the import of the whole source does."""
    sent: list[Any] = []
    properties = [{"key": "dbt.project", "value": "shop"}, {"key": ENDED, "value": "true"}]

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        if "OwnAssets" in body["query"]:
            assert body["variables"] == {"ids": [REPORT]}
            return httpx2.Response(200, json={"data": {"nodes": [{"id": REPORT, "properties": properties}]}})
        items = body["variables"]["input"]["items"]
        sent.extend(items)
        results = [{"outcome": "UPDATED", "errors": []}] * len(items)
        return httpx2.Response(200, json={"data": {"registerAssets": {"results": results}}})

    item = ImportItem("exposure", {"report": {"id": REPORT}})
    owned = OwnedAssets("dbt", "shop", "dbt.project", frozenset({REPORT}))
    found = ObjectContent(SourceContent(items=[item], owned=owned), "exposure", REPORT)
    write = write_content(lambda *_: found)
    async with ApiClient("http://api", "t", Retry(tries=1), transport=httpx2.MockTransport(respond)) as client:
        written = await write(client, "exposure", "r")
    assert sent == [{"report": {"id": REPORT}}, {"report": {"id": REPORT, "stage": "ACTIVE"}}]
    assert (written.outcome, written.asset, written.failed) == ("UPDATED", REPORT, [])
