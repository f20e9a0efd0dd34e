"""Registers a stream of items of any length: in batches, several in flight, with one outcome per item.

Only the batches in flight and the next one are in memory. Batches need no order, because a reference may arrive before
its registration. The exception is two batches with items of the same `identity`: the second waits for the first.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import orjson

from app.ingest.load.api_client import ApiClient, RequestRejectedError
from graphql_schema.ports.record import Record

MAX_BATCH_SIZE = 1000
"""Maximum number of items that the API accepts in one request."""

DONE = "DONE"
"""The outcome of a scenario call that succeeded."""

_TOO_DEEP = "its values are nested too deeply, more than 250 levels; make them flat, or write them as a text"

_UNWRITABLE = "one of its values cannot be written as JSON"

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
    """One object to send, and the ``location`` that it was read from, such as ``assets.jsonl:7``.

    The object is an ``AssetInput``, an event of OpenLineage, or an input of `reportCheck`.
    """

    location: str
    value: Record


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The outcome of one item or call: CREATED, UPDATED, UNCHANGED or DONE, else a failure.

    The outcome of a failure is another `Outcome`, such as DENIED, or the code of an error; it has reasons.
    """

    location: str
    outcome: str
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _ItemBatch:
    """The items of a batch, and in ``refused`` the results of those before its last one that cannot be sent."""

    items: list[ImportItem] = field(default_factory=list)
    refused: list[ItemResult] = field(default_factory=list)
    names: set[object] = field(default_factory=set)
    size: int = 0

    def add(self, item: ImportItem, size: int, name: object) -> None:
        self.items.append(item)
        self.names.add(name)
        self.size += size


def identity(value: Record) -> object:
    """Return the identity of an item: its id, or without an id its kind, source, namespace, name and version.

    That of a link is relation, ``from`` and ``to``. Return None if the value of the only key is no object.
    """
    kind, body = next(iter(value.items()))
    if not isinstance(body, Mapping):
        return None
    keys = ("relation", "from", "to") if kind == "link" else ("source", "namespace", "name", "version")
    given = body.get("id")
    return str(given) if given else (kind, *(str(body.get(key)) for key in keys))


async def register(client: ApiClient, items: Iterable[ImportItem], batch: int = 250) -> AsyncIterator[list[ItemResult]]:
    """Send the items in batches; yields the results of each batch when its response arrives.

    A batch has at most ``batch`` items, and never more than MAX_BATCH_SIZE. Raises UnreachableError or
    TokenRefusedError; rejected items are results.
    """
    async for results in in_batches(items, batch, partial(_send, client), lambda item: identity(item.value)):
        yield results


Send = Callable[[list[ImportItem]], Awaitable[list[ItemResult]]]
"""Sends the items of one batch, and returns their results."""


async def in_batches(
    items: Iterable[ImportItem], batch: int, send: Send, name_of: Callable[[ImportItem], object]
) -> AsyncIterator[list[ItemResult]]:
    """Send the items in batches, several in flight; yields the results of each batch when its response arrives.

    Two batches with items of the same name, by ``name_of``, are sent one after the other. Raises the errors of
    ``send``.
    """
    pending: dict[asyncio.Future[list[ItemResult]], set[object]] = {}
    try:
        for ready in _batches(items, min(batch, MAX_BATCH_SIZE), name_of):
            if ready.refused:
                yield ready.refused
            if not ready.items:
                continue
            while len(pending) >= _IN_FLIGHT or any(names & ready.names for names in pending.values()):
                for results in await _finished(pending):
                    yield results
            pending[asyncio.ensure_future(send(ready.items))] = ready.names
        while pending:
            for results in await _finished(pending):
                yield results
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _finished(pending: dict[asyncio.Future[list[ItemResult]], set[object]]) -> list[list[ItemResult]]:
    done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        del pending[task]
    return [task.result() for task in done]


def _batches(
    items: Iterable[ImportItem], max_items: int, name_of: Callable[[ImportItem], object]
) -> Iterator[_ItemBatch]:
    batch = _ItemBatch()
    for item in items:
        try:
            size = len(orjson.dumps(item.value))
        except TypeError as error:
            reason = _TOO_DEEP if "Recursion" in str(error) else f"{_UNWRITABLE} ({error}); correct it in the source"
            batch.refused.append(ItemResult(item.location, "INVALID", (reason,)))
            continue
        if batch.items and (len(batch.items) >= max_items or batch.size + size > _BATCH_BYTES):
            yield batch
            batch = _ItemBatch()
        batch.add(item, size, name_of(item))
    if batch.items or batch.refused:
        yield batch


async def _send(client: ApiClient, items: list[ImportItem]) -> list[ItemResult]:
    """Register one batch; if the API rejects the whole batch, halve it until the invalid item is alone."""
    try:
        data = await client.execute(_REGISTER, {"input": {"items": [item.value for item in items]}})
    except RequestRejectedError as error:
        if len(items) == 1:
            return [ItemResult(items[0].location, "INVALID", (error.message,))]
        middle = len(items) // 2
        return await _send(client, items[:middle]) + await _send(client, items[middle:])
    results = data["registerAssets"]["results"]
    return [
        ItemResult(item.location, each["outcome"], reasons_of(each)) for item, each in zip(items, results, strict=True)
    ]


def reasons_of(payload: Record) -> tuple[str, ...]:
    """Return one text per error of a payload: its code, its message, and the path of the input if it has one."""
    return tuple(
        f"{error['code']}: {error['message']}" + (f" (at {'.'.join(error['inputPath'])})" if error["inputPath"] else "")
        for error in payload["errors"]
    )
