"""The job of inferred edges derives what it writes, and no more."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.jobs import inference_job
from app.graph.jobs.chain_reads import ChainReads
from app.graph.jobs.inference_chains import Neighbourhood, changes
from app.graph.jobs.inference_job import BATCH, MAX_EDGES, InferenceJob
from app.graph.records.edge_record import EdgeKey
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

    async def write(_job: InferenceJob, _near: Neighbourhood, edges: dict[EdgeKey, Record]) -> None:
        assert len(edges) <= MAX_EDGES
        written.append({end for _, _, end in edges})

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
