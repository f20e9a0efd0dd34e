"""Events of a real store are counted by source and state, as they are taken, finished and replayed."""

import pytest
from support.servers.in_process import Api, api
from support.stores.writers import person

from app.graph.admin import thin_event_counts
from app.graph.admin.thin_event_counts import read_waiting_events
from app.graph.records.clock import epoch_milliseconds
from app.graph.writing.writer import PolicedWriter
from graphql_schema.catalog.thin_event_rules import MAX_ATTEMPTS, MAX_PAUSE_MS, source_urn
from graphql_schema.ports.commands import Command
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    TakeThinEventCommand,
)

__all__ = ["api"]


async def test_events_are_counted_by_source_and_state(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pending and a dead event count, with the arrival of the oldest pending one; an event that is done does not.

    The source with the oldest events may have more than are counted, and hides none of the others. Sources take turns.
    """
    clock = [begin := epoch_milliseconds()]
    access = api.process.policy.access(person("root", roles="admin"))
    writer = PolicedWriter(api.client, api.coordinator, access, clock=lambda: clock[0])

    async def write(*commands: Command) -> list[str]:
        outcomes = await writer.write(commands, dry_run=False, atomic=False)
        assert not [each.errors for each in outcomes if each.errors]
        return [str(each.created_record) for each in outcomes]

    for name in ("one", "two"):
        await api.load({"workflow": {"id": source_urn(name), "workflowKind": "mlflow"}})
    clock[0] = first = max(begin, epoch_milliseconds()) + 1_000
    done, failing = await write(*(QueueThinEventCommand(source_urn("one"), "run", each) for each in "ab"))
    clock[0] += 1_000
    await write(*(QueueThinEventCommand(source_urn("two"), "run", each) for each in "cde"))
    found, last = await read_waiting_events(api.client)
    assert {name: (each.pending, each.dead, each.oldest_at) for name, each in found.items()} == {
        "one": (2, 0, first),
        "two": (3, 0, first + 1_000),
    }
    assert last == ""
    await write(TakeThinEventCommand(done), FinishThinEventCommand(done, 1, outcome="CREATED"))
    for attempt in range(1, MAX_ATTEMPTS + 1):
        await write(TakeThinEventCommand(failing), FinishThinEventCommand(failing, attempt, "NOT_FOUND"))
        clock[0] += MAX_PAUSE_MS
    found, _ = await read_waiting_events(api.client)
    assert {name: (each.pending, each.dead) for name, each in found.items()} == {"one": (0, 1), "two": (3, 0)}
    assert found["one"].oldest_at is None
    clock[0] += 1_000
    await write(*(QueueThinEventCommand(source_urn("one"), "run", each) for each in "fg"))
    monkeypatch.setattr(thin_event_counts, "MAX_COUNTED", 2)
    found, _ = await read_waiting_events(api.client)
    assert {name: (each.pending, each.dead, each.oldest_at) for name, each in found.items()} == {
        "one": (2, 1, clock[0]),
        "two": (2, 0, first + 1_000),
    }
    monkeypatch.setattr(thin_event_counts, "MAX_READ", 1)
    last, turns = "", []
    for _ in range(4):
        found, last = await read_waiting_events(api.client, last)
        turns.append(([*found], last))
    assert turns == [(["one"], "one"), (["two"], "two"), ([], ""), (["one"], "one")]
