"""Reading ahead ends, whatever its plans need, and concerns neither other processes nor their memory."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import pytest
from support.stores.counted_reads import CountedReads
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.memory_store import Callers, names
from support.stores.writers import Writers, asset, shipped_stops, urn

from app.graph.commits.reads import read_limits
from app.graph.commits.turns.long_writers import LongWriters
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import WriteWatch
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import batch_planner, group_plan, prefetch
from app.graph.writing.group_plan import GroupPlanner
from app.graph.writing.prefetch import ReadsAhead
from app.graph.writing.unit.read_set import NotReadError, ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from app.graph.writing.writer import PolicedWriter
from graphql_schema.ports.commands import Command, EventCommand
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteOutcome
from policies.errors import LimitError
from policies.policy import Policy

SOURCES = [f"dataset source{number}" for number in range(12)]
MADE = asset("dataset made", derivedFrom=SOURCES)


@dataclass
class Order:
    """An order of the transactions of several processes, in which each transaction is the next one.

    ``planners`` has the planner of each plan that has begun.
    """

    planners: list[str] = field(default_factory=list)

    async def begin(self, planner: str) -> None:
        """See :class:`app.graph.driver.gremlin_client.WriteOrder`."""
        self.planners.append(planner)

    async def end_plan(self) -> None:
        """See :class:`app.graph.driver.gremlin_client.WriteOrder`."""

    def turn(self, *_: object) -> None:
        """See :class:`app.graph.driver.gremlin_client.WriteOrder`."""

    def no_longer_sent(self) -> None:
        """See :class:`app.graph.driver.gremlin_client.WriteOrder`."""

    def end_turn(self, *, written: bool) -> None:
        """See :class:`app.graph.driver.gremlin_client.WriteOrder`."""
        assert written


@dataclass
class OrderedReads(CountedReads):
    """A store to which other processes write as well."""

    write_order: Any = field(default_factory=Order)
    write_watches: list[WriteWatch] = field(default_factory=list)


@pytest.fixture
def store(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> OrderedReads:
    """Return a store with the sources; a plan reads ten of them at most."""
    seeded(memory, *map(asset, SOURCES))
    monkeypatch.setattr(read_limits, "FEW_ELEMENTS", 10)
    return OrderedReads(memory)


async def test_reading_ahead_lets_no_other_process_wait(store: OrderedReads) -> None:
    """It is no planner that may have lost turns: others would wait for a transaction that it does not write.

    A plan before and one after it are those of the writers.
    """
    assert names(await Callers(store).call(ROOT, MADE)) == ["CREATED"]
    first, ahead, last = store.write_order.planners
    assert first == last != ahead


@pytest.fixture
def writer(store: OrderedReads, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> PolicedWriter:
    """Return the writer of an administrator, of which no item may depend on eleven assets and edges."""
    monkeypatch.setattr(read_limits, "MAX_ELEMENTS", 10)
    monkeypatch.setattr(read_limits, "MAX_AHEAD", 11)
    client: Any = store
    return Writers(client, policy, WriteCoordinator(shipped_stops())).of(ROOT)


async def test_an_item_that_depends_on_too_much_ends_no_others(writer: PolicedWriter, store: OrderedReads) -> None:
    """It has an outcome, and the items before and after it are written; the error of an atomic call is about all."""
    items = [asset("dataset one"), MADE, asset("dataset last")]
    with pytest.raises(LimitError, match="more than 11 assets and edges, so the change was not written"):
        await writer.write(items, dry_run=False, atomic=True)
    assert store.writes == []
    done = await writer.write(items, dry_run=False, atomic=False)
    assert names(done) == ["CREATED", "CONFLICT", "CREATED"]
    (error,) = done[1].errors
    assert error.code is MutationErrorCode.LIMIT_EXCEEDED
    assert set().union(*store.writes) == {urn("dataset one"), urn("dataset last")}


async def test_a_command_that_depends_on_too_much_ends_no_event(writer: PolicedWriter) -> None:
    """The other commands of the event are written, and so is the next item of the call."""
    event = EventCommand(urn("dataset one"), "e1", (MADE, asset("dataset one")), lambda _: None)
    done = await writer.write([event, asset("dataset last")], dry_run=False, atomic=False)
    assert names([*done[0].parts, *done]) == ["CONFLICT", "CREATED", "UPDATED", "CREATED"]


async def test_what_plans_need_in_turns_is_read_at_last(store: OrderedReads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an atomic call, items after an accepted one may need reads that follow from each other.

    A reading ahead accepts no item, so it does not find them. Each is found by a plan, which then reads all anew.
    """

    def plan_item(command: Command, batch: WorkingSet, *author: Any, dry_run: bool) -> WriteOutcome:
        done = batch_planner.plan_item(command, batch, *author, dry_run=dry_run)
        try:
            for name in () if dry_run else ("dataset one", "dataset other", "dataset last"):
                batch.require_record(vertex_id("default", urn(name)), urn(name))
        except NotReadError:
            return WriteOutcome(Outcome.INVALID)
        return done

    monkeypatch.setattr(group_plan, "plan_item", plan_item)
    async with asyncio.timeout(5):
        assert names(await Callers(store).call(ROOT, MADE, atomic=True)) == ["CREATED"]


async def test_nothing_that_is_read_ahead_becomes_old_in_a_pause(
    store: OrderedReads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller waits before the reading, and what was written in a later pause is read before others have to wait."""
    done = list[str]()
    for each, name in ((LongWriters, "wait"), (GroupPlanner, "read_ahead"), (ReadsAhead, "catch_up")):
        monkeypatch.setattr(each, name, _noted(done, getattr(each, name)))
    assert names(await Callers(store).call(ROOT, MADE)) == ["CREATED"]
    assert done == ["wait", "catch_up", "wait", "read_ahead", "wait", "catch_up"]


def _noted(done: list[str], method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a method that adds its name to ``done`` whenever it is called."""

    async def noted(*arguments: Any) -> Any:
        done.append(method.__name__)
        return await method(*arguments)

    return noted


async def test_what_was_read_ahead_is_freed_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item may read 100,000 edges ahead: to free them at the end of its call held the event loop for 0.06 s."""
    freed, ahead, client = list[object](), ReadsAhead(), SimpleNamespace(write_watches=list[WriteWatch]())
    monkeypatch.setattr(prefetch, "RELEASE", SimpleNamespace(free=freed.extend))
    reads: Any = SimpleNamespace(request=SimpleNamespace(missing=ReadSet()))
    ahead.written.begin(cast("Any", client))
    ahead.keep(reads)
    ahead.end()
    ahead.end()
    assert (freed, client.write_watches) == ([reads], [])
    assert await ahead.refreshed(cast("Any", None)) is None


@pytest.mark.parametrize("method", ["refreshed", "catch_up"])
async def test_what_is_of_no_further_use_is_freed_in_turns(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """So it is after very many writes, and after a reading that is not possible or fails; else it is kept."""
    freed, client = list[object](), SimpleNamespace(write_watches=list[WriteWatch]())
    monkeypatch.setattr(prefetch, "RELEASE", SimpleNamespace(free=freed.extend))
    some = ["a write"]
    for effect, written, are_freed in (([True], some, 0), ([False], some, 1), (OSError, some, 1), ([], None, 1)):
        ahead, refresh = ReadsAhead(), AsyncMock(side_effect=effect)
        ahead.written.begin(cast("Any", client))
        ahead.keep(cast("Any", SimpleNamespace(request=SimpleNamespace(missing=ReadSet()), refresh=refresh)))
        monkeypatch.setattr(ahead.written, "take", Mock(side_effect=[written, []]))
        with suppress(OSError):
            await getattr(ahead, method)(cast("Any", None))
        assert len(freed) == are_freed, (effect, written)
        freed.clear()
