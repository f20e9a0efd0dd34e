"""The bytes of a response of the store, which is decoded in one call, are bounded, whatever its texts have."""

from collections.abc import AsyncIterator

import orjson
import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.received_rows import received_rows

from app.graph.reading.level import level_batcher


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run the API without background jobs, which send requests as well."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), no_jobs) as api:
        yield api


@pytest.mark.parametrize(
    "text", ["\u20ac", '"', "\\", "\N{GRINNING FACE}"], ids=["euro", "quotes", "backslashes", "emoji"]
)
async def test_records_are_bounded_by_the_bytes_of_the_response(
    api: Api, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A response is decoded in one call, and that of two quotation marks takes as long as that of four letters."""
    ids = [f"mlg://dataset/test/default/bytes{number}" for number in range(6)]
    await api.load(*({"dataset": {"id": each, "description": text * 10_000}} for each in ids))
    size = len(orjson.dumps(orjson.dumps(text * 10_000).decode()))
    monkeypatch.setattr(level_batcher, "RECORDS_CAP", 10 * size)
    with received_rows(api.client) as rows:
        found = await api.ask("bo", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert [each["id"] for each in found["nodes"]] == ids
    assert 2 * size < max(rows.sizes) < 3 * size
