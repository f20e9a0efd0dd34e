"""Work for all writers has turns of the process in the side thread, also if a caller has begun it."""

from collections.abc import Callable
from functools import partial

import pytest
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.log_store import Clock, LogStore, opened, write
from support.stores.memory_store import Callers, MemoryStore, names
from support.stores.writers import asset, shipped_policy

import app.graph.writing.group_commit as committing
from app.graph.commits import write_log
from app.graph.writing.unit.working_set import LONG_TEXT
from graphql_schema.execution.side_thread import CALLER


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the callers that the work under the write lock, and the reading of the write log, have."""
    found: list[object] = []
    for module, name in ((committing, "run_in_parts"), (write_log, "entries_of")):
        monkeypatch.setattr(module, name, partial(_noted, found, getattr(module, name)))
    CALLER.set(("acme", "ada"))
    return found


def _noted(found: list[object], function: Callable[..., object], *arguments: object, **options: object) -> object:
    found.append(CALLER.get())
    return function(*arguments, **options)


async def test_a_transaction_is_of_no_caller(found: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that writes starts with the first call, and serves all: its calls come before those of readers."""
    store = MemoryStore(Memory(shipped_policy()))
    monkeypatch.setattr("app.graph.writing.group_plan.prefetch", store.prefetch)
    calls = Callers(store)
    long = asset("dataset d", {"description": "x " * LONG_TEXT})
    assert names(await calls.call(ROOT, long)) == ["CREATED"]
    assert found == [None]


async def test_what_other_processes_wrote_is_learned_for_all(found: list[object]) -> None:
    """A reader may begin it, and a writer under the write lock may wait for it."""
    store, clock = LogStore(), Clock()
    one, two = await opened(store, clock), await opened(store, clock)
    await write(one)
    await two.learn()
    assert found
    assert {*found} == {None}
