"""Reports results of checks in batches: several calls of `reportCheck` in one request."""

from collections.abc import AsyncIterator, Iterable
from functools import cache

from app.ingest.load.api_client import ApiClient, RequestRejectedError
from app.ingest.load.batches import ImportItem, ItemResult, in_batches, reasons_of

MAX_CALLS = 25
"""Maximum number of calls in one request; the API by default accepts up to 30 aliases in a document."""


async def send_checks(client: ApiClient, results: Iterable[ImportItem]) -> AsyncIterator[list[ItemResult]]:
    """Report results of checks, inputs of `reportCheck`; yields the outcomes of each request when its response arrives.

    A result that is new or other than the stored one is CREATED, else UNCHANGED. Each needs ``observedAt``, so that a
    repetition is the same result. Raises UnreachableError or TokenRefusedError; rejected results are outcomes.
    """

    async def send(items: list[ImportItem]) -> list[ItemResult]:
        return await _send(client, items)

    def check_of(item: ImportItem) -> object:
        return item.value["asset"], item.value["check"]

    async for outcomes in in_batches(results, MAX_CALLS, send, check_of):
        yield outcomes


async def _send(client: ApiClient, items: list[ImportItem]) -> list[ItemResult]:
    """Send one request; if the API rejects it as a whole, halve it until the result at fault is alone."""
    try:
        data = await client.execute(_document(len(items)), {f"i{at}": item.value for at, item in enumerate(items)})
    except RequestRejectedError as error:
        if len(items) == 1:
            return [ItemResult(items[0].location, "INVALID", (error.message,))]
        middle = len(items) // 2
        return await _send(client, items[:middle]) + await _send(client, items[middle:])
    return [_outcome(item, data[f"c{at}"]) for at, item in enumerate(items)]


def _outcome(item: ImportItem, payload: dict[str, object]) -> ItemResult:
    reasons = reasons_of(payload)
    if reasons:
        return ItemResult(item.location, reasons[0].partition(":")[0], reasons)
    return ItemResult(item.location, "CREATED" if payload["changed"] else "UNCHANGED")


@cache
def _document(calls: int) -> str:
    variables = ", ".join(f"$i{at}: ReportCheckInput!" for at in range(calls))
    fields = " ".join(
        f"c{at}: reportCheck(input: $i{at}) {{ changed errors {{ code message inputPath }} }}" for at in range(calls)
    )
    return f"mutation Checks({variables}) {{ {fields} }}"
