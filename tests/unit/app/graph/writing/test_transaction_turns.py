"""What of a transaction is divided into turns of the event loop, or made in the side thread, if there is much of it."""

import asyncio
from threading import get_ident
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, seeded
from support.stores.memory_store import Callers, holding
from support.stores.planned_groups import planned
from support.stores.writers import Writers, asset, link, urn
from support.unpaused_calls import UnpausedCalls

import app.graph.writing.group_commit as committing
from app.graph.commits.write_set import WriteSet
from app.graph.writing import group_plan
from app.graph.writing.effects import raise_sensitivity
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.commands import EventCommand
from graphql_schema.ports.outcomes import WriteOutcome
from policies.policy import Policy


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> UnpausedCalls:
    """Return the count of calls between pauses; attempts to write follow each other without one."""
    monkeypatch.setattr(committing, "MAX_BACKOFF_SECONDS", 0)
    monkeypatch.setattr(committing, "GATHER_SHARE", 0)
    return UnpausedCalls(monkeypatch)


async def test_parents_of_many_calls_are_found_in_turns(callers: Callers, calls: UnpausedCalls) -> None:
    """Calls of many callers go into one transaction; those of a hundred would be one callback under the write lock."""
    calls.observe(group_plan, "expected_parents")
    await planned(callers, *(callers.batch(ROOT, asset(f"dataset d{number}")) for number in range(5)))
    assert calls.longest == 1


async def test_what_a_transaction_leaves_for_jobs_is_encoded_in_turns(
    callers: Callers, calls: UnpausedCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of a transaction leaves entries; one of a caller with thousands of teams takes milliseconds."""
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", -10_000)
    pairs = [(f"dataset a{number}", f"dataset b{number}") for number in range(3)]
    for near, far in pairs:
        seeded(callers.store.memory, asset(near), asset(far), link("DERIVES", near, far))
    calls.observe(WriteSet, "outbox")
    first = await holding(callers)
    waiting = [callers.call(ROOT, asset(near, {"sensitivity": "RESTRICTED"})) for near, _ in pairs]
    callers.store.open.set()
    await asyncio.gather(first, *waiting)
    assert calls.longest == 1


@pytest.mark.parametrize("most", [3, 4])
async def test_the_record_of_a_long_event_is_made_aside(
    callers: Callers, policy: Policy, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The outcomes of thousands of commands are counted in it; that of an event with few is made at once."""
    client: Any = callers.store
    threads, parts = set[int](), tuple(asset(f"dataset d{number}") for number in range(4))

    def record(outcomes: tuple[WriteOutcome, ...]) -> None:
        assert [each.outcome.name for each in outcomes] == ["CREATED"] * 4
        threads.add(get_ident())

    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_ITEMS", most)
    monkeypatch.setattr("app.graph.writing.writer.MAX_BATCH_TEXT", -1)  # so the event is divided
    writer = Writers(client, policy, callers.coordinator).of(ROOT)
    await writer.write([EventCommand(urn("dataset d0"), "e1", parts, record)], dry_run=False, atomic=False)
    assert threads == {await run_aside(get_ident) if most < len(parts) else get_ident()}
