"""Reads of writers over a store in memory: what each request names, and records without their long values."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import orjson
import pytest
from support.estates.wide_lineage import noted_threads

from app.graph.commits import state_read
from app.graph.commits.reads import read_limits
from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import (
    FEW_ELEMENTS,
    LOOK_UPS_OF_ELEMENT,
    DivisibleLimits,
    FewLimits,
    ManyElementsError,
)
from app.graph.commits.state_read import MANY_READ, StateReading, read_state
from app.graph.driver.errors import WriteTooLargeError
from app.graph.records.touched import Touched
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns import loop_turns


@dataclass
class Records:
    """A client over records by vertex id; ``named`` has how many vertices each request names.

    ``edges_of`` returns the edges of a response.
    """

    texts: dict[int, str]
    edges_of: Callable[[Mapping[str, Any]], Mapping[str, Any]] = field(default=lambda _: {"e": [], "p": []})
    named: list[int] = field(default_factory=list)
    current: int = 0
    at_once: int = 0

    async def submit(self, _prepared: object, bindings: Mapping[str, Any], **_: object) -> list[Any]:
        """Return records until these have as many characters as a request reads, and the ids of the others."""
        self.current += 1
        self.at_once = max(self.at_once, self.current)
        await asyncio.sleep(0)
        self.current -= 1
        self.named.append(len(bindings["stored"]))
        left, read, unread = bindings["size"], list[Any](), list[int]()
        for vid in bindings["stored"]:
            if left <= 0:
                unread.append(vid)
            elif vid in self.texts:
                read += [vid, self.texts[vid]]
                left -= len(self.texts[vid])
        edges = self.edges_of(bindings)
        return [{"v": read, **edges, "w": unread, "c": [], "n": bindings["size"] - left, "large": False}]


@pytest.mark.parametrize("in_a_request", [1, 70, 1_000])
async def test_each_vertex_is_named_by_few_requests(monkeypatch: pytest.MonkeyPatch, in_a_request: int) -> None:
    """The store looks up all that a request names, so one that reads a part does not name all that is left."""
    texts = {vid: orjson.dumps({"id": f"{vid:05}"}).decode() for vid in range(5_000)}
    client: Any = Records(texts)
    monkeypatch.setattr(state_read, "PART_SIZE", in_a_request * len(texts[0]))
    found = await read_state(client, texts)
    assert {vid: record["id"] for vid, record in found.records.items()} == {vid: f"{vid:05}" for vid in texts}
    assert len(client.named) <= 5_000 // in_a_request + 20
    assert max(client.named[1:]) <= 2 * max(in_a_request, state_read.FIRST_VERTICES)


@pytest.mark.parametrize("stored", [0, 35_000], ids=["absent", "stored"])
async def test_no_request_names_very_many_vertices(stored: int) -> None:
    """The store looks up all of them, also those that are not stored, and all writers wait; few requests name many."""
    client: Any = Records(dict.fromkeys(range(stored), '{"id":"a"}'))
    found = await read_state(client, range(35_000))
    assert len(found.records) == stored
    assert sum(client.named) == 35_000
    assert max(client.named) <= state_read.RECORDS_AT_ONCE
    assert len(client.named) <= 20


@pytest.mark.parametrize("kind", ["records", "edges"])
async def test_look_ups_of_absent_vertices_count(kind: str) -> None:
    """The store looks each of them up under the write lock: 40,000 take half a second, which no caller would bear."""
    client: Any = Records({})
    client.edges_of = lambda bindings: {"e": [], "p": [None] * len(bindings["pairs"])}
    few, many = range(FEW_ELEMENTS * LOOK_UPS_OF_ELEMENT // 2), range(4 * FEW_ELEMENTS * LOOK_UPS_OF_ELEMENT)
    for vids in (few, many):
        reading = StateReading(client, follow=False, limits=FewLimits())
        edges = [("DERIVES", vid, vid + 1) for vid in vids[::2]] if kind == "edges" else []
        with pytest.raises(ManyElementsError) if vids is many else nullcontext():
            await reading.state(vids if kind == "records" else [], [], edges)
        assert reading.count >= sum(client.named) // LOOK_UPS_OF_ELEMENT - len(client.named)
        client.named.clear()


async def test_what_a_refused_reading_has_read_is_in_no_cycle() -> None:
    """Its error would lead to itself: a garbage collection would free 50,000 records in one callback, for 0.1 s."""
    gc.disable()
    try:
        client: Any = Records({})
        reference = weakref.ref(client)
        with suppress(ManyElementsError):
            await StateReading(client, follow=False, limits=FewLimits()).state(range(40_000), [], [])
        del client
        await asyncio.sleep(0)
        assert reference() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["hops", "edges"])
async def test_no_request_names_very_many_ends_of_edges(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Edges at many vertices, or between many, are read in parts as well."""
    monkeypatch.setattr(state_read, "RECORDS_AT_ONCE", 100)
    client: Any = Records({})
    client.edges_of = lambda bindings: {"e": [[] for _ in bindings["hops"]], "p": [None] * len(bindings["pairs"])}
    vids = range(1_000)
    if kind == "hops":
        found = await read_state(client, vids, [HopRead(Direction.OUT, ["DERIVES"], vids)])
        assert found.hops == [[]]
    else:
        found = await read_state(client, vids, edges=[("DERIVES", vid, vid + 500) for vid in range(500)])
        assert found.edges == [None] * 500
    assert max(client.named) <= 100


async def test_many_records_are_read_by_two_requests_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the write lock is held for less time; few records are read by one request after the other."""
    monkeypatch.setattr(state_read, "PART_SIZE", 500)
    for count, at_once in ((state_read.FIRST_VERTICES, 1), (5_000, 2)):
        client: Any = Records(dict.fromkeys(range(count), '{"id":"a"}'))
        assert len((await read_state(client, client.texts)).records) == count
        assert client.at_once == at_once


async def test_short_values_count_by_the_memory_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two records of the same length, one long text is read, and thousands of short ones are too much."""
    monkeypatch.setattr(read_limits, "MAX_WEIGHT", 100_000)
    short = orjson.dumps({"names": ["a"] * 5_000}).decode()
    client: Any = Records({1: orjson.dumps({"name": "a" * len(short)}).decode(), 2: short})
    assert [*(await read_state(client, [1], limits=DivisibleLimits())).records] == [1]
    assert [*(await read_state(client, [2])).records] == [2]
    with pytest.raises(WriteTooLargeError):
        await read_state(client, [2], limits=DivisibleLimits())


async def test_a_read_that_is_too_large_ends_with_all_of_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is under way when the error is raised, and few were sent."""
    monkeypatch.setattr(state_read, "PART_SIZE", 500)
    monkeypatch.setattr(read_limits, "MAX_SIZE", 5_000)
    client: Any = Records(dict.fromkeys(range(5_000), '{"id":"a"}'))
    with pytest.raises(WriteTooLargeError):
        await read_state(client, client.texts, limits=DivisibleLimits())
    assert client.current == 0
    assert len(client.named) <= 5_000 // 500 + 2


@pytest.mark.parametrize("count", [MANY_READ, MANY_READ + 1])
async def test_much_that_others_wrote_is_compared_aside(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """A call that has read little may wait while others write 100,000 edges: 0.1 s in one callback."""
    client: Any = Records({1: "{}"})
    reading = StateReading(client, follow=False, limits=DivisibleLimits())
    await reading.state([1], (), ())
    noted = noted_threads(monkeypatch, StateReading, "_touched")
    edges = frozenset(("DERIVES", vid, -vid) for vid in range(2, 2 + count // 2))  # each has two ends
    written = [Touched.of_edges(frozenset(range(2, 2 + count % 2)), edges, None)]
    assert await reading.refresh(written, DivisibleLimits())
    ((_, thread),) = noted
    assert (thread != get_ident()) == (count > MANY_READ)


async def test_others_run_while_the_starts_of_many_hops_are_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version has 49,000 deployments whose edges are read: their places were found in one callback of 0.05 s."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    monkeypatch.setattr(state_read, "RECORDS_AT_ONCE", 100)
    paused, pause = list[str](), OperationBudget.pause

    async def noted(budget: OperationBudget) -> None:
        paused.append(sys._getframe(1).f_code.co_name)  # noqa: SLF001 - who pauses
        await pause(budget)

    monkeypatch.setattr(OperationBudget, "pause", noted)
    client: Any = Records({})
    client.edges_of = lambda bindings: {"e": [[] for _ in bindings["hops"]], "p": []}
    await read_state(client, range(1_000), [HopRead(Direction.OUT, ["DERIVES"], range(1_000))])
    assert paused.count("_rows") >= 1_000 // 100
