"""Results of checks in batches: one outcome for each, and a request that is rejected as a whole is halved."""

import json
from typing import Any

import httpx2

from app.ingest.load.api_client import ApiClient, Retry
from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.load.check_sender import MAX_CALLS, send_checks


def results(number: int) -> list[ImportItem]:
    """Return results of as many checks; each has its number as value."""
    return [ImportItem(f"t{at}", {"asset": "a", "check": f"c{at}", "value": at}) for at in range(number)]


class Server:
    """Accepts results with an even value, rejects odd ones, and a whole request with the value 4 and another one."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def respond(self, request: httpx2.Request) -> httpx2.Response:
        """Return a payload for each alias."""
        variables = json.loads(request.content)["variables"]
        self.sizes.append(len(variables))
        values = {key: each["value"] for key, each in variables.items()}
        if 4 in values.values() and len(values) > 1:
            return httpx2.Response(400, json={"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]})
        return httpx2.Response(200, json={"data": {f"c{key[1:]}": self.payload(at) for key, at in values.items()}})

    def payload(self, value: int) -> dict[str, Any]:
        """Return the payload of one result."""
        error = {"code": "DENIED", "message": "not yours", "inputPath": ["asset"]}
        return {"changed": value == 0, "errors": [error] if value % 2 else []}


async def sent(server: Server, items: list[ImportItem]) -> list[ItemResult]:
    """Return the outcomes of results, by location."""
    transport = httpx2.MockTransport(server.respond)
    async with ApiClient("http://api", "token", Retry(tries=1), transport=transport) as client:
        found = [each async for outcomes in send_checks(client, items) for each in outcomes]
    return sorted(found, key=lambda each: each.location)


async def test_each_result_has_an_outcome() -> None:
    """A new result is CREATED, a stored one UNCHANGED, and a rejected one has its code and reason."""
    denied = ("DENIED: not yours (at asset)",)
    assert await sent(Server(), results(5)) == [
        ItemResult("t0", "CREATED"),
        ItemResult("t1", "DENIED", denied),
        ItemResult("t2", "UNCHANGED"),
        ItemResult("t3", "DENIED", denied),
        ItemResult("t4", "UNCHANGED"),
    ]


async def test_a_request_has_few_calls() -> None:
    """The API limits the aliases of a document."""
    server = Server()
    assert len(await sent(server, [each for each in results(2 * MAX_CALLS + 2) if each.location != "t4"])) == 51
    assert sorted(server.sizes) == [1, MAX_CALLS, MAX_CALLS]


async def test_a_refused_result_alone_is_an_outcome() -> None:
    """A request that is refused with a single result is the outcome of this result."""
    refusal = httpx2.Response(400, json={"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]})
    async with ApiClient(
        "http://api", "t", Retry(tries=1), transport=httpx2.MockTransport(lambda _: refusal)
    ) as client:
        found = [each async for outcomes in send_checks(client, results(1)) for each in outcomes]
    assert found == [ItemResult("t0", "INVALID", ("no",))]
