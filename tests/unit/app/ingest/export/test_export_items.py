"""What the export makes of responses that no small store gives; the rest is in tests/journeys/test_round_trip.py."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from app.ingest.export.export_items import Item, export_items
from app.ingest.load.api_client import ApiClient
from graphql_schema.catalog.inference_rules import RULES

FROM, TO = "mlg://dataset/test/default/a", "mlg://dataset/test/default/b"
TEAM = "mlg://team/catalog/default/many"


def page(*nodes: Mapping[str, Any], end: str | None = None) -> dict[str, Any]:
    """Return a page of a connection; ``end`` is its cursor if there are further pages."""
    return {"nodes": [*nodes], "pageInfo": {"hasNextPage": end is not None, "endCursor": end}}


async def exported(responses: Mapping[tuple[str, str | None], Any], *kinds: str) -> list[Item]:
    """Return the items of an API that responds by the name of the operation and the cursor, else with an empty page."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        name = body["query"].split("(")[0].split()[1]
        every = {"users": page(), "teams": page(), "domains": page(), "tags": page(), "assets": page()}
        return httpx2.Response(200, json={"data": responses.get((name, body["variables"]["after"]), every)})

    async with ApiClient("http://127.0.0.1", "t", transport=httpx2.MockTransport(respond)) as client:
        return [item async for item in export_items(client, frozenset(kinds))]


def edge(origin: str, enrichment: str) -> dict[str, Any]:
    """Return a neighbour of the dataset, with a property named like that of inferred edges."""
    plain = {"edgeId": "1", "confidence": None, "validFrom": None, "validTo": None, "runId": None}
    properties = [{"key": "enrichment", "value": enrichment}]
    return {**plain, "from": FROM, "to": TO, "relation": "DERIVES", "origin": origin, "properties": properties}


@pytest.mark.parametrize(
    ("origin", "enrichment", "left_out"),
    [
        ("INFERRED", RULES[0].name, True),
        ("INFERRED", ", ".join(rule.name for rule in RULES), True),
        ("DECLARED", RULES[0].name, False),
        ("INFERRED", "by our own model", False),
    ],
)
async def test_only_edges_of_the_inference_rules_are_left_out(
    origin: str,
    enrichment: str,
    left_out: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """An edge of a client is exported, also if it has the property that names the rules of an inferred edge."""
    node = {"id": FROM, "hydration": "STUB", "replacedBy": None, "downstream": page(edge(origin, enrichment))}
    items = await exported({("ExportDataset", None): {"assets": page(node)}}, "DATASET")
    assert [item["link"]["to"] for item in items] == ([] if left_out else [TO])


async def test_a_team_with_many_members_is_exported() -> None:
    """Members beyond the first page are read page by page; one such team once ended the whole export."""
    node = {"id": TEAM, "name": "many", "properties": None}
    members = {key: page({"id": f"mlg://user/test/default/{key}"}, end=key) for key in "ab"}
    last = page({"id": "mlg://user/test/default/c"})
    items = await exported(
        {
            ("ExportTeam", None): {"teams": page({**node, "members": members["a"]})},
            ("ExportTeamMembers", "a"): {"node": {"members": members["b"]}},
            ("ExportTeamMembers", "b"): {"node": {"members": last}},
        }
    )
    assert [[member["user"][-1] for member in item["team"]["members"]] for item in items] == [["a", "b", "c"]]
