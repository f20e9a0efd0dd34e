"""Registers a stream of items of any length: batches, several in flight, one outcome per item.

Memory holds the batches in flight and no more. References may arrive before their registration, so batches need no
order among themselves; two batches that name the same asset or edge are the exception and wait for one another.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.ingest.load.api_client import ApiClient, RequestRejectedError

MAX_BATCH_SIZE = 1000
"""Items that the API takes in one request."""

DONE = "DONE"
"""The outcome of a call that is not about an item and was not refused."""

_BATCH_BYTES = 3 << 20
_IN_FLIGHT = 3

_REGISTER = """mutation Import($input: RegisterAssetsInput!) {
  registerAssets(input: $input) {
    results { outcome errors { code message inputPath } }
    created updated unchanged failed
  }
}"""


@dataclass(frozen=True, slots=True)
class ImportItem:
    """One ``AssetInput`` object and where it was read, such as ``assets.jsonl:7``."""

    where: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item or call: CREATED, UPDATED, UNCHANGED, DONE, or why not."""

    where: str
    outcome: str
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _Batch:
    items: list[ImportItem] = field(default_factory=list)
    names: set[object] = field(default_factory=set)
    size: int = 0

    def add(self, item: ImportItem, size: int) -> None:
        self.items.append(item)
        self.names.add(identity(item.value))
        self.size += size


def identity(value: Mapping[str, Any]) -> object:
    """Name what the item is about: the edge of a link, else the id or the parts that stand for it."""
    kind, body = next(iter(value.items()))
    if not isinstance(body, Mapping):
        return None
    keys = ("relation", "from", "to") if kind == "link" else ("source", "namespace", "name", "version")
    return body.get("id") or (kind, *(str(body.get(key)) for key in keys))


async def register(client: ApiClient, items: Iterable[ImportItem], batch: int = 250) -> AsyncIterator[list[ItemResult]]:
    """Send the items; yields the results of each batch as it is answered, in no particular order of batches."""
    pending: dict[asyncio.Task[list[ItemResult]], set[object]] = {}
    try:
        for ready in _batches(items, min(batch, MAX_BATCH_SIZE)):
            while len(pending) >= _IN_FLIGHT or any(names & ready.names for names in pending.values()):
                for results in await _finished(pending):
                    yield results
            pending[asyncio.create_task(_send(client, ready.items))] = ready.names
        while pending:
            for results in await _finished(pending):
                yield results
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _finished(pending: dict[asyncio.Task[list[ItemResult]], set[object]]) -> list[list[ItemResult]]:
    done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        del pending[task]
    return [task.result() for task in done]


def _batches(items: Iterable[ImportItem], most: int) -> Iterator[_Batch]:
    batch = _Batch()
    for item in items:
        size = len(orjson.dumps(item.value))
        if batch.items and (len(batch.items) >= most or batch.size + size > _BATCH_BYTES):
            yield batch
            batch = _Batch()
        batch.add(item, size)
    if batch.items:
        yield batch


async def _send(client: ApiClient, items: list[ImportItem]) -> list[ItemResult]:
    """Register one batch; when the API refuses it as a whole, halve it until the item that is wrong stands alone."""
    try:
        data = await client.execute(_REGISTER, {"input": {"items": [item.value for item in items]}})
    except RequestRejectedError as error:
        if len(items) == 1:
            return [ItemResult(items[0].where, "INVALID", (error.message,))]
        middle = len(items) // 2
        return await _send(client, items[:middle]) + await _send(client, items[middle:])
    answers = data["registerAssets"]["results"]
    return [
        ItemResult(item.where, answer["outcome"], reasons(answer)) for item, answer in zip(items, answers, strict=True)
    ]


def reasons(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Put the errors of a payload into words."""
    return tuple(
        f"{error['code']}: {error['message']}" + (f" (at {'.'.join(error['inputPath'])})" if error["inputPath"] else "")
        for error in answer["errors"]
    )
