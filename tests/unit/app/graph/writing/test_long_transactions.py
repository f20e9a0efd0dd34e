"""Long transactions over a store in memory: which callers wait after one."""

import asyncio

import pytest
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.memory_store import Callers, MemoryStore
from support.stores.writers import asset, person, urn

from app.graph.commits.turns import long_writers
from app.graph.commits.writer_contention import CONTENDED_SECONDS

ADA = person("ada", "team ranking", roles="engineer")


@pytest.fixture
def callers(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Callers:
    """Return callers over an empty store in memory."""
    store = MemoryStore(memory)
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    return Callers(store)


def data(text: str) -> set[str]:
    """Return the URN of a dataset in a set."""
    return {urn(f"dataset {text}")}


async def test_a_caller_waits_after_a_long_transaction_beside_others(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next write waits while another caller writes, whose own does not, and no longer than others write."""
    monkeypatch.setattr(long_writers, "LONG_SECONDS", -1.0)  # so that each transaction is long
    await callers.call(ROOT, asset("dataset a"))
    await callers.call(ROOT, asset("dataset b"))
    contention = callers.coordinator.contention
    now = contention.clock()
    contention.clock = lambda: now
    with contention.call("other"), contention.call("another"):
        pass
    waiting = asyncio.ensure_future(callers.call(ROOT, asset("dataset c")))
    await callers.call(ADA, asset("dataset d"))
    assert not waiting.done()
    now += CONTENDED_SECONDS
    await waiting
    assert callers.store.writes == [data("a"), data("b"), data("d"), data("c")]
