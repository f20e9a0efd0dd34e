"""What a batch leaves to the job of owner teams: each parent of many children whose owner team differs after it."""

from collections.abc import Sequence
from typing import Any

import pytest
from support.stores.counted_reads import CountedReads
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.memory_store import Callers, names
from support.stores.writers import asset, set_owners, urn

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import inheriting_children
from app.graph.writing.group_plan import GroupPlanner
from app.graph.writing.unit.read_set import ReadSet
from graphql_schema.ports.commands import Command

OURS = {"team ranking": ["TECHNICAL"]}


@pytest.fixture(autouse=True)
def _models(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store models with a version each, and one without; a transaction reads no version."""
    monkeypatch.setattr(inheriting_children, "MAX_CHILDREN", 0)
    versions = [asset(f"model-version {name}@1") for name in "ab"]
    seeded(memory, *(asset(f"model {name}", owners=OURS) for name in "abc"), *versions)


async def left(memory: Memory, *calls: Sequence[Command], dry_run: bool = False) -> list[OutboxEntry]:
    """Return the entries that some calls of one transaction leave."""
    store: Any = CountedReads(memory)
    callers = Callers(store)
    batches = [callers.batch(ROOT, *items, dry_run=dry_run) for items in calls]
    plan = await GroupPlanner(store, callers.coordinator, batches, ReadSet()).plan()
    assert {each for batch in plan.batches for each in names(batch.outcomes)} <= {"UPDATED", "CREATED"}
    return plan.entries


def models(entry: OutboxEntry) -> list[str]:
    """Return the names of the models whose versions an entry is about."""
    found = {vertex_id("default", urn(f"model {name}")): name for name in "abc"}
    return sorted(found[vid] for vid in entry.frontier)


def move(name: str, team: str = "ads") -> Command:
    """Return the command that gives a model to a team."""
    return set_owners(f"model {name}", f"team {team}")


async def test_parents_of_a_batch_are_in_one_entry(memory: Memory) -> None:
    """It has the caller, by whose rights the job decides, and the owner that each got, and is due at once."""
    (entry,) = await left(memory, [move("a"), move("b", "data")])
    assert (entry.kind, models(entry), entry.raised_by, entry.due) == ("owner", ["a", "b"], ROOT, 0)
    given = {f"model {name}": urn(f"team {team}") for name, team in (("a", "ads"), ("b", "data"))}
    assert entry.given == {vertex_id("default", urn(model)): team for model, team in given.items()}


async def test_each_call_leaves_its_own_entry(memory: Memory) -> None:
    """Also if a later call of the same transaction gives the parent back: each has the rights of its caller."""
    entries = await left(memory, [move("a")], [move("a", "ranking")])
    assert [models(each) for each in entries] == [["a"], ["a"]]
    assert [[*each.given.values()] for each in entries] == [[urn("team ads")], [urn("team ranking")]]


@pytest.mark.parametrize(
    "items",
    [
        [asset("model a", {"description": "new"})],
        [move("a"), move("a", "ranking")],
        [asset("model d", owners=OURS), asset("model-version d@1"), move("d")],
    ],
    ids=["same owner", "given back", "new"],
)
async def test_what_changes_no_stored_child_leaves_nothing(memory: Memory, items: list[Command]) -> None:
    """The owner team after the batch is that before it, or the children are those of the batch."""
    assert await left(memory, items) == []


async def test_a_dry_run_leaves_no_entry(memory: Memory) -> None:
    """It has the outcome of the write."""
    assert await left(memory, [move("a")], dry_run=True) == []
