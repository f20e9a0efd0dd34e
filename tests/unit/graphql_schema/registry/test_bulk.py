"""`registerAssets` through the built schema: scope, limits, order of outcomes, and the assets read back."""

# mypy: disable-error-code="index, union-attr"
# A response of another shape fails the test.

import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.inputs.input_size import LONG_INPUT
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.registry import bulk
from policies.errors import CodedError
from policies.principal import Principal

Run = Callable[..., Awaitable[ExecutionResult]]
REGISTER = """mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) {
  created updated unchanged failed results { outcome changed revision asset { __typename id }
    errors { code message inputPath currentRevision } } } }"""
BARE = """mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) {
  failed results { outcome errors { message } } } }"""
KNOWN = "mlg://dataset/test/default/clicks"


def model(name: str) -> dict[str, Any]:
    """Return an item that registers a model."""
    return {"model": {"source": "test", "name": name}}


async def test_outcomes_come_in_order_and_count(run: Run, graph: PlainGraph) -> None:
    """Refused items and written ones are merged in order; the path of an error begins with the field of its item."""
    graph.add("DATASET", "clicks")
    bad = {"modelVersion": {"source": "test", "name": "a", "version": "1", "trainedOn": [KNOWN, "mlg://tag/a/b/c"]}}
    link = {"link": {"relation": "FEEDS", "from": KNOWN, "to": "mlg://model/test/default/a"}}
    found = await run(REGISTER, input={"items": [model("a"), bad, {"dataset": {"id": KNOWN}}, link]})
    assert found.errors is None
    data = found.data["registerAssets"]
    assert {key: data[key] for key in ("created", "updated", "unchanged", "failed")} == {
        "created": 2,
        "updated": 0,
        "unchanged": 1,
        "failed": 1,
    }
    assert [each["outcome"] for each in data["results"]] == ["CREATED", "INVALID", "UNCHANGED", "CREATED"]
    assert [each["changed"] for each in data["results"]] == [True, False, False, True]
    assert data["results"][2]["asset"] == {"__typename": "Dataset", "id": KNOWN}
    assert data["results"][3]["asset"] is None
    assert data["results"][1]["errors"] == [
        {
            "code": "INVALID",
            "message": "mlg://tag/a/b/c is a Tag; use the id of a Dataset or DatasetVersion.",
            "inputPath": ["modelVersion", "trainedOn", "1"],
            "currentRevision": None,
        }
    ]
    (items, dry_run, atomic) = graph.registered[0]
    assert (len(items), dry_run, atomic) == (3, False, False)


async def test_the_same_asset_twice_is_refused_the_second_time(run: Run, graph: PlainGraph) -> None:
    """An id and its parts are the same asset; the error of the later item names the first. Links may repeat."""
    link = {"link": {"relation": "FEEDS", "from": KNOWN, "to": "mlg://model/test/default/a"}}
    by_id = {"model": {"id": "mlg://model/test/default/a"}}
    found = await run(REGISTER, input={"items": [link, model("a"), link, by_id]})
    results = found.data["registerAssets"]["results"]
    assert [each["outcome"] for each in results] == ["CREATED", "CREATED", "CREATED", "INVALID"]
    assert results[3]["errors"][0]["inputPath"] == ["model", "id"]
    assert "item 1" in results[3]["errors"][0]["message"]
    assert len(graph.registered[0][0]) == 3


async def test_flags_reach_the_writer(run: Run, graph: PlainGraph) -> None:
    """`dryRun` and `atomic` of the call, and `dryRun` of an item, are passed on."""
    item = {"model": {"source": "test", "name": "a", "dryRun": True, "expectedRevision": 2}}
    await run(BARE, input={"items": [item], "dryRun": True, "atomic": True})
    ((items, dry_run, atomic),) = graph.registered
    assert (dry_run, atomic, items[0].dry_run, items[0].expected_revision) == (True, True, True, 2)


async def test_an_atomic_call_with_a_refused_item_writes_nothing(run: Run, graph: PlainGraph) -> None:
    """Nothing reaches the writer, and the error of every other item names the item that was refused."""
    found = await run(BARE, input={"items": [model("a"), {"model": {"id": "x"}}, model("b")], "atomic": True})
    data = found.data["registerAssets"]
    assert graph.registered == []
    assert data["failed"] == 3
    assert [each["outcome"] for each in data["results"]] == ["INVALID"] * 3
    assert "item 1" in data["results"][0]["errors"][0]["message"]


async def test_a_call_without_the_scope_is_forbidden(run: Run, graph: PlainGraph, ada: Principal) -> None:
    """Without the scope no item is read, and the error names the scope that is needed."""
    found = await run(BARE, replace(ada, scopes=frozenset({"graph:read"})), input={"items": [model("a")]})
    assert found.data is None
    assert found.errors[0].extensions == {"code": "FORBIDDEN", "scope": "graph:write"}
    assert graph.registered == []


@pytest.mark.parametrize(
    ("count", "atomic", "fits"), [(1000, False, True), (1001, False, False), (200, True, True), (201, True, False)]
)
async def test_a_call_carries_a_bounded_number_of_items(
    run: Run,
    graph: PlainGraph,
    *,
    count: int,
    atomic: bool,
    fits: bool,
) -> None:
    """1,000 items, 200 if the call is atomic; one more is a top-level error, and nothing is written."""
    found = await run(BARE, input={"items": [model(f"m{n}") for n in range(count)], "atomic": atomic})
    if fits:
        assert found.errors is None
        assert len(found.data["registerAssets"]["results"]) == count
    else:
        assert found.errors[0].extensions == {"code": "LIMIT_EXCEEDED", "limit": count - 1}
        assert graph.registered == []


async def test_an_item_names_exactly_one_kind(run: Run, graph: PlainGraph) -> None:
    """Two fields of a `@oneOf` input, or none, are refused before anything runs."""
    for item in ({}, {**model("a"), "team": {"name": "x"}}, {"model": None}):
        assert (await run(BARE, input={"items": [item]})).errors
    assert graph.registered == []


@pytest.mark.parametrize("columns", [1, LONG_INPUT + 1])
async def test_the_digest_of_long_items_is_made_in_the_side_thread(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Others run meanwhile: the digest of a call covers all values of all its items."""
    threads: list[int] = []

    def digest(_: object) -> Iterator[None]:
        threads.append(threading.get_ident())
        yield

    monkeypatch.setattr(bulk, "key_steps", digest)
    item = {"dataset": {"id": KNOWN, "columns": [{"name": f"c{number}"} for number in range(columns)]}}
    await run(REGISTER, input={"items": [item], "idempotencyKey": "k"})
    aside = await run_aside(threading.get_ident)
    assert threads == [aside if columns > LONG_INPUT else threading.get_ident()]


@pytest.mark.parametrize("work", ["key_steps", "command_steps"])
async def test_no_part_follows_the_end_of_the_operation(
    run: Run, monkeypatch: pytest.MonkeyPatch, graph: PlainGraph, work: str
) -> None:
    """The client leaves while the digest or the command of a long item is made: no item is written."""
    left = CodedError("The client has left.")
    budgets: list[OperationBudget] = []
    monkeypatch.setattr(bulk, "authorize", lambda info: budgets.append(info.context.budget))

    def long_work(*_: object) -> Iterator[None]:
        budgets[0].end(left)
        yield from repeat(None, 1_000_000)
        raise AssertionError("The work went on to its end.")

    monkeypatch.setattr(bulk, work, long_work)
    item = {"dataset": {"id": KNOWN, "columns": [{"name": f"c{number}"} for number in range(LONG_INPUT + 1)]}}
    found = await run(REGISTER, input={"items": [item], "idempotencyKey": "k"})
    assert [error.original_error for error in found.errors] == [left]
    assert graph.registered == []


async def test_the_key_of_a_call_is_bound_to_its_items(run: Run, graph: PlainGraph) -> None:
    """Each item gets a key derived from that of the call; calls with equal items have equal digests."""
    calls = [[model("a"), model("b")], [model("a"), model("b")], [model("a"), model("c")]]
    for items in calls:
        found = await run(BARE, input={"items": items, "idempotencyKey": "night"})
        assert found.errors is None
    keys = [[command.key for command in commands] for commands, _, _ in graph.registered]
    assert [[key.text for key in call] for call in keys] == [["night\0" + "0", "night\0" + "1"]] * 3
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]
