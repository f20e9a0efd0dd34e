"""What items count for a batch: each is measured once, and an event of many edges is no batch by itself."""

from threading import current_thread, main_thread
from typing import Any
from unittest.mock import patch

import pytest
from support.stores.in_memory_writer import Memory
from support.stores.memory_store import MemoryStore
from support.stores.writers import Writers, asset, person, shipped_stops, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.writing import batch_planner, group_plan, item_sizes, writer
from app.graph.writing.item_sizes import ItemSizes
from app.graph.writing.unit.item_size import text_length
from graphql_schema.execution import side_thread
from graphql_schema.ports.commands import Command, EventCommand, ObserveCommand, ObservedValue
from policies.policy import Policy

ITEMS = [asset(f"dataset d{number}", derivedFrom=["dataset a", "dataset b"]) for number in range(4)]
EVENT = EventCommand(urn("dataset d0"), "e", tuple(ITEMS), lambda _: None)


async def test_each_item_is_measured_once_and_an_event_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of an event may have a million characters, whose words are counted in 10 ms."""
    measured = list[tuple[Command, bool]]()

    def counted(item: Command) -> int:
        measured.append((item, current_thread() is main_thread()))
        return text_length(item)

    monkeypatch.setattr(item_sizes, "text_length", counted)
    sizes = ItemSizes()
    items: list[Command] = [ITEMS[0], EVENT]
    await sizes.measure(items)
    assert [(sizes.of(item).commands, sizes.of(item).edges) for item in items] == [(1, 2), (5, 9)]
    assert measured == [(EVENT, False), (ITEMS[0], True)]


async def test_many_events_are_measured_in_few_calls_of_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other callers may have a call before each of them, so that small events would wait for hundreds of these."""
    calls, call = list[object](), side_thread.run_aside

    async def counted(function: Any, *given: Any) -> Any:
        calls.append(function)
        return await call(function, *given)

    monkeypatch.setattr(side_thread, "run_aside", counted)
    events: list[Command] = [EventCommand(urn(f"dataset e{number}"), "e", (), lambda _: None) for number in range(500)]
    sizes = ItemSizes()
    with sizes.in_use():
        await sizes.measure([*events, *ITEMS])
        assert len(sizes) == 500
    assert (len(calls) < 250, len(sizes)) == (True, 0)


async def test_a_writer_keeps_no_sizes_after_a_call(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation may have thirty calls of a thousand large items, each of which is read anew."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    writers = Writers(store, policy, WriteCoordinator(shipped_stops()))  # type: ignore[arg-type]
    one = writers.of(person("root", roles="admin"))
    with patch.object(ItemSizes, "of", autospec=True, side_effect=ItemSizes.of) as measured:
        await one.write(ITEMS, dry_run=True, atomic=False)
    assert [len(each.args[0]) for each in measured.call_args_list] == [0] * len(measured.call_args_list)
    assert measured.call_args_list


@pytest.mark.parametrize(("edges", "writes"), [(9, 1), (7, 2), (2, 4)])
async def test_an_event_of_many_edges_is_several_transactions(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, edges: int, writes: int
) -> None:
    """Its commands would be planned in one call of the side thread, for which all writers wait."""
    store = MemoryStore(Memory(policy))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr(writer, "MAX_BATCH_EDGES", edges)
    writers = Writers(store, policy, WriteCoordinator(shipped_stops()))  # type: ignore[arg-type]
    (done,) = await writers.of(person("root", roles="admin")).write([EVENT], dry_run=False, atomic=False)
    assert [part.outcome.name for part in done.parts] == ["CREATED"] * 4
    assert len(store.writes) == writes


@pytest.mark.parametrize("tables", [2, 3])
async def test_an_event_of_many_tables_is_planned_as_several_items(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, tables: int
) -> None:
    """The plan of a transaction ends between its items; one of 40 wide tables took 0.4 s, for which all wait."""
    store, planned, plan_item = MemoryStore(Memory(policy)), list[Command](), batch_planner.plan_item

    def noted(item: Command, *given: Any, **named: Any) -> Any:
        planned.append(item)
        return plan_item(item, *given, **named)

    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    monkeypatch.setattr(group_plan, "plan_item", noted)
    monkeypatch.setattr(writer, "MAX_EVENT_TABLES", 2)
    columns = ObservedValue("columns", [{"name": "a"}], (1,), "schema")
    plain = ObserveCommand(urn("dataset plain"), "plain", (ObservedValue("description", "text", (1,)),))
    wide = [ObserveCommand(urn(f"dataset t{each}"), "t", (columns,)) for each in range(tables)]
    event = EventCommand(urn("dataset t0"), "e", (plain, *wide), lambda _: None)
    writers = Writers(store, policy, WriteCoordinator(shipped_stops()))  # type: ignore[arg-type]
    (done,) = await writers.of(person("root", roles="admin")).write([event], dry_run=False, atomic=False)
    assert [part.outcome.name for part in done.parts] == ["CREATED"] * (tables + 1)
    assert {type(each) for each in planned} == {ObserveCommand if tables > 2 else EventCommand}
