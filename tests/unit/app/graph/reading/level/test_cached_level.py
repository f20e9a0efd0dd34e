"""A level over the cache whose vertices are merged: what is requested, and what the level contains.

tests/integration/app/graph/reading/level/test_cached_level.py compares other levels with those of the store.
"""

from typing import Any

import pytest

from app.graph.cache.graph_cache import GraphCache
from app.graph.reading.level.cached_level import CachedLevel
from app.graph.reading.level.level_parts import LevelParts
from app.graph.records.merged_record import merged
from app.graph.records.record_text import text_of
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub
from graphql_schema.ports.operation_budget import OperationBudget

URNS = [f"mlg://dataset/test/default/{name}" for name in ("first", "second", "last")]
FIRST, SECOND, LAST = (vertex_id("default", urn) for urn in URNS)
RECORDS = {
    FIRST: merged(stub("default", URNS[0], "ada", 1), SECOND, URNS[1], 5),
    SECOND: merged(stub("default", URNS[1], "ada", 1), LAST, URNS[2], 6),
    LAST: stub("default", URNS[2], "ada", 1),
}


async def read(cache: GraphCache, *vids: int, step: int = 1, other: str = "") -> tuple[list[list[int]], dict[int, Any]]:
    """Return the points of the requests of a level with these vertices, and its records.

    The store returns what the pointers lead to, in order, or with the ``step`` -1 in the opposite one. It also returns
    the record ``other``, of another tenant.
    """
    sent: list[list[int]] = []

    async def send(bindings: dict[str, Any]) -> dict[str, Any]:
        sent.append(bindings["points"])
        led_to = [*bindings["points"]]
        for vid in led_to:
            pointer = RECORDS.get(vid, {}).get("mergedInto")
            if pointer is not None and pointer["vertex"] not in led_to:
                led_to.append(pointer["vertex"])
        texts = [text_of(RECORDS[vid]) for vid in led_to[::step] if vid in RECORDS]
        return {"v": [*texts, *([other] if other else [])], "e": [], "l": [], "over": False}

    parts = LevelParts()
    parts.add(vids, (), (), fresh=False)
    content = await CachedLevel(cache, "default", parts, OperationBudget()).read(send)
    assert content is not None
    return sent, content.records


@pytest.mark.parametrize(
    ("cached", "requested"),
    [((), [[FIRST]]), ((FIRST,), [[SECOND]]), ((FIRST, SECOND), [[LAST]]), ((SECOND, LAST), [[FIRST]])],
)
async def test_what_a_merged_dataset_leads_to_is_part_of_the_level(cached: tuple[int, ...], requested: Any) -> None:
    """One request reads what the cache lacks; a second level needs none."""
    cache = GraphCache(1_000_000)
    with cache.fill() as fill:
        for vid in cached:
            cache.keep_record(fill, vid, RECORDS[vid], 1)
    assert await read(cache, FIRST) == (requested, RECORDS)
    assert await read(cache, FIRST) == ([], RECORDS)
    assert await read(cache, LAST) == ([], {LAST: RECORDS[LAST]})


async def test_a_record_may_precede_the_merged_one_that_leads_to_it() -> None:
    """What the store returns before the dataset that was merged into it is not absent for the next level."""
    cache = GraphCache(1_000_000)
    assert await read(cache, FIRST, SECOND, LAST, step=-1) == ([sorted(RECORDS)], RECORDS)
    assert await read(cache, FIRST) == ([], RECORDS)
    cache = GraphCache(1_000_000)
    assert await read(cache, FIRST, step=-1) == ([[FIRST]], RECORDS)
    assert await read(cache, LAST) == ([], {LAST: RECORDS[LAST]})


async def test_a_record_of_another_tenant_is_left_out() -> None:
    """It is neither in the level nor in the cache, and a vertex without a record is not known as absent beside it."""
    cache, absent = GraphCache(1_000_000), vertex_id("default", "mlg://dataset/test/default/absent")
    strange = "mlg://dataset/test/default/strange"
    other = text_of(stub("other", strange, "ada", 1))
    assert await read(cache, LAST, absent, other=other) == ([sorted([LAST, absent])], {LAST: RECORDS[LAST]})
    assert cache.records([vertex_id("default", strange), absent]) == [None, None]
    assert await read(cache, absent) == ([[absent]], {})
    assert cache.records([absent]) == [{}]
