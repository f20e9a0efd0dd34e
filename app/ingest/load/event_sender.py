"""Sends events of OpenLineage to the API in batches. Their order does not matter, so several batches are in flight."""

from collections.abc import AsyncIterator, Callable, Iterable

from app.ingest.load.api_client import ApiClient, RequestRejectedError
from app.ingest.load.batches import ImportItem, ItemResult, in_batches
from graphql_schema.ports.record import JsonObject

Observe = Callable[[ImportItem, JsonObject], None]
"""Receives each accepted event with the report of the API about it."""


async def send_events(
    client: ApiClient, items: Iterable[ImportItem], batch: int = 250, observe: Observe | None = None
) -> AsyncIterator[list[ItemResult]]:
    """Send the events in batches; yields the results of each batch when its response arrives.

    ``observe`` is called with each accepted event before the results of its batch are yielded.
    Raises UnreachableError or TokenRefusedError; rejected events are results.
    """

    async def send(events: list[ImportItem]) -> list[ItemResult]:
        return await _send(client, events, observe)

    async for results in in_batches(items, batch, send, lambda item: item.location):
        yield results


async def _send(client: ApiClient, events: list[ImportItem], observe: Observe | None) -> list[ItemResult]:
    """Send one batch; if the API rejects the whole request, halve it until the event at fault is alone."""
    try:
        body = await client.send_events([each.value for each in events])
    except RequestRejectedError as error:
        if len(events) == 1:
            return [ItemResult(events[0].location, "INVALID", (error.message,))]
        middle = len(events) // 2
        return await _send(client, events[:middle], observe) + await _send(client, events[middle:], observe)
    accepted = {each["index"]: each["outcome"] for each in body["events"]}
    if observe is not None:
        for each in body["events"]:
            observe(events[each["index"]], each)
    reasons = {each["index"]: (each["extensions"]["code"], each["reason"]) for each in body["failed_events"]}
    return [
        ItemResult(event.location, accepted[index])
        if index in accepted
        else ItemResult(event.location, reasons[index][0], (reasons[index][1],))
        for index, event in enumerate(events)
    ]
