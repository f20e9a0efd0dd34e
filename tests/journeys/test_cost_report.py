"""A client asks for the cost of an operation: beside its result, or without executing it."""

from typing import Any

import pytest
from support.servers.in_process import Api

LIST = "{ assets(first: 10) { nodes { id displayName } } }"
WRITE = 'mutation { registerDataset(input: {id: "mlg://dataset/test/default/priced"}) { outcome } }'


async def priced(api: Api, document: str, preference: str) -> dict[str, Any]:
    """Return the response to a request with a preference."""
    headers = {"Authorization": f"Bearer {api.tokens['ada']}", "Prefer": preference}
    body: dict[str, Any] = (await api.http.post("/graphql", json={"query": document}, headers=headers)).json()
    return body


async def test_the_cost_comes_with_the_result(api: Api) -> None:
    """The estimate counts the page and its values by hand; what was used are the items of the response."""
    await api.load(*({"dataset": {"id": f"mlg://dataset/test/default/c{number}"}} for number in range(3)))
    body = await priced(api, LIST, "cost")
    cost = body["extensions"]["cost"]
    assert cost["estimate"] == {"objects": 1 + 10, "values": 2 * 10, "introspection": 0}
    assert cost["limits"]["objects"] == 50_000
    assert cost["used"]["items"] == len(body["data"]["assets"]["nodes"])
    assert "cost" not in (await api.send("ada", LIST)).get("extensions", {})


@pytest.mark.parametrize("document", [LIST, WRITE], ids=["query", "mutation"])
async def test_an_operation_is_priced_without_its_execution(api: Api, document: str) -> None:
    """Nothing is read or written, and there is no data."""
    body = await priced(api, document, "cost=only")
    assert body["data"] is None
    assert "errors" not in body
    assert set(body["extensions"]["cost"]["used"].values()) == {0}
    assert (await api.ask("ada", '{ asset(id: "mlg://dataset/test/default/priced") { id } }'))["asset"] is None


async def test_an_operation_over_the_limit_is_refused_with_its_cost(api: Api) -> None:
    """The estimate is returned beside the error, so that a client can choose a smaller page."""
    wide = "{ assets(first: 500) { nodes { ownerTeam { assets(first: 500) { nodes { id } } } } } }"
    body = await priced(api, wide, "cost")
    assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert body["extensions"]["cost"]["estimate"]["objects"] > body["extensions"]["cost"]["limits"]["objects"]
