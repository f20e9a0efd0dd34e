"""A caller chooses URNs, and so hashes: no choice occupies a vertex id that the store needs later."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.equal_hashes import give_equal_hashes
from support.stores.janusgraph import StoreGraph

from app.graph.commits.write_log import WriteLog
from app.graph.records import vertex_id

KEY, OTHER_KEY = "\x01" * 200 + "equal", "\x01" * 200 + "other"
"""Two keys: control characters are long in JSON, and names with equal hashes must be read with any length."""

URN = "mlg://dataset/test/default/equal"
OCCUPIED = "mlg://dataset/test/default/searched-for"
WRITES = 8


async def test_no_caller_occupies_the_next_entry_of_the_write_log(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engineer registers a URN with the hash of an entry of the write log that is due in a moment: writes go on.

    The search for such a URN takes some billion hashes, so the hash is replaced for this URN.
    """
    number = 0

    def colliding(text: bytes, *, digest_size: int) -> Any:
        wanted = text if not text.endswith(OCCUPIED.encode()) else f"write log\0entry {number}".encode()
        return blake2b(wanted, digest_size=digest_size)

    monkeypatch.setattr(vertex_id, "blake2b", colliding)
    async with open_api(graph, tmp_path, no_jobs, shared=True) as api:
        log = api.client.write_order
        assert isinstance(log, WriteLog)
        number = log.known + WRITES // 2
        assert vertex_id.vertex_id("default", OCCUPIED) == vertex_id.vertex_id("write log", f"entry {number}")
        items = [OCCUPIED, *(f"mlg://dataset/test/default/after{each}" for each in range(WRITES))]
        outcomes = [(await api.register("ada", {"dataset": {"id": each}}))["results"][0] for each in items]
        assert [each["outcome"] for each in outcomes] == ["CREATED"] * (WRITES + 1)
        assert log.known > number


async def test_a_chosen_key_delays_and_refuses_no_other_caller(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engineer uses keys with equal hashes, and names one by a reference: only these items are refused, at once.

    The store would refuse a second receipt under the vertex id, and six attempts would delay all writers.
    """
    give_equal_hashes(monkeypatch, KEY, OTHER_KEY, URN)
    first = {"id": f"{URN}-first", "idempotencyKey": KEY}
    assert codes(await api.register("ada", {"dataset": first})) == [("CREATED", [])]
    keyed, beside = {"id": f"{URN}-second", "idempotencyKey": OTHER_KEY}, {"id": f"{URN}-third"}
    payload = await api.register("ada", {"dataset": keyed}, {"dataset": beside})
    assert codes(payload) == [("INVALID", ["INVALID"]), ("CREATED", [])]
    error = payload["results"][0]["errors"][0]
    assert error["inputPath"][-1] == "idempotencyKey"
    assert error["message"].endswith("use another key.")
    far = {"id": f"{URN}-fourth", "derivedFrom": [URN]}
    assert codes(await api.register("ada", {"dataset": far})) == [("INVALID", ["INVALID"])]
    assert codes(await api.register("ada", {"dataset": first})) == [("CREATED", [])]


@pytest.mark.parametrize("last", [True, False])
async def test_a_chosen_id_refuses_no_item_about_the_stored_asset(
    api: Api, monkeypatch: pytest.MonkeyPatch, *, last: bool
) -> None:
    """A stranger names a URN with the hash of an asset of others, in one transaction with its owner."""
    name, other = f"{URN}-of-others-{last}", f"{URN}-of-a-stranger-{last}"
    give_equal_hashes(monkeypatch, name, other)
    assert codes(await api.register("ada", {"dataset": {"id": name}})) == [("CREATED", [])]
    expected = {name: ("UPDATED", []), other: ("INVALID", ["INVALID"])}
    order = [name, other] if last else [other, name]
    payload = await api.register("ada", *({"dataset": {"id": each, "description": "x"}} for each in order))
    assert codes(payload) == [expected[each] for each in order]


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the outcome of each item, with the codes of its errors."""
    return [(each["outcome"], [error["code"] for error in each["errors"]]) for each in payload["results"]]
