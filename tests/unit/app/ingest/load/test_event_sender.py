"""Events in batches: one result for each, and a request that is rejected as a whole is halved."""

import json
from typing import Any

import httpx2

from app.ingest.load.api_client import ApiClient, Retry
from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.load.event_sender import send_events

ITEMS = [ImportItem(f"f:{number}", {"number": number}) for number in range(5)]


def accepting(request: httpx2.Request) -> httpx2.Response:
    """Accept even events, reject odd ones; refuse a request with the event 4 and another one."""
    assert request.url.path == "/api/v1/lineage/batch"
    numbers = [each["number"] for each in json.loads(request.content)]
    if 4 in numbers and len(numbers) > 1:
        return httpx2.Response(
            413, json={"errors": [{"message": "too large", "extensions": {"code": "LIMIT_EXCEEDED"}}]}
        )
    failed: list[Any] = [
        {"index": index, "reason": "odd", "extensions": {"code": "INVALID"}}
        for index, number in enumerate(numbers)
        if number % 2
    ]
    events = [{"index": index, "outcome": "CREATED"} for index, number in enumerate(numbers) if not number % 2]
    return httpx2.Response(207, json={"failed_events": failed, "events": events})


async def results(batch: int) -> list[ItemResult]:
    """Return the results of all events, by location."""
    transport = httpx2.MockTransport(accepting)
    async with ApiClient("http://api", "token", Retry(tries=1), transport=transport) as client:
        found = [result async for batch_results in send_events(client, ITEMS, batch) for result in batch_results]
    return sorted(found, key=lambda result: result.location)


async def test_each_event_has_a_result() -> None:
    """Rejected events have their code and reason, whatever batch they were in."""
    expected = [
        ItemResult(f"f:{number}", *(("INVALID", ("odd",)) if number % 2 else ("CREATED",))) for number in range(5)
    ]
    assert await results(2) == expected
    assert await results(5) == expected


async def test_a_refused_event_alone_is_a_result() -> None:
    """A request that is refused with a single event is the result of this event."""
    refusal = httpx2.Response(400, json={"errors": [{"message": "no", "extensions": {"code": "BAD_REQUEST"}}]})
    transport = httpx2.MockTransport(lambda _: refusal)
    async with ApiClient("http://api", "token", Retry(tries=1), transport=transport) as client:
        found = [result async for each in send_events(client, ITEMS[:1]) for result in each]
    assert found == [ItemResult("f:0", "INVALID", ("no",))]
