"""A level over the cache whose vertices are merged: what is requested, and what the level contains.

tests/integration/app/graph/reading/level/test_cached_level.py compares other levels with those of the store.
"""

from threading import get_ident
from types import SimpleNamespace
from typing import Any

import pytest

from app.graph.cache.graph_cache import GraphCache
from app.graph.reading.level import cached_level
from app.graph.reading.level.cached_hop import CachedHop
from app.graph.reading.level.cached_level import CachedLevel
from app.graph.reading.level.hop_plan import SOURCES_GIVEN, HopSpec
from app.graph.reading.level.level_parts import LevelParts
from app.graph.records import record_text
from app.graph.records.merged_record import merged
from app.graph.records.read_time import ReadTime
from app.graph.records.record_text import PART_WEIGHT, record_of, text_of, weight_of
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


@pytest.mark.parametrize("edges", [False, True])
async def test_records_of_short_values_are_parsed_and_kept_by_their_memory(
    monkeypatch: pytest.MonkeyPatch, *, edges: bool
) -> None:
    """Others run after each of them, and the cache counts at least what they take."""
    steps: list[int] = []

    def parse(text: str) -> Any:
        steps.append(weight_of(text))
        return record_of(text)

    async def pause(_: object) -> None:
        steps.append(0)

    for module in (cached_level, record_text):
        monkeypatch.setattr(module, "record_of", parse)
    monkeypatch.setattr(OperationBudget, "pause", pause)
    urns = {vertex_id("default", urn): urn for urn in (f"mlg://dataset/test/default/{n}" for n in range(20))}
    values = {"columns": [{"name": "a"}] * 4_000, "validFrom": 0}
    texts = {vid: text_of({"id": urn, **values}) for vid, urn in urns.items()}

    async def send(bindings: dict[str, Any]) -> dict[str, Any]:
        rows = [[part for vid in texts for part in (1, vid, texts[vid])] for _ in bindings["hops"]]
        return {"v": [] if edges else [*texts.values()], "e": rows, "l": [], "over": False}

    parts, cache = LevelParts(), GraphCache(1_000_000_000)
    hop = HopSpec("in", ("FEEDS",), ("DATASET",), SOURCES_GIVEN).wire([1], **ReadTime(1).window)
    parts.add(() if edges else [*texts], [hop] if edges else (), (), fresh=False)
    content = await CachedLevel(cache, "default", parts, OperationBudget()).read(send)
    assert content is not None
    assert len(content.edges[0][1] if edges else content.records) == len(texts)
    parsed = [place for place, weight in enumerate(steps) if weight]
    assert len(parsed) == len(texts)
    assert steps[parsed[0]] > PART_WEIGHT / 2
    assert not any(all(steps[place : place + 3]) for place in parsed[:-2]), "three records without a pause"
    assert cache.size >= sum(map(weight_of, texts.values()))


@pytest.mark.parametrize("is_known", [False, True])
async def test_few_sources_are_kept_or_looked_up_between_two_pauses(
    monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    """For each of them the cache frees up to half a MiB, so a hundred hubs in one turn would hold the event loop."""
    steps: list[int] = []

    async def pause(_: object) -> None:
        steps.append(0)

    def counted(name: str) -> None:
        inner = getattr(GraphCache, name)

        def method(cache: GraphCache, *given: Any) -> Any:
            steps.append(len(given[1]) if name == "edges" else 1)
            return inner(cache, *given)

        monkeypatch.setattr(GraphCache, name, method)

    async def send(bindings: dict[str, Any]) -> dict[str, Any]:
        return {"v": [], "e": [[] for _ in bindings["hops"]], "l": [], "over": False}

    monkeypatch.setattr(OperationBudget, "pause", pause)
    monkeypatch.setattr("graphql_schema.ports.operation_budget.TURNS", SimpleNamespace(is_over=lambda: True))
    parts, cache = LevelParts(), GraphCache(1_000_000_000)
    hop = HopSpec("in", ("FEEDS",), ("DATASET",), SOURCES_GIVEN).wire([*range(100)], **ReadTime(1).window)
    parts.add((), [hop], (), fresh=False)
    if is_known:
        await CachedLevel(cache, "default", parts, OperationBudget()).read(send)
    counted("edges" if is_known else "keep_edges")
    await CachedLevel(cache, "default", parts, OperationBudget()).read(send)
    assert sum(steps) == 100
    between = "".join("." if step else " " for step in steps).split()
    assert max(steps) <= 8
    assert {len(each) for each in between} == {1}


async def test_the_edges_of_a_hub_are_kept_and_found_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """One asset may have 49,000, which take 60 ms in one callback, and its level as a whole nearly as long."""
    monkeypatch.setattr(cached_level, "LONG_LINEAGE", 10)
    threads = dict[str, int]()

    def observe(owner: type, name: str) -> None:
        inner = getattr(owner, name)

        def method(*given: Any, **named: Any) -> Any:
            threads[name] = get_ident()
            return inner(*given, **named)

        monkeypatch.setattr(owner, name, method)

    for owner, name in ((CachedHop, "entry"), (CachedHop, "taken"), (CachedLevel, "_made")):
        observe(owner, name)

    async def send(_: dict[str, Any]) -> dict[str, Any]:
        rows = [part for vid in range(20) for part in (1, vid, text_of({"validFrom": 0}))]
        return {"v": [], "e": [rows], "l": [], "over": False}

    parts = LevelParts()
    hop = HopSpec("in", ("FEEDS",), ("DATASET",), SOURCES_GIVEN).wire([1], **ReadTime(1).window)
    parts.add((), [hop], (), fresh=False)
    content = await CachedLevel(GraphCache(1_000_000), "default", parts, OperationBudget()).read(send)
    assert content is not None
    assert len(content.edges[0][1]) == 20
    assert threads.keys() == {"entry", "taken", "_made"}
    assert get_ident() not in threads.values()
