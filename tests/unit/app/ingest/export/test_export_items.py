"""What the export makes of responses that no small store gives; the rest is in tests/journeys/test_round_trip.py."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from app.ingest.export.export_items import UnreadItem, export_items
from app.ingest.load.api_client import ApiClient, RequestRejectedError
from graphql_schema.catalog.inference_rules import RULES

FROM, TO = "mlg://dataset/test/default/a", "mlg://dataset/test/default/b"
TEAM = "mlg://team/catalog/default/many"


def page(*nodes: Mapping[str, Any], end: str | None = None) -> dict[str, Any]:
    """Return a page of a connection; ``end`` is its cursor if there are further pages."""
    return {"nodes": [*nodes], "pageInfo": {"hasNextPage": end is not None, "endCursor": end}}


async def exported(responses: Mapping[tuple[str, str | None], Any], *kinds: str) -> list[Any]:
    """Return the items of an API that responds by the name of the operation and the cursor, else with an empty page."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        name = body["query"].split("(")[0].split()[1]
        every = {"users": page(), "teams": page(), "domains": page(), "tags": page(), "assets": page()}
        data = responses.get((name, body["variables"]["after"]), every)
        return httpx2.Response(200, json=failing("It cannot be read.") if data == "fails" else {"data": data})

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


def failing(message: str, data: object = None) -> dict[str, Any]:
    """Return the response to an executed operation of which a field failed."""
    return {"data": data, "errors": [{"message": message, "path": ["assets"], "extensions": {"code": "UNREADABLE"}}]}


@pytest.mark.parametrize("broken", range(3))
async def test_an_unreadable_item_is_named_and_the_others_are_exported(broken: int) -> None:
    """Of three teams on two pages one cannot be read: it is named with its reason, and the others are exported."""
    ids = [f"mlg://team/catalog/default/{name}" for name in "abc"]
    pages = {None: (ids[:2], "p"), "p": (ids[2:], None)}
    sent = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        name, variables = body["query"].split("(")[0].split()[1], body["variables"]
        if not name.startswith("ExportTeam"):
            every = {"users": page(), "domains": page(), "tags": page(), "assets": page()}
            return httpx2.Response(200, json={"data": every})
        sent.append((name, variables))
        after = variables["after"]
        if name == "ExportTeamIds":
            here, end = pages[after]
            edges = [{"cursor": f"after {urn}", "node": {"id": urn}} for urn in here]
            found = {"edges": edges, "pageInfo": {"hasNextPage": end is not None, "endCursor": end}}
            return httpx2.Response(200, json={"data": {"teams": found}})
        if "first" in variables:
            start = {None: 0, f"after {ids[0]}": 1, "p": 2}[after]
            here, end = [ids[start]], "next"
        else:
            here, end = pages[after]
        if ids[broken] in here:
            return httpx2.Response(200, json=failing("It cannot be read.", {"teams": None}))
        nodes = [{"id": urn, "name": urn[-1], "properties": None, "members": page()} for urn in here]
        return httpx2.Response(200, json={"data": {"teams": page(*nodes, end=end)}})

    async with ApiClient("http://127.0.0.1", "t", transport=httpx2.MockTransport(respond)) as client:
        items = [item async for item in export_items(client)]
    expected = [UnreadItem(urn, "It cannot be read.") if urn == ids[broken] else urn for urn in ids]
    assert [item if isinstance(item, UnreadItem) else item["team"]["id"] for item in items] == expected


async def test_a_rejected_document_ends_the_export() -> None:
    """A server that does not know a field of the export rejects each document, so the export ends at once."""
    rejected = httpx2.Response(200, json={"errors": [{"message": "Unknown.", "extensions": {"code": "BAD_REQUEST"}}]})
    async with ApiClient("http://127.0.0.1", "t", transport=httpx2.MockTransport(lambda _: rejected)) as client:
        with pytest.raises(RequestRejectedError, match="Unknown"):
            [item async for item in export_items(client)]


async def test_an_item_whose_further_pages_fail_is_named() -> None:
    """A team whose further members cannot be read is left out as a whole, and the next team is exported."""
    first = {"id": TEAM, "name": "many", "properties": None, "members": page({"id": "u"}, end="a")}
    second = {**first, "id": "mlg://team/catalog/default/few", "members": page()}
    items = await exported({("ExportTeam", None): {"teams": page(first, second)}, ("ExportTeamMembers", "a"): "fails"})
    assert items[0] == UnreadItem(TEAM, "It cannot be read.")
    assert [item["team"]["id"] for item in items[1:]] == [second["id"]]
