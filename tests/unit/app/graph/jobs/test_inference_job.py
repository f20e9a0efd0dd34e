"""The job of inferred edges derives what it writes, and no more."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from structlog.testing import capture_logs

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.commits.write_set import WriteSet
from app.graph.driver.errors import WriteRefusedError
from app.graph.jobs import inference_job
from app.graph.jobs.chain_reads import ChainReads
from app.graph.jobs.inference_chains import Neighbourhood, changes
from app.graph.jobs.inference_job import AT_ONCE, BATCH, MAX_EDGES, MAX_READ, DerivedEdge, InferenceJob
from app.graph.records.edge_record import EdgeKey
from app.graph.records.record_text import record_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.ports.record import Record

INPUTS = 1_000
RUN = vertex_id("default", "run")
ENDS = list(range(BATCH))


async def around(_reads: ChainReads, ends: list[int]) -> Neighbourhood:
    """Return a run with many model versions as inputs, which produced the ends."""
    found = Neighbourhood(ends)
    inputs = range(BATCH, BATCH + INPUTS)
    found.records = {RUN: {"kind": "RUN"}} | {vid: {"kind": "MODEL_VERSION"} for vid in (*ends, *inputs)}
    for end in ends:
        found.into["PRODUCES", end][RUN] = {"validFrom": 0}
    found.into["INPUT_TO", RUN] = {each: {"validFrom": 0} for each in inputs}
    return found


async def test_no_more_ends_are_derived_than_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run with a thousand inputs, few ends fill a batch; the others are left for later, and all are written."""
    derived: list[int] = []
    written: list[set[int]] = []

    def observed(near: Neighbourhood, end: int, *rest: Any) -> dict[EdgeKey, Record]:
        derived.append(end)
        return changes(near, end, *rest)

    async def write(_job: InferenceJob, batch: list[DerivedEdge]) -> None:
        keys = [key for _, key, _ in batch]
        assert len(keys) <= MAX_EDGES
        written.append({end for _, _, end in keys})

    monkeypatch.setattr(ChainReads, "around", around)
    monkeypatch.setattr(InferenceJob, "_write", write)
    monkeypatch.setattr(inference_job, "changes", observed)
    monkeypatch.setattr(Outbox, "done", AsyncMock())
    coordinator: Any = SimpleNamespace(lock=asyncio.Lock(), outbox=Outbox(), inference_rules=RULES)
    job = InferenceJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]
    entry = OutboxEntry(new_entry_id(), "default", 1, inference=True, frontier=dict.fromkeys(ENDS))
    more = await job.advance([entry])
    while more:
        more = await job.advance([])
    assert set().union(*written) == set(ENDS)
    assert len(derived) < len(ENDS) + len(written)


async def test_a_round_ends_in_a_stream_of_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Middles and ends are worked off in turns, and entries that arrive during a round wait for the next one."""
    worked: list[tuple[str, list[int]]] = []
    done: list[int] = []

    async def ends_beyond(_reads: ChainReads, middles: list[int]) -> tuple[set[int], int]:
        worked.append(("middles", middles))
        return set(), 0

    async def derive(_job: InferenceJob, ends: list[int], _after: dict[int, EdgeKey]) -> list[int]:
        worked.append(("ends", ends))
        return []

    monkeypatch.setattr(inference_job, "BATCH", 1)
    monkeypatch.setattr(ChainReads, "ends_beyond", ends_beyond)
    monkeypatch.setattr(InferenceJob, "_derive", derive)
    monkeypatch.setattr(
        Outbox, "done", AsyncMock(side_effect=lambda _, *entries: done.extend(each.x for each in entries))
    )
    coordinator: Any = SimpleNamespace(lock=asyncio.Lock(), outbox=Outbox(), inference_rules=RULES)
    job = InferenceJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]
    due = [OutboxEntry(100, "acme", 1, inference=True, frontier={7: None, 8: None}, expand={1: None, 2: None})]
    for step in range(6):
        assert await job.advance([each for each in due if each.x not in done])
        due.append(OutboxEntry(step, "acme", 2, inference=True, expand={10 + step: None}))
    assert worked == [
        *(("middles", [1]), ("ends", [7]), ("middles", [2]), ("ends", [8])),
        *(("middles", [10]), ("middles", [11])),
    ]
    assert done == [100]


async def test_a_batch_reads_no_further_chains_after_many_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs with thousands of outputs, and versions of runs with thousands of inputs, are read in several steps."""
    reads: list[int] = []

    async def ends_beyond(_reads: ChainReads, middles: list[int]) -> tuple[set[int], int]:
        reads.append(len(middles))
        return {max(middles) + BATCH}, len(middles) * MAX_READ

    async def heavy(_reads: ChainReads, ends: list[int]) -> Neighbourhood:
        reads.append(len(ends))
        found = Neighbourhood(ends)
        for end in ends:
            found.into["PRODUCES", end] = {run: {} for run in range(MAX_READ // AT_ONCE)}
        return found

    monkeypatch.setattr(ChainReads, "ends_beyond", ends_beyond)
    monkeypatch.setattr(ChainReads, "around", heavy)
    monkeypatch.setattr(InferenceJob, "_write", AsyncMock())
    monkeypatch.setattr(Outbox, "done", AsyncMock())
    coordinator: Any = SimpleNamespace(lock=asyncio.Lock(), outbox=Outbox(), inference_rules=RULES)
    job = InferenceJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]
    middles = dict.fromkeys(range(BATCH))
    due = [OutboxEntry(new_entry_id(), "default", 1, inference=True, frontier=dict.fromkeys(ENDS), expand=middles)]
    steps = []
    while await job.advance(due):
        steps.append(sum(reads))
        reads.clear()
        due = []
    assert sorted(steps) == [5, *[AT_ONCE] * (2 * BATCH // AT_ONCE)]  # five ends were found from the middles alone


@dataclass
class RefusingStore:
    """A store of the edges to ENDS; it refuses a transaction of over ``most`` edges, or with an edge to ``bad``."""

    most: int = 10_000
    bad: int | None = None
    edges: dict[EdgeKey, Record] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    refused: int = 0

    async def around(self, ends: list[int]) -> Neighbourhood:
        """Return the inputs of the run, and the edges that are stored."""
        found = await around(SimpleNamespace(), ends)  # type: ignore[arg-type]
        for key, edge in self.edges.items():
            found.inferred[key[2]][key] = edge
        return found

    async def take(self, writes: WriteSet) -> None:
        """Store the edges of a transaction."""
        rows: Any = writes.bindings()["edges"]
        if len(rows) > self.most or self.bad in {row["i"] for row in rows}:
            self.refused += 1
            raise WriteRefusedError("The store refused the write.")
        found = {("BASE_OF", row["o"], row["i"]): record_of(row["p"]["record"]) for row in rows}
        assert all(row["fresh"] == (key not in self.edges) for row, key in zip(rows, found, strict=True))
        self.edges |= found
        self.written.append(len(rows))

    async def derive(self, monkeypatch: pytest.MonkeyPatch) -> int:
        """Let the job work off an entry for ENDS; return how many entries it ended."""
        done = AsyncMock()
        monkeypatch.setattr(ChainReads, "around", lambda _, ends: self.around(ends))
        monkeypatch.setattr(WriteSet, "submit", lambda writes, _: self.take(writes))
        monkeypatch.setattr(Outbox, "done", done)
        coordinator: Any = SimpleNamespace(lock=asyncio.Lock(), outbox=Outbox(), inference_rules=RULES)
        job = InferenceJob(SimpleNamespace(), coordinator)  # type: ignore[arg-type]
        due = [OutboxEntry(new_entry_id(), "default", 1, inference=True, frontier=dict.fromkeys(ENDS[:3]))]
        steps = 0
        while await job.advance(due):
            due, steps = [], steps + 1
            assert steps < 100
        return done.await_count


@pytest.mark.parametrize(("name", "value"), [("MAX_EDGES", 300), ("MAX_CHARACTERS", 60_000)])
async def test_the_edges_of_one_end_are_written_in_several_transactions(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """No transaction has more edges or characters than one may have, and the entry ends when all edges are stored."""
    monkeypatch.setattr(inference_job, name, value)
    store = RefusingStore(most=400)
    assert await store.derive(monkeypatch) == 1
    assert store.refused == 0
    assert len(store.edges) == sum(store.written) == 3 * INPUTS


async def test_a_round_ends_while_all_edges_of_an_end_change_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end with more edges than a transaction continues after the last one, so that each is written once in a round.

    What changes before that edge has an entry for the next round.
    """
    monkeypatch.setattr(inference_job, "MAX_EDGES", 300)
    store = RefusingStore()
    changed = count(1)

    async def changing(ends: list[int]) -> Neighbourhood:
        found = await RefusingStore.around(store, ends)
        confidence = 1 / (1 + next(changed))
        inputs = found.into["INPUT_TO", RUN]
        found.into["INPUT_TO", RUN] = {vid: {**edge, "confidence": confidence} for vid, edge in inputs.items()}
        return found

    monkeypatch.setattr(store, "around", changing)
    assert await store.derive(monkeypatch) == 1
    assert len(store.edges) == sum(store.written) == 3 * INPUTS


async def test_what_a_store_refuses_is_written_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with a smaller maximum than the batches of the job gets all edges, and the entry ends."""
    store = RefusingStore(most=400)
    assert await store.derive(monkeypatch) == 1
    assert store.refused > 0
    assert len(store.edges) == sum(store.written) == 3 * INPUTS


async def test_an_end_that_is_refused_alone_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged and left out, also if its edges exceed a transaction, so that the entry ends for all callers."""
    monkeypatch.setattr(inference_job, "MAX_EDGES", 300)
    store = RefusingStore(bad=ENDS[1])
    with capture_logs() as lines:
        assert await store.derive(monkeypatch) == 1
    assert [(line["event"], line["end"]) for line in lines if "end" in line] == [("inference_end_failed", ENDS[1])]
    assert {end for _, _, end in store.edges} == {ENDS[0], ENDS[2]}
    assert len(store.edges) == 2 * INPUTS


PAGES = {"": [1, 2], "b": [3, 4], "d": []}
"""Ids of the assets of each page of a full derivation, by the URN after which it begins; URNs are letters."""


async def pages(_statement: object, values: dict[str, Any]) -> list[Any]:
    """Return what a store has: a page of assets, or no further asset with its last URN."""
    return [{"x": vid, "urn": "?abcd"[vid]} for vid in PAGES[values["after"]]] if "after" in values else [[]]


async def test_a_full_derivation_goes_on_in_a_stream_of_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page has its turn though there is always a round, and is stored when its last asset is derived.

    An asset that a batch leaves is derived in a later one: the page does not begin again, which could be without end.
    """
    derived: list[list[int]] = []
    after: list[str | None] = []

    async def ends_beyond(_reads: ChainReads, _middles: list[int]) -> tuple[set[int], int]:
        return set(), 0

    async def derive(_job: InferenceJob, ends: list[int], _after: dict[int, EdgeKey]) -> list[int]:
        derived.append(ends[:1])
        return ends[1:]

    monkeypatch.setattr(ChainReads, "ends_beyond", ends_beyond)
    monkeypatch.setattr(InferenceJob, "_derive", derive)
    monkeypatch.setattr(Outbox, "done", AsyncMock())
    monkeypatch.setattr(WriteSet, "submit", AsyncMock())
    coordinator: Any = SimpleNamespace(lock=asyncio.Lock(), outbox=Outbox(), inference_rules=RULES)
    job = InferenceJob(SimpleNamespace(submit=pages), coordinator)  # type: ignore[arg-type]
    full = OutboxEntry(new_entry_id(), "", 1, inference=True, after="")
    for step in range(10):
        assert await job.advance([full, OutboxEntry(step, "acme", 2, inference=True, expand={10 + step: None})])
        after.append(full.after)
    assert derived == [[1], [2], [3], [4]]
    assert list(dict.fromkeys(after)) == ["", "b", "d", None]
