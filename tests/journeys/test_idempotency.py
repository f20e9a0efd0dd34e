"""Idempotency keys: a repeated call returns its first response, after other writes and after a restart."""

from pathlib import Path
from typing import Any

from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

ONE = """mutation ($input: DatasetInput!) { registerDataset(input: $input) {
  asset { id } outcome changed revision errors { code inputPath } } }"""
HISTORY = "query ($id: ID!) { asset(id: $id) { revision description history(first: 50) { totalCount } } }"
CONFLICT = {"code": "IDEMPOTENCY_CONFLICT", "inputPath": ["idempotencyKey"]}


def urn(name: str) -> str:
    """Return the id of a dataset of these tests."""
    return f"mlg://dataset/keys/default/{name}"


async def one(api: Api, who: str, name: str, key: str | None, **values: Any) -> dict[str, Any]:
    """Register one dataset and return the payload."""
    given = {"id": urn(name), **({"idempotencyKey": key} if key else {}), **values}
    payload: dict[str, Any] = (await api.ask(who, ONE, input=given))["registerDataset"]
    return payload


async def observed(api: Api, name: str) -> dict[str, Any]:
    """Return revision, description and number of changes of a dataset."""
    found: dict[str, Any] = (await api.ask("root", HISTORY, id=urn(name)))["asset"]
    return found


def reported(payload: dict[str, Any]) -> list[tuple[str, int | None, list[str]]]:
    """Return outcome, revision and error codes of each item."""
    return [
        (each["outcome"], each["revision"], [error["code"] for error in each["errors"]]) for each in payload["results"]
    ]


async def test_a_repeated_call_returns_its_first_response_after_other_writes_and_a_restart(
    graph: StoreGraph, tmp_path: Path
) -> None:
    """A repeated call returns the outcome, id and revision of the first call, and keeps writes of others."""
    async with open_api(graph, tmp_path) as api:
        first = await one(api, "ada", "a", "build 1", description="x")
        assert first == {
            "asset": {"id": urn("a")}, "outcome": "CREATED", "changed": True, "revision": 1, "errors": []
        }  # fmt: skip
        assert (await one(api, "root", "a", None, description="y"))["revision"] == 2
        assert await one(api, "ada", "a", "build 1", description="x") == first
    async with open_api(graph, tmp_path) as api:
        assert await one(api, "ada", "a", "build 1", description="x") == first
        assert await observed(api, "a") == {"revision": 2, "description": "y", "history": {"totalCount": 2}}


async def test_another_kind_with_the_same_values_is_a_conflict(graph: StoreGraph, tmp_path: Path) -> None:
    """A dataset and a model with the same names have equal values: the model must not be answered as made."""
    mutation = """mutation ($dataset: DatasetInput!, $model: ModelInput!) {
      registerDataset(input: $dataset) { outcome }
      registerModel(input: $model) { outcome errors { code inputPath } } }"""
    given = {"source": "keys", "namespace": "default", "name": "daily", "idempotencyKey": "build 1"}
    async with open_api(graph, tmp_path) as api:
        done = await api.ask("ada", mutation, dataset=given, model=given)
        assert done["registerDataset"] == {"outcome": "CREATED"}
        assert done["registerModel"] == {"outcome": "CONFLICT", "errors": [CONFLICT]}


async def test_another_payload_is_a_conflict(graph: StoreGraph, tmp_path: Path) -> None:
    """A used key with another value, another asset, or null for an absent field is a conflict and writes nothing."""
    async with open_api(graph, tmp_path) as api:
        await one(api, "ada", "a", "build 1", description="x")
        for name, values in (
            ("a", {"description": "y"}),
            ("a", {}),
            ("a", {"description": "x", "format": None}),
            ("a", {"description": "x", "tags": []}),
            ("b", {"description": "x"}),
        ):
            response = await one(api, "ada", name, "build 1", **values)
            assert (response["outcome"], response["errors"]) == ("CONFLICT", [CONFLICT])
        assert (await observed(api, "a"))["revision"] == 1
        assert (await api.ask("root", HISTORY, id=urn("b")))["asset"] is None


async def test_keys_are_scoped_to_their_principal(graph: StoreGraph, tmp_path: Path) -> None:
    """Callers may use the same key for different calls, without conflict or disclosure."""
    async with open_api(graph, tmp_path) as api:
        assert (await one(api, "ada", "a", "build 1"))["outcome"] == "CREATED"
        assert (await one(api, "ci-ranking", "b", "build 1"))["outcome"] == "CREATED"
        assert (await one(api, "root", "a", "build 1"))["outcome"] == "UNCHANGED"


async def test_a_large_call_with_a_key_is_executed_once(graph: StoreGraph, tmp_path: Path) -> None:
    """A call of several transactions, repeated, returns its first response; a changed call conflicts for every item."""
    items = [{"dataset": {"id": urn(f"d{number}")}} for number in range(600)]
    async with open_api(graph, tmp_path) as api:
        first = await api.register("ada", *items, idempotencyKey="load")
        assert (first["created"], first["failed"]) == (600, 0)
        await one(api, "root", "d0", None, description="y")
        assert await api.register("ada", *items, idempotencyKey="load") == first
        other = [*items[:-1], {"dataset": {"id": urn("other")}}]
        response = await api.register("ada", *other, idempotencyKey="load")
        assert reported(response) == [("CONFLICT", None, ["IDEMPOTENCY_CONFLICT"])] * 600
        assert (await api.ask("root", HISTORY, id=urn("other")))["asset"] is None


async def test_a_repeated_call_retries_failed_items(graph: StoreGraph, tmp_path: Path) -> None:
    """A repeated call replays written items and retries rejected ones; a dry run stores no receipt."""
    items: list[dict[str, Any]] = [
        {"dataset": {"id": urn("a"), "description": "x"}},
        {"dataset": {"id": urn("b"), "description": "x", "expectedRevision": 1}},
        {"link": {"relation": "DERIVES", "from": urn("a"), "to": urn("c")}},
    ]
    async with open_api(graph, tmp_path) as api:
        dry = await api.register("ada", *items, dryRun=True)
        assert [each["outcome"] for each in dry["results"]] == ["CREATED", "CONFLICT", "CREATED"]
        first = await api.register("ada", *items, idempotencyKey="k")
        assert reported(first) == [("CREATED", 1, []), ("CONFLICT", None, ["CONFLICT"]), ("CREATED", 1, [])]
        await one(api, "ada", "b", None)
        await one(api, "ada", "a", None, description="later")
        again = await api.register("ada", *items, idempotencyKey="k")
        assert reported(again) == [("CREATED", 1, []), ("UPDATED", 2, []), ("CREATED", 1, [])]
        assert await api.register("ada", *items, idempotencyKey="k") == again
        assert (await observed(api, "a"))["description"] == "later"
