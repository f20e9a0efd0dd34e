"""The end of what a source no longer has: only its own assets, and only once."""

import json
from itertools import count
from typing import Any

import httpx2
import pytest

from app.ingest.load import ended_assets
from app.ingest.load.api_client import ApiClient, RequestRejectedError, Retry
from app.ingest.load.ended_assets import OwnedAssets, ending_items
from graphql_schema.catalog.free_properties import ENDED

OWN = "mlg://report/dbt/shop/"
MARK = {"key": "dbt.project", "value": "shop"}


def node(name: str, *properties: dict[str, str]) -> dict[str, Any]:
    """Return a stored report."""
    return {"id": OWN + name, "stage": "ACTIVE", "properties": [*properties]}


CONTESTED = ("contested", "contested before")

PAGES = [
    [
        node("present", MARK),
        node("gone", MARK),
        node("contested", MARK),
        {"id": OWN + "hidden", "stage": None, "properties": None},
    ],
    [
        node("of others"),
        node("back", MARK, {"key": ENDED, "value": "true"}),
        node("gone before", MARK, {"key": ENDED, "value": "true"}),
        node("contested before", MARK, {"key": ENDED, "value": "true"}),
        {"id": "mlg://feature-set/dbt/shop/gone", "stage": "ACTIVE", "properties": [MARK]},
    ],
]


async def test_own_assets_that_are_gone_end() -> None:
    """Assets without the mark, withheld ones, and those that ended before stay; one that is back becomes active."""
    requests: list[Any] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        variables = json.loads(request.content)["variables"]
        requests.append(variables["filter"])
        at = 0 if variables["after"] is None else 1
        page = {"nodes": PAGES[at], "pageInfo": {"hasNextPage": at == 0, "endCursor": "next"}}
        return httpx2.Response(200, json={"data": {"assets": page}})

    present, withheld = ({OWN + name for name in names} for names in (("present", "back"), CONTESTED))
    owned = OwnedAssets("dbt", "shop", "dbt.project", frozenset(present), frozenset(withheld))
    async with ApiClient("http://api", "t", Retry(tries=1), transport=httpx2.MockTransport(respond)) as client:
        returning, ending = await ending_items(client, owned)
    assert [item.value for item in returning] == [{"report": {"id": OWN + "back", "stage": "ACTIVE"}}]
    ended = [MARK, {"key": ENDED, "value": "true"}]
    assert [item.value for item in ending] == [
        {"report": {"id": OWN + "gone", "stage": "DEPRECATED", "properties": ended, "inputs": []}},
        {
            "featureSet": {
                "id": "mlg://feature-set/dbt/shop/gone",
                "stage": "DEPRECATED",
                "properties": ended,
                "derivedFrom": [],
            }
        },
    ]
    kinds = ["FEATURE_SET", "FEATURE", "WORKFLOW", "REPORT"]
    wanted = {"source": {"eq": "dbt"}, "namespace": {"eq": "shop"}, "kinds": kinds, "hydration": "FULL"}
    assert [{**each, "kinds": sorted(each["kinds"])} for each in requests] == [{**wanted, "kinds": sorted(kinds)}] * 2


@pytest.mark.parametrize(("step", "message"), [(0, "came twice"), (1, "more than 5 pages")])
async def test_pages_that_never_end_are_not_followed(step: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that comes twice, or more pages than a source can have assets for, is an error; nothing ends."""
    pages = count()
    monkeypatch.setattr(ended_assets, "MAX_PAGES", 5, raising=False)

    def respond(_: httpx2.Request) -> httpx2.Response:
        number = next(pages)
        assert number < 10, "the pages are followed without end"
        page_info = {"hasNextPage": True, "endCursor": str(number * step)}
        page = {"nodes": [node("gone", MARK)], "pageInfo": page_info}
        return httpx2.Response(200, json={"data": {"assets": page}})

    owned = OwnedAssets("dbt", "shop", "dbt.project", frozenset())
    async with ApiClient("http://api", "t", Retry(tries=1), transport=httpx2.MockTransport(respond)) as client:
        with pytest.raises(RequestRejectedError, match=message):
            await ending_items(client, owned)
