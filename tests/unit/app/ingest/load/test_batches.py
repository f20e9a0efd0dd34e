"""Batches: items of any number, registered a few batches at a time, with one result for each."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from app.ingest.load.api_client import ApiClient, RequestRejectedError, UnreachableError
from app.ingest.load.batches import ImportItem, ItemResult, identity, reasons_of, register

FEEDS_A_B = {"link": {"relation": "FEEDS", "from": "a", "to": "b"}}


class Registry:
    """Replaces the API: registers items by name; rejects a request with an unknown field as a whole."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.running = 0
        self.peak = 0

    async def execute(self, _document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return one result for each item of the request."""
        items = [next(iter(item.values())) for item in variables["input"]["items"]]
        self.running += 1
        self.peak = max(self.peak, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if any("nmae" in item for item in items):
            raise RequestRejectedError("Unknown field `nmae`.")
        self.batches.append([item["name"] for item in items])
        return {"registerAssets": {"results": [result(item["name"]) for item in items]}}


def result(name: str) -> dict[str, Any]:
    """Return the result of an item; one that is called ``denied`` is denied."""
    if name != "denied":
        return {"outcome": "CREATED", "errors": []}
    error = {"code": "DENIED", "message": "Not yours.", "inputPath": ["dataset", "owners", "0"]}
    return {"outcome": "DENIED", "errors": [error]}


def dataset(name: object, **values: Any) -> ImportItem:
    """Return an item whose place in its file is its name."""
    return ImportItem(str(name), {"dataset": {"source": "test", "name": str(name), **values}})


async def registered(
    registry: object, items: Iterator[ImportItem] | list[ImportItem], batch: int = 250
) -> list[ItemResult]:
    """Register the items and return all results."""
    found = register(cast("ApiClient", registry), items, batch)
    return [one async for results in found for one in results]


async def test_each_item_has_a_result() -> None:
    """The result carries the place of the item, its outcome, and its errors in words."""
    results = await registered(Registry(), [dataset("a"), dataset("denied")])
    assert results == [
        ItemResult("a", "CREATED"),
        ItemResult("denied", "DENIED", ("DENIED: Not yours. (at dataset.owners.0)",)),
    ]


async def test_items_are_sent_in_batches() -> None:
    """A batch has the given size, and never more than the API accepts."""
    registry = Registry()
    await registered(registry, [dataset(number) for number in range(5)], batch=2)
    assert [len(names) for names in registry.batches] == [2, 2, 1]
    large = Registry()
    await registered(large, [dataset(number) for number in range(1_001)], batch=5_000)
    assert sorted(len(names) for names in large.batches) == [1, 1_000]


async def test_a_batch_has_at_most_3_mib() -> None:
    """The body of a request is limited by the API; a single larger item is sent by itself."""
    registry = Registry()
    large = "x" * (1 << 20)
    await registered(registry, [dataset("a", x=large), dataset("b", x=large), dataset("c", x=large * 4), dataset("d")])
    assert sorted(registry.batches) == [["a", "b"], ["c"], ["d"]]


async def test_three_batches_are_in_flight_at_most() -> None:
    """The next batch is sent as soon as one is done."""
    registry = Registry()
    await registered(registry, [dataset(number) for number in range(10)], batch=1)
    assert registry.peak == 3


async def test_memory_does_not_grow_with_the_number_of_items() -> None:
    """Items are read only as earlier ones are done: of 2,000, never more than four batches are held."""
    read, done, held = 0, 0, []

    def stream() -> Iterator[ImportItem]:
        nonlocal read
        for read in range(1, 2_001):
            held.append(read - done)
            yield dataset(read)

    async for results in register(cast("ApiClient", Registry()), stream(), 50):
        done += len(results)
    assert done == 2_000
    assert max(held) <= 4 * 50 + 1


async def test_an_item_that_is_no_input_does_not_fail_its_batch() -> None:
    """The API rejects a request with an unknown field; the batch is halved until that item is alone."""
    items = [dataset(number) for number in range(20)]
    items[13] = ImportItem("13", {"dataset": {"nmae": "x"}})
    results = {one.location: one for one in await registered(Registry(), items)}
    assert results["13"] == ItemResult("13", "INVALID", ("Unknown field `nmae`.",))
    assert sum(one.outcome == "CREATED" for one in results.values()) == 19


async def test_batches_with_the_same_asset_are_sent_one_after_the_other() -> None:
    """The later registration of an asset wins, as in the order of the file."""

    class Slow(Registry):
        async def execute(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
            for _ in range(int(variables["input"]["items"][0]["dataset"]["name"])):
                await asyncio.sleep(0)
            return await super().execute(document, variables)

    registry = Slow()
    same = [dataset(number, id="mlg://dataset/test/default/same") for number in (9, 5, 1)]
    await registered(registry, same, batch=1)
    assert registry.batches == [["9"], ["5"], ["1"]]


async def test_a_failure_ends_the_import() -> None:
    """The error of one request is raised, and requests that are under way are cancelled."""

    class Away(Registry):
        async def execute(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
            if variables["input"]["items"][0]["dataset"]["name"] == "1":
                raise UnreachableError("No API.")
            await asyncio.Event().wait()
            return await super().execute(document, variables)

    with pytest.raises(UnreachableError):
        await registered(Away(), [dataset(number) for number in range(9)], batch=1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"model": {"id": "a", "task": "x"}}, {"model": {"id": "a"}}, True),
        ({"model": {"source": "s", "name": "n"}}, {"model": {"source": "s", "name": "n", "task": "x"}}, True),
        ({"model": {"source": "s", "name": "n"}}, {"dataset": {"source": "s", "name": "n"}}, False),
        ({"model": {"source": "s", "name": "n"}}, {"model": {"source": "s", "name": "m"}}, False),
        ({"model": {"source": "s", "name": "n"}}, {"model": {"source": "r", "name": "n"}}, False),
        ({"model": {"name": "n", "namespace": "a"}}, {"model": {"name": "n", "namespace": "b"}}, False),
        (
            {"modelVersion": {"source": "s", "name": "n", "version": "1"}},
            {"modelVersion": {"source": "s", "name": "n", "version": "2"}},
            False,
        ),
        (FEEDS_A_B, FEEDS_A_B, True),
        (FEEDS_A_B, {"link": {"relation": "DERIVES", "from": "a", "to": "b"}}, False),
        (FEEDS_A_B, {"link": {"relation": "FEEDS", "from": "c", "to": "b"}}, False),
        (FEEDS_A_B, {"link": {"relation": "FEEDS", "from": "a", "to": "c"}}, False),
    ],
)
def test_items_about_the_same_thing_have_the_same_identity(
    one: dict[str, Any], other: dict[str, Any], *, same: bool
) -> None:
    """An asset is identified by its id or the parts of its id, a link by its relation and both ends."""
    assert (identity(one) == identity(other)) is same


@pytest.mark.parametrize("id_", [["x"], {"a": 1}, 5, True])
async def test_an_id_that_is_no_text_is_sent_like_any_other(id_: Any) -> None:
    """The API rejects that item alone; the items around it are registered."""
    rejected = ImportItem("b", {"dataset": {"id": id_, "nmae": "x"}})
    results = await registered(Registry(), [dataset("a"), rejected, dataset("c")])
    assert {each.location: each.outcome == "CREATED" for each in results} == {"a": True, "b": False, "c": True}


def test_an_item_without_a_body_has_no_identity() -> None:
    """The API rejects such an item, so its order does not matter."""
    assert identity({"model": None}) is None


def test_reasons_are_errors_in_words() -> None:
    """An error without a path has no place to name."""
    errors = [
        {"code": "INVALID", "message": "No.", "inputPath": []},
        {"code": "DENIED", "message": "Not yours.", "inputPath": ["model", "id"]},
    ]
    assert reasons_of({"errors": errors}) == ("INVALID: No.", "DENIED: Not yours. (at model.id)")
